// How a C program's input becomes mmoe::Input.
#pragma once

#include <cstddef>

#include "mmoe/error.h"
#include "mmoe/input.h"
#include "mmoe/mmoe.h"

namespace mmoe::internal {

/// What mmoe_columns::library points to: the only way from the functions that score to the code for raw features.
using ColumnsInput = Result<Input> (*)(const mmoe_columns& columns, std::size_t num_rows);

/// Errors: kInvalidArgument. REQUIRES: input is not null.
Result<Input> input_of(const mmoe_input* input);

/// Errors: kInvalidArgument. REQUIRES: output is not null.
Result<Output> output_of(const mmoe_output* output);

}  // namespace mmoe::internal
