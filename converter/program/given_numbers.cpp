#include "converter/program/given_numbers.h"

#include <algorithm>

#include "converter/description/numbers.h"
#include "converter/error.h"
#include "converter/model/number_names.h"
#include "runtime/tools/support/text_file.h"

namespace mmoe::converter {
namespace {

template <class Type>
Type type_of(const std::string& name, const std::vector<std::string>& names) {
  return static_cast<Type>(std::find(names.begin(), names.end(), name) - names.begin());
}

}  // namespace

NumberOptions number_options(const std::string& weight_type, const std::string& table_type) {
  return {type_of<WeightType>(weight_type, weight_type_names()), type_of<TableType>(table_type, table_type_names())};
}

void apply_numbers(const std::string& numbers, TrainedModel& model) {
  if (numbers.empty()) return;
  const bool is_json = numbers.front() == '[';
  const std::string origin = is_json ? "--numbers" : numbers;
  try {
    const std::string text = is_json ? numbers : tools::read_text_file(numbers);
    bind_numbers_text(text, model);
  } catch (const ConvertError& error) {
    throw ConvertError(origin + ": " + error.what());
  }
}

}  // namespace mmoe::converter
