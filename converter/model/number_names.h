// What the types of stored numbers are called.
#pragma once

#include <string>
#include <vector>

#include "converter/model/model.h"

namespace mmoe::converter {

/// Names as descriptions and options have them, in the order of the types.
const std::vector<std::string>& weight_type_names();
const std::vector<std::string>& table_type_names();
const std::string& name_of(WeightType type);
const std::string& name_of(TableType type);

}  // namespace mmoe::converter
