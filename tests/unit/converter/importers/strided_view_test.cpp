#include "converter/importers/strided_view.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <string>

namespace mmoe::converter {
namespace {

constexpr uint64_t kMax64 = std::numeric_limits<uint64_t>::max();
constexpr uint64_t kMax63 = kMax64 / 2;

/// An array of floats 0, 1, 2 ...
std::vector<float> counting(size_t count) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = static_cast<float>(i);
  return values;
}

std::vector<float> read_counting(const StridedView& view, size_t count) {
  const std::vector<float> array = counting(count);
  REQUIRE(checked_extent(view).value_or(kMax64) <= count);
  return read_view(view, {reinterpret_cast<const unsigned char*>(array.data()), DType::kF32});
}

}  // namespace

TEST_CASE("a number of elements that does not fit is nothing") {
  CHECK(checked_num_elements({}) == 1);
  CHECK(checked_num_elements({3, 4}) == 12);
  CHECK(checked_num_elements({3, 0, 4}) == 0);
  CHECK(checked_num_elements({kMax63, kMax63, 0}) == 0);
  CHECK(checked_num_elements({kMax63}) == kMax63);
  CHECK_FALSE(checked_num_elements({kMax63, 3}));
  CHECK_FALSE(checked_num_elements({uint64_t{1} << 32, uint64_t{1} << 31}));
  CHECK_FALSE(checked_num_elements({kMax64}));
}

TEST_CASE("the extent of a view is its last element plus one, or nothing") {
  CHECK(checked_extent({5, {}, {}}) == 6);
  CHECK(checked_extent({5, {0, 9}, {1, 1}}) == 0);
  CHECK(checked_extent({2, {3, 4}, {10, 1}}) == 2 + 20 + 3 + 1);
  CHECK(checked_extent({0, {1000}, {0}}) == 1);
  CHECK(checked_extent({0, {1}, {kMax64}}) == 1);
  CHECK_FALSE(checked_extent({kMax64, {}, {}}));
  CHECK_FALSE(checked_extent({0, {3}, {kMax63 + 1}}));
  CHECK_FALSE(checked_extent({kMax63, {3}, {kMax63}}));
  CHECK_FALSE(checked_extent({1, {2, 2}, {kMax63, kMax63 + 1}}));
}

TEST_CASE("elements come row-major whatever the strides") {
  CHECK(read_counting({3, {}, {}}, 4) == std::vector<float>{3});
  CHECK(read_counting({0, {0, 3}, {3, 1}}, 0).empty());
  CHECK(read_counting({1, {2, 3}, {3, 1}}, 7) == std::vector<float>{1, 2, 3, 4, 5, 6});
  CHECK(read_counting({0, {3, 2}, {1, 3}}, 6) == std::vector<float>{0, 3, 1, 4, 2, 5});
  CHECK(read_counting({2, {2, 3}, {0, 0}}, 3) == std::vector<float>{2, 2, 2, 2, 2, 2});
  CHECK(read_counting({0, {2, 2, 2}, {1, 4, 2}}, 8) == std::vector<float>{0, 2, 4, 6, 1, 3, 5, 7});
  // A dimension of one may have any stride.
  CHECK(read_counting({1, {1, 2, 1}, {kMax64, 2, kMax64}}, 4) == std::vector<float>{1, 3});
}

TEST_CASE("any range of elements comes as of the whole") {
  const StridedView views[] = {{0, {4, 3, 5}, {15, 5, 1}},
                               {0, {5, 3, 4}, {1, 20, 5}},
                               {3, {4, 1, 7}, {7, 99, 1}},
                               {0, {2, 3, 2}, {0, 2, 1}},
                               {1, {6, 2}, {10, 1}},
                               {0, {60}, {1}},
                               {0, {3, 4, 5}, {1, 3, 12}},
                               {59, {}, {}},
                               {0, {2, 2, 3, 5}, {30, 15, 5, 1}}};
  const std::vector<float> numbers = counting(60);
  const ElementArray array{reinterpret_cast<const unsigned char*>(numbers.data()), DType::kF32};
  for (const StridedView& view : views) {
    REQUIRE(checked_extent(view).value_or(kMax64) <= 60);
    const std::vector<float> whole = read_view(view, array);
    for (size_t first = 0; first <= whole.size(); ++first) {
      for (size_t count = 0; first + count <= whole.size(); ++count) {
        std::vector<float> part(count);
        read_view(view, array, first, count, part.data());
        REQUIRE(std::equal(part.begin(), part.end(), whole.begin() + static_cast<std::ptrdiff_t>(first)));
      }
    }
  }
}

TEST_CASE("elements of every type and byte order") {
  const auto one = [](const std::string& bytes, DType dtype, bool big_endian) {
    return read_view({0, {1}, {1}}, {reinterpret_cast<const unsigned char*>(bytes.data()), dtype, big_endian})[0];
  };
  using namespace std::string_literals;
  CHECK(one("\0\0\x40\xc0"s, DType::kF32, false) == -3.0f);
  CHECK(one("\xc0\x40\0\0"s, DType::kF32, true) == -3.0f);
  CHECK(one("\0\xc2"s, DType::kF16, false) == -3.0f);
  CHECK(one("\xc2\0"s, DType::kF16, true) == -3.0f);
  CHECK(one("\x40\xc0"s, DType::kBF16, false) == -3.0f);
  CHECK(one("\xc0\x40"s, DType::kBF16, true) == -3.0f);
  CHECK(one("\0\0\0\0\0\0\x08\xc0"s, DType::kF64, false) == -3.0f);
  CHECK(one("\xc0\x08\0\0\0\0\0\0"s, DType::kF64, true) == -3.0f);
}

TEST_CASE("contiguous_view") {
  CHECK(contiguous_view({2, 3, 4}).strides == std::vector<uint64_t>{12, 4, 1});
  CHECK(contiguous_view({}).strides.empty());
}

}  // namespace mmoe::converter
