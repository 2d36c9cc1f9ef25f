// Numbers that a recipe takes from the shapes of tensors.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>

#include "converter/recipes/name_index.h"

namespace mmoe::converter {

/// {"outputs_of": pattern} or {"inputs_of": pattern}, of a matrix [outputs, inputs]; of a list the first that the file
/// has. Nothing, if it has none.
std::optional<uint64_t> read_shape(const nlohmann::ordered_json& rule, const NameIndex& names);

/// A number as it is, what read_shape finds, or {"one_over_root_of_outputs_of": pattern}. Throws ConvertError naming
/// the tensor that is not there.
nlohmann::ordered_json read_number(const nlohmann::ordered_json& rule, const NameIndex& names);

}  // namespace mmoe::converter
