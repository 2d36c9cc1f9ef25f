// Features that a fitted preprocessing gives, in the place of features that a description writes out.
#pragma once

#include <vector>

#include "converter/description/json_reader.h"
#include "converter/description/preprocessed_columns.h"
#include "converter/description/vocabulary_keys.h"

namespace mmoe::converter {

/// Of an entry {"preprocessing": file, ...} of `features`: the features that stand for it, in their order.
std::vector<MadeFeature> read_preprocessing(const JsonReader& entry, KeySources& sources);

}  // namespace mmoe::converter
