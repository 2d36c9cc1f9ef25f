// Which column of a CSV file each value of a row comes from.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "runtime/tools/rows/input_spec.h"

namespace mmoe::tools {

/// One value of a row. A model without features has one slot, x itself; otherwise slots are its features.
struct Cell {
  std::size_t slot;
  std::size_t offset;       ///< within the slot's width; of a sequence's columns: the element's place; of a cross: the
                            ///< part's, where the last is reached last
  std::size_t column;       ///< in the CSV file
  bool is_element = false;  ///< one element of a sequence, which has a column per element
  bool is_weight = false;   ///< its weight, or the weights of all; behind the cells of its elements
};

/// Finds the columns by name: as the header has it first, then without the blanks around it. Throws ToolError that
/// begins with `where` when one is missing or there twice.
std::vector<std::size_t> find_columns(const std::string& where, const std::vector<std::string>& header,
                                      const std::vector<std::string>& names);

/// The cells of a row. Features are found by name (`name.0`, `name.1`, … where the width is above 1); x by
/// `x0`, `x1`, …, or in the order of the columns when there are exactly input_dim of them and no name says another
/// order: a header that has one of these names must have all, and one that has others like them (`X_3`) must have them
/// in their places. A sequence is one column, or, where there is none of its name, the columns `name.0`, `name.1`, …:
/// at most as many as it has elements.
std::vector<Cell> map_columns(const std::string& where, const std::vector<std::string>& header, const InputSpec& spec);

/// Throws ToolError when a header is rather the first row of data: nothing but numbers, and not 0, 1, 2, …
/// as pandas names columns that have no name.
void check_is_header(const std::string& where, const std::vector<std::string>& header);

}  // namespace mmoe::tools
