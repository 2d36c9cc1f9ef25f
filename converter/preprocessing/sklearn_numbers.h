// scikit-learn's transformers of numbers, one column at a time.
#pragma once

#include <string>

#include "converter/preprocessing/preprocessed_columns.h"
#include "converter/reading/json_reader.h"

namespace mmoe::converter {

/// What a fitted transformer makes of columns, in their order. Each throws ConvertError where features cannot be the
/// same.
PreprocessedColumns apply_function(const JsonReader& transformer, PreprocessedColumns columns);
PreprocessedColumns binarise(const JsonReader& transformer, PreprocessedColumns columns);
PreprocessedColumns scale_by_largest(const JsonReader& transformer, PreprocessedColumns columns);
PreprocessedColumns scale_to_range(const JsonReader& transformer, PreprocessedColumns columns);
PreprocessedColumns transform_power(const JsonReader& transformer, PreprocessedColumns columns);
PreprocessedColumns transform_quantiles(const JsonReader& transformer, PreprocessedColumns columns);

/// (v - `center`) / scale_ by the names of fields; either is left out where the flag of its name is false. An empty
/// flag of the center: there is none; of the scale: it is always there.
PreprocessedColumns standardise(const JsonReader& transformer, PreprocessedColumns columns, const std::string& center,
                                const std::string& center_flag, const std::string& scale_flag);

/// Makes `function`, as a description has it, of a column that no function or scaling has changed.
void apply_to_number(const JsonReader& transformer, const nlohmann::json& function, PreprocessedColumn& column);

}  // namespace mmoe::converter
