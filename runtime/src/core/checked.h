// Arithmetic on untrusted sizes: the result, or false where it does not fit.
#pragma once

#include <cstdint>

namespace mmoe::internal {

inline bool checked_add(std::uint64_t a, std::uint64_t b, std::uint64_t& sum) {
  sum = a + b;
  return sum >= a;
}

inline bool checked_multiply(std::uint64_t a, std::uint64_t b, std::uint64_t& product) {
  if (b != 0 && a > UINT64_MAX / b) return false;
  product = a * b;
  return true;
}

/// Whether [offset, offset + bytes) lies within [0, size).
inline bool range_fits(std::uint64_t offset, std::uint64_t bytes, std::uint64_t size) {
  return bytes <= size && offset <= size - bytes;
}

}  // namespace mmoe::internal
