// Types of numbers that the user gives beside the description.
#pragma once

#include <string>

#include "converter/model/model.h"
#include "converter/quantise/quantise.h"

namespace mmoe::converter {

/// By the names of types. REQUIRES: of weight_type_names(), table_type_names().
NumberOptions number_options(const std::string& weight_type, const std::string& table_type);

/// `numbers`: a list of JSON, or a file that has it; entries as the description's. Empty: nothing is changed. Throws
/// ConvertError, beginning with the file's name or --numbers.
void apply_numbers(const std::string& numbers, TrainedModel& model);

}  // namespace mmoe::converter
