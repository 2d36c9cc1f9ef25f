#include "core/hashes.h"
#include "core/little_endian.h"

namespace mmoe::internal {
namespace {

// Primes between 2^63 and 2^64, from the definition of CityHash, which FarmHash took over.
constexpr std::uint64_t kPrime0 = 0xc3a5c85c97cb3127u;
constexpr std::uint64_t kPrime1 = 0xb492b66fbe98f273u;
constexpr std::uint64_t kPrime2 = 0x9ae16a3b2f90404fu;

std::uint64_t load64(const unsigned char* at) { return load<std::uint64_t>(at); }
std::uint64_t rotate_right(std::uint64_t x, int bits) { return (x >> bits) | (x << (64 - bits)); }
std::uint64_t shift_mix(std::uint64_t x) { return x ^ (x >> 47); }

// 128 bits to 64.
std::uint64_t mix(std::uint64_t low, std::uint64_t high, std::uint64_t factor) {
  const std::uint64_t a = shift_mix((low ^ high) * factor);
  return shift_mix((high ^ a) * factor) * factor;
}

std::uint64_t factor_of(std::size_t size) { return kPrime2 + std::uint64_t{size} * 2; }

std::uint64_t hash_up_to_16(const unsigned char* at, std::size_t size) {
  const std::uint64_t factor = factor_of(size);
  if (size >= 8) {
    const std::uint64_t a = load64(at) + kPrime2, b = load64(at + size - 8);
    return mix(rotate_right(b, 37) * factor + a, (rotate_right(a, 25) + b) * factor, factor);
  }
  if (size >= 4) {
    const std::uint64_t a = load<std::uint32_t>(at);
    return mix(size + (a << 3), load<std::uint32_t>(at + size - 4), factor);
  }
  if (size == 0) return kPrime2;
  const std::uint32_t y = std::uint32_t{at[0]} + (std::uint32_t{at[size / 2]} << 8);
  const auto z = static_cast<std::uint32_t>(size + (std::uint32_t{at[size - 1]} << 2));
  return shift_mix(y * kPrime2 ^ z * kPrime0) * kPrime2;
}

std::uint64_t hash_up_to_32(const unsigned char* at, std::size_t size) {
  const std::uint64_t factor = factor_of(size);
  const std::uint64_t a = load64(at) * kPrime1, b = load64(at + 8);
  const std::uint64_t c = load64(at + size - 8) * factor, d = load64(at + size - 16) * kPrime2;
  return mix(rotate_right(a + b, 43) + rotate_right(c, 30) + d, a + rotate_right(b + kPrime2, 18) + c, factor);
}

std::uint64_t hash_up_to_64(const unsigned char* at, std::size_t size) {
  const std::uint64_t factor = factor_of(size);
  const std::uint64_t a = load64(at) * kPrime2, b = load64(at + 8);
  const std::uint64_t c = load64(at + size - 8) * factor, d = load64(at + size - 16) * kPrime2;
  const std::uint64_t y = rotate_right(a + b, 43) + rotate_right(c, 30) + d;
  const std::uint64_t z = mix(y, a + rotate_right(b + kPrime2, 18) + c, factor);
  const std::uint64_t e = load64(at + 16) * factor, f = load64(at + 24);
  const std::uint64_t g = (y + load64(at + size - 32)) * factor, h = (z + load64(at + size - 24)) * factor;
  return mix(rotate_right(e + f, 43) + rotate_right(g, 30) + h, e + rotate_right(f + a, 18) + g, factor);
}

struct Pair {
  std::uint64_t first, second;
};

// 32 bytes into a pair.
Pair take_32(const unsigned char* at, std::uint64_t a, std::uint64_t b) {
  const std::uint64_t start = a + load64(at), last = load64(at + 24);
  const std::uint64_t sum = start + load64(at + 8) + load64(at + 16);
  return {sum + last, rotate_right(b + start + last, 21) + rotate_right(sum, 44) + start};
}

// What texts of more than 64 bytes are hashed in: 64 bytes at a time, the last of which may overlap those before.
struct State {
  std::uint64_t x, y, z;
  Pair v, w;

  // `weight` is 1, and 9 for the last bytes.
  void take_64(const unsigned char* at, std::uint64_t factor, std::uint64_t weight) {
    x = rotate_right(x + y + v.first + load64(at + 8), 37) * factor;
    y = rotate_right(y + v.second + load64(at + 48), 42) * factor;
    x ^= w.second * weight;
    y += v.first * weight + load64(at + 40);
    z = rotate_right(z + w.first, 33) * factor;
    v = take_32(at, v.second * factor, x + w.first);
    w = take_32(at + 32, z + w.second, y + load64(at + 16));
    const std::uint64_t old_x = x;
    x = z;
    z = old_x;
  }
};

std::uint64_t hash_long(const unsigned char* at, std::size_t size) {
  constexpr std::uint64_t kSeed = 81;
  constexpr std::uint64_t kY = kSeed * kPrime1 + 113;
  State state{kSeed * kPrime2 + load64(at), kY, shift_mix(kY * kPrime2 + 113) * kPrime2, {0, 0}, {0, 0}};
  const unsigned char* last = at + size - 64;
  const std::size_t behind = (size - 1) % 64;  // bytes of the last 64, but one, that no step before has taken
  for (std::size_t taken = 0; taken < size - 1 - behind; taken += 64) state.take_64(at + taken, kPrime1, 1);
  const std::uint64_t factor = kPrime1 + ((state.z & 0xff) << 1);
  state.w.first += behind;
  state.v.first += state.w.first;
  state.w.first += state.v.first;
  state.take_64(last, factor, 9);
  return mix(mix(state.v.first, state.w.first, factor) + shift_mix(state.y) * kPrime0 + state.z,
             mix(state.v.second, state.w.second, factor) + state.x, factor);
}

}  // namespace

std::uint64_t farmhash64(const void* data, std::size_t size) {
  const auto* at = static_cast<const unsigned char*>(data);
  if (size <= 16) return hash_up_to_16(at, size);
  if (size <= 32) return hash_up_to_32(at, size);
  return size <= 64 ? hash_up_to_64(at, size) : hash_long(at, size);
}

}  // namespace mmoe::internal
