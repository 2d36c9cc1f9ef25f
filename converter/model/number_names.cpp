#include "converter/model/number_names.h"

namespace mmoe::converter {

const std::vector<std::string>& weight_type_names() {
  static const std::vector<std::string> names = {"f32", "f16", "bf16", "i8", "w8a8"};
  return names;
}

const std::vector<std::string>& table_type_names() {
  static const std::vector<std::string> names = {"f32", "f16", "u8", "u4"};
  return names;
}

const std::string& name_of(WeightType type) { return weight_type_names()[static_cast<size_t>(type)]; }
const std::string& name_of(TableType type) { return table_type_names()[static_cast<size_t>(type)]; }

}  // namespace mmoe::converter
