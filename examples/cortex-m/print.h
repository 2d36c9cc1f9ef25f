// Text, whole numbers and scores by semihosting, without printf (19 kB with %f).
#pragma once

#include <cstddef>
#include <cstdint>

#include "semihosting.h"

/// Printed with six decimals. REQUIRES: 0 <= value < 4294.
struct Decimal {
  float value;
};

inline void print_one(const char* text) { semihosting_write(text); }

inline void print_one(std::uint32_t number, std::size_t min_digits = 1) {
  char text[11] = {};
  std::size_t at = sizeof text - 1;
  for (; number != 0 || min_digits > 0; number /= 10, min_digits -= min_digits > 0) {
    text[--at] = static_cast<char>('0' + number % 10);
  }
  semihosting_write(text + at);
}

inline void print_one(Decimal decimal) {
  const auto millionths = static_cast<std::uint32_t>(decimal.value * 1e6f + 0.5f);
  print_one(millionths / 1000000);
  semihosting_write(".");
  print_one(millionths % 1000000, 6);
}

template <class... Parts>
void print(const Parts&... parts) {
  (print_one(parts), ...);
}
