// Which types of numbers the file has, where the description says it.
#pragma once

#include <string>

#include "converter/model/model.h"
#include "converter/reading/json_reader.h"

namespace mmoe::converter {

/// Whether an entry's `match` is a layer's or table's name, or that of the module that has it, with or without the
/// prefix; * stands for any text.
bool fits_name(const std::string& match, const std::string& name, const std::string& prefix);

/// Sets the types of the layers and tables that the entries of `numbers` match; of several entries that match one, the
/// last holds. `prefix`: with which all names begin, and which patterns may leave out. Throws ConvertError for an entry
/// that matches nothing, with the names that there are.
void bind_numbers(const JsonReader& numbers, const std::string& prefix, TrainedModel& model);

/// The same of a list that stands alone, as JSON.
void bind_numbers_text(const std::string& text, TrainedModel& model);

}  // namespace mmoe::converter
