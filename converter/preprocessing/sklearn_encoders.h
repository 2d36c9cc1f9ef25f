// scikit-learn's encoders of categories: what OneHotEncoder, OrdinalEncoder, TargetEncoder and
// KBinsDiscretizer make of columns.
#pragma once

#include <string>
#include <vector>

#include "converter/preprocessing/preprocessed_columns.h"
#include "converter/reading/json_reader.h"

namespace mmoe::converter {

/// `columns` are what it reads; none has been changed but for missing values. The columns that it gives; throws
/// ConvertError where features cannot be the same.
PreprocessedColumns encode_one_hot(const JsonReader& encoder, const PreprocessedColumns& columns,
                                   std::vector<std::string>& notes);
PreprocessedColumns encode_ordinal(const JsonReader& encoder, const PreprocessedColumns& columns,
                                   std::vector<std::string>& notes);
PreprocessedColumns encode_target(const JsonReader& encoder, const PreprocessedColumns& columns,
                                  std::vector<std::string>& notes);
PreprocessedColumns encode_bins(const JsonReader& encoder, const PreprocessedColumns& columns);

/// The number of the bin of a raw column, from 0 on. `side`: of a number that equals a bound, as a description has it.
PreprocessedColumn bins_of_column(const JsonReader& transformer, const PreprocessedColumn& column,
                                  const std::vector<double>& bounds, const std::string& side);

/// The field's items. Throws unless there is one for each of `num_columns` columns.
std::vector<JsonReader> one_per_column(const JsonReader& transformer, const std::string& field, size_t num_columns);

}  // namespace mmoe::converter
