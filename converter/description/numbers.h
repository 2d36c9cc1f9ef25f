// Which types of numbers the file has, where the description says it.
#pragma once

#include <string>

#include "converter/description/json_reader.h"
#include "converter/description/model.h"

namespace mmoe::converter {

/// Sets the types of the layers and tables that the entries of `numbers` match; of several entries that match one, the
/// last holds. `prefix`: with which all names begin, and which patterns may leave out. Throws ConvertError for an entry
/// that matches nothing, with the names that there are.
void bind_numbers(const JsonReader& numbers, const std::string& prefix, TrainedModel& model);

}  // namespace mmoe::converter
