// Rows of raw features for feature_description().
#pragma once

#include <cstdint>
#include <vector>

#include "tests/unit/random.h"

namespace mmoe::test {

/// Column: FeatureColumn or the C interface's. One per feature, in the description's order: price, country, shop, device,
/// history.
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
    columns = {{price.data(), nullptr}, {nullptr, country.data()}, {nullptr, shop.data()}, {nullptr, device.data()},
               {history.data(), nullptr}};
  }
};

}  // namespace mmoe::test
