// The dictionary at the start of a .npy file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mmoe::tools {

struct NpyHeader {
  std::string dtype;  ///< "<f4"
  bool fortran_order = false;
  std::vector<std::uint64_t> shape;
};

/// Parses "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }". Throws ToolError, without the
/// file's name, for anything else.
NpyHeader parse_npy_header(std::string_view text);

}  // namespace mmoe::tools
