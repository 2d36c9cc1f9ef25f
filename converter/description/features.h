// `features`: how raw rows become x.
#pragma once

#include "converter/description/json_reader.h"
#include "converter/description/model.h"
#include "converter/description/tensor_index.h"

namespace mmoe::converter {

/// Fills features, embeddings (each table once, however many features share it) and input_dim.
void bind_features(const JsonReader& list, TensorIndex& tensors, TrainedModel& model);

}  // namespace mmoe::converter
