// Features that a fitted preprocessing gives, in the place of features that a description writes out.
#pragma once

#include <vector>

#include "converter/preprocessing/preprocessed_columns.h"
#include "converter/reading/json_reader.h"
#include "converter/reading/tensor_index.h"
#include "converter/reading/vocabulary_keys.h"

namespace mmoe::converter {

/// Whether an entry of `features` stands for features of a file: {"preprocessing": file, ...} of scikit-learn,
/// {"torch_easy_rec": file, ...}, {"fuxictr": file, ...}.
bool is_preprocessing(const JsonReader& entry);

/// The features that stand for it, in their order. `tensors` has the names of tables.
std::vector<MadeFeature> read_preprocessing(const JsonReader& entry, KeySources& sources, const TensorIndex& tensors);

}  // namespace mmoe::converter
