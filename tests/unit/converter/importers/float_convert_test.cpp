#include "converter/importers/float_convert.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

namespace mmoe::converter {
namespace {

/// By the definition of the format rather than by its bits.
float reference_f16(uint16_t half) {
  const int exponent = (half >> 10) & 31;
  const int fraction = half & 1023;
  const float sign = (half & 0x8000) != 0 ? -1.0f : 1.0f;
  if (exponent == 31) return fraction == 0 ? sign * std::numeric_limits<float>::infinity() : std::nanf("");
  if (exponent == 0) return sign * std::ldexp(static_cast<float>(fraction), -24);
  return sign * std::ldexp(static_cast<float>(1024 + fraction), exponent - 25);
}

}  // namespace

TEST_CASE("f16_to_f32 is exact for all 65536 values") {
  for (uint32_t half = 0; half < 65536; ++half) {
    const float expected = reference_f16(static_cast<uint16_t>(half));
    const float found = f16_to_f32(static_cast<uint16_t>(half));
    const bool same = std::isnan(expected) ? std::isnan(found) && std::signbit(found) == (half >= 0x8000)
                                           : same_bits<uint32_t>(expected) == same_bits<uint32_t>(found);
    REQUIRE_MESSAGE(same, "half ", half, ": found ", found, ", expected ", expected);
  }
}

TEST_CASE("bf16_to_f32 keeps the bits") {
  CHECK(bf16_to_f32(0x3f80) == 1.0f);
  CHECK(bf16_to_f32(0xc040) == -3.0f);
  CHECK(bf16_to_f32(0x0001) == std::ldexp(1.0f, -133));
  CHECK(std::isinf(bf16_to_f32(0x7f80)));
  CHECK(std::isnan(bf16_to_f32(0x7fc0)));
  CHECK(same_bits<uint32_t>(bf16_to_f32(0x8000)) == 0x80000000u);
}

TEST_CASE("f64_to_f32 rounds to nearest, ties to even") {
  CHECK(f64_to_f32(1.0 + 0x1p-24) == 1.0f);
  CHECK(f64_to_f32(1.0 + 3 * 0x1p-24) == 1.0f + 0x1p-22f);
  CHECK(f64_to_f32(0.1) == 0.1f);
  CHECK(f64_to_f32(1e300) == std::numeric_limits<float>::infinity());
  CHECK(std::isnan(f64_to_f32(std::nan(""))));
}

TEST_CASE("load_little_endian at any address") {
  const unsigned char bytes[] = {0, 0x01, 0x02, 0x03, 0x84, 0x05, 0x06, 0x07, 0x88};
  CHECK(load_little_endian<uint16_t>(bytes + 1) == 0x0201);
  CHECK(load_little_endian<uint32_t>(bytes + 1) == 0x84030201u);
  CHECK(load_little_endian<uint64_t>(bytes + 1) == 0x8807060584030201u);
}

}  // namespace mmoe::converter
