// How far two scores are apart.
#pragma once

#include <cmath>
#include <limits>

namespace mmoe::converter {

/// 0 for two NaN and for equal infinities; infinite where only one is NaN.
inline double difference_of(float a, float b) {
  if (a == b || (std::isnan(a) && std::isnan(b))) return 0;
  const double difference = std::abs(double{a} - double{b});
  return std::isnan(difference) ? std::numeric_limits<double>::infinity() : difference;
}

}  // namespace mmoe::converter
