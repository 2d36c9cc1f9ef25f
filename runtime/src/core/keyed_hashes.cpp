#include "core/hashes.h"
#include "core/little_endian.h"

namespace mmoe::internal {
namespace {

std::uint64_t rotate_left(std::uint64_t x, int bits) { return (x << bits) | (x >> (64 - bits)); }

// Up to 7 bytes, the first in the lowest place.
std::uint64_t load_tail(const unsigned char* at, std::size_t size) {
  std::uint64_t tail = 0;
  for (std::size_t i = size; i > 0; --i) tail = tail << 8 | at[i - 1];
  return tail;
}

struct SipState {
  std::uint64_t a, b, c, d;

  void turn() {
    a += b;
    b = rotate_left(b, 13) ^ a;
    a = rotate_left(a, 32);
    c += d;
    d = rotate_left(d, 16) ^ c;
    a += d;
    d = rotate_left(d, 21) ^ a;
    c += b;
    b = rotate_left(b, 17) ^ c;
    c = rotate_left(c, 32);
  }

  void take(std::uint64_t block) {
    d ^= block;
    turn();
    turn();
    a ^= block;
  }
};

}  // namespace

std::uint64_t murmur64(const void* data, std::size_t size, std::uint64_t seed) {
  constexpr std::uint64_t kFactor = 0xc6a4a7935bd1e995u;
  const auto mix = [](std::uint64_t value) { return value ^ (value >> 47); };
  const auto* at = static_cast<const unsigned char*>(data);
  std::uint64_t hash = seed ^ size * kFactor;
  std::size_t left = size;
  for (; left >= 8; left -= 8, at += 8) {
    hash = (hash ^ mix(load<std::uint64_t>(at) * kFactor) * kFactor) * kFactor;
  }
  if (left != 0) hash = (hash ^ load_tail(at, left)) * kFactor;
  return mix(mix(hash) * kFactor);
}

std::uint64_t siphash24(const void* data, std::size_t size, std::uint64_t key_low, std::uint64_t key_high) {
  const auto* at = static_cast<const unsigned char*>(data);
  SipState state{key_low ^ 0x736f6d6570736575u, key_high ^ 0x646f72616e646f6du, key_low ^ 0x6c7967656e657261u,
                 key_high ^ 0x7465646279746573u};
  std::size_t left = size;
  for (; left >= 8; left -= 8, at += 8) state.take(load<std::uint64_t>(at));
  state.take(std::uint64_t{size} << 56 | load_tail(at, left));
  state.c ^= 0xff;
  for (int i = 0; i < 4; ++i) state.turn();
  return state.a ^ state.b ^ state.c ^ state.d;
}

}  // namespace mmoe::internal
