#include "kernels/fused.h"

#include <cmath>
#include <cstdint>
#include <cstring>

#include "tests/unit/kernels/compare.h"

namespace mmoe::test {
namespace {

float from_bits(std::uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

/// Any bits, with exponents close to each other more often than chance would have them.
float any_float(Random& random, std::uint32_t exponent) {
  const std::uint32_t bits = static_cast<std::uint32_t>(random.next() >> 32);
  if (random.below(8) == 0) return from_bits(bits);
  const std::uint32_t near = (exponent + static_cast<std::uint32_t>(random.below(52))) % 255;
  return from_bits((bits & 0x807FFFFFu & ~(random.below(4) == 0 ? 0xFFFu : 0u)) | near << 23);
}

// emscripten's fmaf needs a rounding mode that WebAssembly lacks, and rounds a sum just beside halfway like one on it.
// MinGW's is right for all but large numbers.
#if defined(__EMSCRIPTEN__) || defined(__MINGW32__)
constexpr bool kHasOracle = false;
#else
constexpr bool kHasOracle = true;
#endif

TEST_CASE("fused: as std::fma on any bits, subnormal and halfway results among them" * doctest::skip(!kHasOracle)) {
  Random random(11);
  for (int i = 0; i < 300000; ++i) {
    const std::uint32_t exponent = static_cast<std::uint32_t>(random.below(255));
    const float x = any_float(random, exponent);
    const float y = any_float(random, 127 - 26);
    // Sums in which the product's tail decides: z of a like size, or a multiple of the product's last bit.
    const float z = random.below(4) == 0 ? -x * y : any_float(random, exponent);
    const float expected = std::fma(x, y, z);
    const float found = kernels::fused(x, y, z);
    CAPTURE(x);
    CAPTURE(y);
    CAPTURE(z);
    REQUIRE(same_bits(found, expected));
  }
}

}  // namespace
}  // namespace mmoe::test
