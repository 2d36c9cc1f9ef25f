// The JSON header of a safetensors file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "converter/importers/dtype.h"

namespace mmoe::converter {

/// One tensor as the header states it; nothing but its form has been checked.
struct SafetensorsEntry {
  std::string name;
  std::optional<DType> dtype;
  std::optional<std::vector<uint64_t>> shape;
  std::optional<std::vector<uint64_t>> data_offsets;  ///< begin and end, from the end of the header
};

/// The tensors in the header's order, `__metadata__` left out. Throws ConvertError (without the file's name)
/// on anything but `{"name": {"dtype": "F32", "shape": [..], "data_offsets": [..]}, ...}`.
std::vector<SafetensorsEntry> parse_safetensors_header(std::string_view json);

}  // namespace mmoe::converter
