// Features of FuxiCTR's feature_map.json and feature_vocab.json, as a description has them.
#pragma once

#include <vector>

#include "converter/preprocessing/easyrec_features.h"
#include "converter/preprocessing/preprocessed_columns.h"
#include "converter/reading/json_reader.h"
#include "converter/reading/vocabulary_keys.h"

namespace mmoe::converter {

/// `entry`: {"fuxictr": file, "vocabulary": file, "columns": [...], "side": {...}, "embedding": name, "scale": {...}}.
/// The features in the order of the map, without those of the type meta. Throws ConvertError, which names the feature,
/// for what features cannot be.
std::vector<MadeFeature> describe_fuxictr(const JsonReader& entry, const KeySources& sources,
                                          const FindTensor& find_tensor);

}  // namespace mmoe::converter
