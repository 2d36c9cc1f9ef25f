// Fitted transformers of scikit-learn, as DESCRIPTION.md's script saves their fields.
#pragma once

#include <string>
#include <vector>

#include "converter/preprocessing/preprocessed_columns.h"
#include "converter/reading/json_reader.h"

namespace mmoe::converter {

/// The columns that a ColumnTransformer, Pipeline, FeatureUnion or single transformer gives, in their order. Notes are
/// about what rows must look like. Throws ConvertError for a transformer or parameter that features do not have.
PreprocessedColumns read_sklearn(const JsonReader& transformer, std::vector<std::string>& notes);

}  // namespace mmoe::converter
