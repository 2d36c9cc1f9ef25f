// Arithmetic on untrusted sizes: the result, or false where it does not fit.
#pragma once

#include <cstdint>

namespace mmoe::internal {

inline bool checked_add(std::uint64_t a, std::uint64_t b, std::uint64_t& sum) {
  return !__builtin_add_overflow(a, b, &sum);
}

/// REQUIRES: a <= 2^32. By halves: a product of 128 bits, or a division of 64, would be a function on small machines.
inline bool checked_multiply(std::uint64_t a, std::uint64_t b, std::uint64_t& product) {
  product = a * b;
  return ((b >> 32) * a + ((b & UINT32_MAX) * a >> 32)) >> 32 == 0;
}

/// Whether [offset, offset + bytes) lies within [0, size).
inline bool range_fits(std::uint64_t offset, std::uint64_t bytes, std::uint64_t size) {
  return bytes <= size && offset <= size - bytes;
}

}  // namespace mmoe::internal
