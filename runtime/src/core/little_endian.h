// Numbers out of bytes, as hash functions read them.
#pragma once

#include <cstring>

namespace mmoe::internal {

/// Hashes and model files are little-endian, and so are all machines that this runtime supports.
template <class T>
T load(const unsigned char* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

}  // namespace mmoe::internal
