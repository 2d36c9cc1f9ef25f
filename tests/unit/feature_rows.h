// Rows of raw features for feature_description().
#pragma once

#include <cstdint>
#include <type_traits>
#include <vector>

#include "mmoe/input.h"
#include "tests/unit/random.h"

namespace mmoe::test {

/// Column: FeatureColumn or the C interface's. One per feature, in the description's order: price, country, shop,
/// device, history.
template <class Column>
struct FeatureRows {
  std::vector<std::int32_t> country, device, shop;
  std::vector<float> history, price;
  std::vector<Column> columns;

  explicit FeatureRows(std::size_t num_rows) {
    Random random(3);
    for (std::size_t i = 0; i < num_rows; ++i) {
      country.push_back(static_cast<std::int32_t>(random.below(5)));
      device.push_back(static_cast<std::int32_t>(random.below(4)));
      shop.push_back(static_cast<std::int32_t>(random.below(101)) - 1);
      price.push_back(random.uniform(-10, 80));
    }
    history = random.floats(num_rows * 3);
    columns = first(num_rows);
  }

  /// Columns of the first rows.
  std::vector<Column> first(std::size_t count) const {
    return {values_of({price.data(), count}), ids_of({country.data(), count}), ids_of({shop.data(), count}),
            ids_of({device.data(), count}), values_of({history.data(), count * 3})};
  }

 private:
  static Column ids_of(Span<const std::int32_t> ids) { return column_of(Span<const float>(), ids); }
  static Column values_of(Span<const float> values) { return column_of(values, Span<const std::int32_t>()); }
  static Column column_of(Span<const float> values, Span<const std::int32_t> ids) {
    if constexpr (std::is_same_v<Column, FeatureColumn>) {
      return {values, ids};
    } else {
      return {values.data(), values.size(), ids.data(), ids.size()};
    }
  }
};

}  // namespace mmoe::test
