#include "runtime/tools/labels/quality.h"

#include <doctest/doctest.h>

#include <cmath>

namespace mmoe::tools {
namespace {

using doctest::Approx;

TEST_CASE("auc: of all pairs of a positive and a negative, the share that is in order; equal scores count half") {
  CHECK(auc({0, 0, 1, 1}, {0.1f, 0.2f, 0.3f, 0.4f}) == 1);
  CHECK(auc({1, 1, 0, 0}, {0.1f, 0.2f, 0.3f, 0.4f}) == 0);
  CHECK(auc({0, 1, 0, 1}, {0.5f, 0.5f, 0.5f, 0.5f}) == 0.5);
  CHECK(auc({0, 1, 0, 1, 0}, {0.1f, 0.4f, 0.4f, 0.2f, 0.3f}) == Approx(4.5 / 6 - 1.0 / 6));
  CHECK(std::isnan(auc({1, 1}, {0.1f, 0.2f})));
  CHECK(std::isnan(auc({0, 0}, {0.1f, 0.2f})));
}

TEST_CASE("squared error and R squared") {
  CHECK(mean_squared_error({1, 2, 3}, {1, 2, 5}) == Approx(4.0 / 3));
  CHECK(r_squared({1, 2, 3}, {1, 2, 3}) == 1);
  CHECK(r_squared({1, 2, 3}, {2, 2, 2}) == 0);
  CHECK(r_squared({1, 2, 3}, {1, 2, 5}) == Approx(1 - 4.0 / 2));
  CHECK(std::isnan(r_squared({2, 2}, {1, 2})));
}

}  // namespace
}  // namespace mmoe::tools
