// `features`: how raw rows become x.
#pragma once

#include "converter/model/model.h"
#include "converter/reading/json_reader.h"
#include "converter/reading/tensor_index.h"
#include "converter/reading/vocabulary_keys.h"

namespace mmoe::converter {

/// Fills features, embeddings (each table once, however many features share it) and input_dim; `sources` gives the
/// vocabularies that lie in files, and takes notes of all.
void bind_features(const JsonReader& list, TensorIndex& tensors, KeySources& sources, TrainedModel& model);

}  // namespace mmoe::converter
