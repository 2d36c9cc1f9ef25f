#include "converter/lowering/grid.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace mmoe::converter {
namespace {

// A weight, and the largest that it is compared with, are each a product that was rounded to a float, and at most three
// times more where a batch norm or a temperature was multiplied into it: 2^-24 each.
constexpr double kRelativeError = 8.0 / (1 << 24);

bool fits(const float* weights, size_t count, double step) {
  for (size_t i = 0; i < count; ++i) {
    const double code = weights[i] / step, whole = std::nearbyint(code);
    if (std::abs(code - whole) > kRelativeError * std::abs(whole)) return false;
  }
  return true;
}

bool gives(const float* weights, size_t count, float scale) {
  for (size_t i = 0; i < count; ++i) {
    if (std::nearbyint(weights[i] / scale) * scale != weights[i]) return false;
  }
  return true;
}

// The scale was rounded to a float, and its product with the largest code again: it lies within three floats of the
// quotient.
float nearest_scale(const float* weights, size_t count, float quotient) {
  float below = quotient, above = quotient;
  for (int i = 0; i < 4; ++i) {
    if (gives(weights, count, below)) return below;
    if (gives(weights, count, above)) return above;
    below = std::nextafter(below, 0.0F);
    above = std::nextafter(above, std::numeric_limits<float>::max());
  }
  return quotient;
}

}  // namespace

std::optional<float> grid_scale(const float* weights, size_t count, int lowest) {
  float largest = 0, smallest = 0;
  for (size_t i = 0; i < count; ++i) {
    largest = std::max(largest, weights[i]);
    smallest = std::min(smallest, weights[i]);
  }
  const bool negative = -smallest > largest;
  const double size = negative ? -smallest : largest;
  if (size == 0) return 0.0F;
  for (int code = 1; code <= (negative ? -lowest : 127); ++code) {
    const double step = size / code;
    if (step < std::numeric_limits<float>::min()) break;  // a subnormal scale has few digits
    if (fits(weights, count, step)) return nearest_scale(weights, count, static_cast<float>(step));
  }
  return std::nullopt;
}

bool is_on_grid(const Matrix& weight, int lowest) {
  for (size_t row = 0; row < weight.rows; ++row) {
    if (!grid_scale(weight.data.data() + row * weight.cols, weight.cols, lowest)) return false;
  }
  return true;
}

}  // namespace mmoe::converter
