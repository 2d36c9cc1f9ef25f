// What a conversion says of the numbers that it has stored.
#pragma once

#include <string>
#include <vector>

#include "converter/program/convert.h"

namespace mmoe::converter {

/// Lines of text; none for a file in f32 without notes.
std::vector<std::string> describe_numbers(const ConvertReport& report, const std::vector<std::string>& task_names);

}  // namespace mmoe::converter
