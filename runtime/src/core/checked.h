// Arithmetic on untrusted sizes: the result, or false where it does not fit.
#pragma once

#include <cstdint>

namespace mmoe::internal {

inline bool checked_add(std::uint64_t a, std::uint64_t b, std::uint64_t& sum) {
  return !__builtin_add_overflow(a, b, &sum);
}

inline bool checked_multiply(std::uint64_t a, std::uint64_t b, std::uint64_t& product) {
  return !__builtin_mul_overflow(a, b, &product);  // a division of 64 bits would be a function on small machines
}

/// Whether [offset, offset + bytes) lies within [0, size).
inline bool range_fits(std::uint64_t offset, std::uint64_t bytes, std::uint64_t size) {
  return bytes <= size && offset <= size - bytes;
}

}  // namespace mmoe::internal
