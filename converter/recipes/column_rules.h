// Faults in `columns` of a recipe's model: the blocks of x that it reads.
#pragma once

#include "converter/reading/json_reader.h"

namespace mmoe::converter {

/// Throws ConvertError with the path of what is wrong.
void check_columns(const JsonReader& model);

}  // namespace mmoe::converter
