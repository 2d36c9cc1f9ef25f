#include <algorithm>
#include <limits>

#include "tests/unit/kernels/compare.h"

namespace mmoe::test {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

TEST_CASE("scale: clamps, shifts and scales in this order; NaN becomes the missing value") {
  const std::vector<float> values = {-5, 0, 3, 200, kNan, kInfinity};
  for (std::size_t i = 0; const kernels::KernelTable* table = kernels::available_kernels(i); ++i) {
    std::vector<float> x(12, 9.0f);
    table->scale({values.data(), 1, 6, 1.0f, 0.5f, 0.0f, 100.0f, 7.0f, x.data(), 2});
    CHECK(x == std::vector<float>{-0.5f, 9, -0.5f, 9, 1, 9, 49.5f, 9, 3, 9, 49.5f, 9});
    table->scale({values.data(), 1, 6, 0.0f, 1.0f, -kInfinity, kInfinity, kNan, x.data(), 2});
    CHECK(x[0] == -5);
    CHECK(std::isnan(x[8]));
    CHECK(x[10] == kInfinity);
  }
}

TEST_CASE("lookup: rows of the table, zeros for a negative id, nothing beyond the width") {
  Random random(1);
  for (const std::size_t width : {1, 3, 8, 16, 17, 40}) {
    const std::vector<float> table_data = random.floats(5 * width);
    const std::vector<std::int32_t> ids = {4, -1, 0, 2};
    for (std::size_t i = 0; const kernels::KernelTable* table = kernels::available_kernels(i); ++i) {
      std::vector<float> x(4 * (width + 2), 9.0f);
      table->lookup({kernels::TableType::kF32, table_data.data(), width, ids.data(), 4, x.data(), width + 2});
      for (std::size_t row = 0; row < 4; ++row) {
        for (std::size_t d = 0; d < width; ++d) {
          const std::size_t id = static_cast<std::size_t>(ids[row]);
          CHECK(x[row * (width + 2) + d] == (ids[row] < 0 ? 0.0f : table_data[id * width + d]));
        }
        CHECK(x[row * (width + 2) + width] == 9.0f);
      }
    }
  }
}

TEST_CASE("pool: sum, mean and maximum of rows in their order, zeros of none, nothing beyond the width") {
  Random random(1);
  const std::vector<std::int32_t> ids = {4, 0, 2, 4, 1};
  for (const std::size_t width : {1, 3, 8, 16, 17, 40}) {
    const std::vector<float> table_data = random.floats(5 * width, -2, 2);
    for (const kernels::Pooling pooling : {kernels::Pooling::kSum, kernels::Pooling::kMean, kernels::Pooling::kMax}) {
      for (std::size_t count = 0; count <= ids.size(); ++count) {
        std::vector<float> expected(width + 1, 9.0f);
        for (std::size_t d = 0; d < width; ++d) {
          float pooled = 0;
          for (std::size_t j = 0; j < count; ++j) {
            const float x = table_data[static_cast<std::size_t>(ids[j]) * width + d];
            pooled = j == 0 ? x : pooling == kernels::Pooling::kMax ? std::max(pooled, x) : pooled + x;
          }
          const bool mean = pooling == kernels::Pooling::kMean && count != 0;
          expected[d] = mean ? pooled / static_cast<float>(count) : pooled;
        }
        for (std::size_t i = 0; const kernels::KernelTable* table = kernels::available_kernels(i); ++i) {
          std::vector<float> x(width + 1, 9.0f);
          table->pool({kernels::TableType::kF32, table_data.data(), width, ids.data(), count, pooling, x.data()});
          CHECK(x == expected);  // no product, so that every set gives these bits
        }
      }
    }
  }
}

TEST_CASE("pool: weights, and the divisors of weighted means and roots") {
  using kernels::Pooling;
  Random random(2);
  const std::vector<std::int32_t> ids = {4, 0, 2, 4, 1};
  const std::vector<float> weights = {0.5f, 1.25f, 3e-3f, 7, 0.1f};
  for (const std::size_t width : {1, 3, 8, 16, 17, 40}) {
    const std::vector<float> table_data = random.floats(5 * width, -2, 2);
    for (const Pooling pooling : {Pooling::kSum, Pooling::kMean, Pooling::kSqrtN}) {
      for (const bool weighted : {false, true}) {
        for (std::size_t count = 0; count <= ids.size(); ++count) {
          const auto weight = [&](std::size_t i) { return weighted ? weights[i] : 1.0f; };
          float divisor = 0;
          for (std::size_t i = 0; i < count; ++i) {
            divisor += pooling == Pooling::kSqrtN ? weight(i) * weight(i) : weight(i);
          }
          if (pooling == Pooling::kSqrtN) divisor = std::sqrt(divisor);
          std::vector<float> expected(width + 1, 9.0f);
          for (std::size_t d = 0; d < width; ++d) {
            float pooled = 0;
            for (std::size_t i = 0; i < count; ++i) {
              const float x = table_data[static_cast<std::size_t>(ids[i]) * width + d] * weight(i);
              pooled = i == 0 ? x : pooled + x;
            }
            expected[d] = pooling == Pooling::kSum || count == 0 ? pooled : pooled / divisor;
          }
          for (std::size_t i = 0; const kernels::KernelTable* table = kernels::available_kernels(i); ++i) {
            std::vector<float> x(width + 1, 9.0f);
            table->pool({kernels::TableType::kF32, table_data.data(), width, ids.data(), count, pooling, x.data(),
                         weighted ? weights.data() : nullptr});
            CHECK(x == expected);  // nothing is fused, so that every set gives these bits
          }
        }
      }
    }
  }
}

TEST_CASE("all_finite: finds one bad value at any position of any length") {
  for (std::size_t i = 0; const kernels::KernelTable* table = kernels::available_kernels(i); ++i) {
    for (std::size_t size = 0; size < 40; ++size) {
      std::vector<float> values(size, std::numeric_limits<float>::max());
      CHECK(table->all_finite(values.data(), size));
      for (std::size_t at = 0; at < size; ++at) {
        for (const float bad : {kNan, kInfinity, -kInfinity}) {
          values[at] = bad;
          CHECK_FALSE(table->all_finite(values.data(), size));
        }
        values[at] = -1;
      }
    }
  }
}

TEST_CASE("select_kernels: by name, and the fastest first") {
  CHECK(kernels::select_kernels() == kernels::available_kernels(0));
  CHECK(kernels::select_kernels("scalar") != nullptr);
  CHECK(kernels::select_kernels("sse9") == nullptr);
  CHECK(kernels::select_kernels("") == nullptr);
}

}  // namespace
}  // namespace mmoe::test
