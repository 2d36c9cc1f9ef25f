// Features of TorchEasyRec's pipeline configuration, as a description has them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "converter/preprocessing/preprocessed_columns.h"
#include "converter/reading/json_reader.h"
#include "converter/reading/vocabulary_keys.h"

namespace mmoe::converter {

/// The full name of a tensor that ends so; throws ConvertError if there is not exactly one.
using FindTensor = std::function<std::string(const JsonReader& field, const std::string& ending)>;

/// `pipeline`: what read_easyrec_config() gives. `entry`: {"torch_easy_rec": file, "group": name, "lengths": {...},
/// "hash": function, "embedding": name}. The features in the order of the group, or of all. Throws ConvertError, which
/// names the feature, for what features cannot be.
std::vector<MadeFeature> describe_easyrec(const JsonReader& pipeline, const JsonReader& entry, KeySources& sources,
                                          const FindTensor& find_tensor);

}  // namespace mmoe::converter
