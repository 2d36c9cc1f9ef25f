#include "core/hashes.h"
#include "core/little_endian.h"

namespace mmoe::internal {
namespace {

std::uint32_t rotate_left(std::uint32_t x, int bits) { return (x << bits) | (x >> (32 - bits)); }

std::uint32_t scramble(std::uint32_t x) { return rotate_left(x * 0xcc9e2d51u, 15) * 0x1b873593u; }

// The CRC of each half of a byte: 64 bytes of constants instead of 1,024.
struct HalfByteTable {
  std::uint32_t crc[16];

  constexpr HalfByteTable() : crc{} {
    for (std::uint32_t i = 0; i < 16; ++i) {
      crc[i] = i;
      for (int bit = 0; bit < 4; ++bit) crc[i] = (crc[i] & 1) != 0 ? crc[i] >> 1 ^ 0xedb88320u : crc[i] >> 1;
    }
  }
};
constexpr HalfByteTable kHalfBytes;

}  // namespace

std::uint32_t murmur3(const void* data, std::size_t size, std::uint32_t seed) {
  const auto* at = static_cast<const unsigned char*>(data);
  std::uint32_t hash = seed;
  std::size_t left = size;
  for (; left >= 4; left -= 4, at += 4) {
    hash = rotate_left(hash ^ scramble(load<std::uint32_t>(at)), 13) * 5 + 0xe6546b64u;
  }
  std::uint32_t tail = 0;
  for (std::size_t i = left; i > 0; --i) tail = tail << 8 | at[i - 1];
  hash ^= scramble(tail) ^ static_cast<std::uint32_t>(size);
  hash = (hash ^ hash >> 16) * 0x85ebca6bu;
  hash = (hash ^ hash >> 13) * 0xc2b2ae35u;
  return hash ^ hash >> 16;
}

std::uint32_t crc32(const void* data, std::size_t size) {
  const auto* at = static_cast<const unsigned char*>(data);
  std::uint32_t crc = UINT32_MAX;
  for (std::size_t i = 0; i < size; ++i) {
    crc ^= at[i];
    crc = crc >> 4 ^ kHalfBytes.crc[crc & 15];
    crc = crc >> 4 ^ kHalfBytes.crc[crc & 15];
  }
  return ~crc;
}

}  // namespace mmoe::internal
