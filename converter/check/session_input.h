// Rows of a description as a session of the written file takes them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "mmoe/input.h"

namespace mmoe::converter {

/// `values` and `ids` as RawRows and Golden have them: row after row, features in the description's order. They must
/// stay as long as the result. REQUIRES: num_rows is not 0.
inline Input input_of(const Model& model, size_t num_rows, const std::vector<float>& values,
                      const std::vector<int32_t>& ids) {
  GoldenRows rows{};
  rows.num_rows = num_rows;
  rows.values = values.data();
  rows.ids = ids.data();
  rows.num_values = values.size() / num_rows;
  rows.num_ids = ids.size() / num_rows;
  rows.has_features = model.num_features() != 0;
  return Input::golden(rows, 0, num_rows);
}

}  // namespace mmoe::converter
