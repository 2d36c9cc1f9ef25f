// How the shape of a tensor is shown in a message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace mmoe::converter {

/// "[2, 3]"; cut after 16 numbers, since a hostile file may have millions.
inline std::string shape_text(const std::vector<uint64_t>& shape) {
  constexpr size_t kLongest = 16;
  std::string out = "[";
  for (size_t i = 0; i < shape.size() && i < kLongest; ++i) out += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return out + (shape.size() > kLongest ? ", ...]" : "]");
}

}  // namespace mmoe::converter
