#include "model/hashing.h"

#include <cstring>

#include "core/hashes.h"
#include "core/xxh64.h"
#include "model/access.h"

namespace mmoe::internal {
namespace {

struct Hash {
  std::uint64_t value;
  int bits;
};

Hash hash_of(const schema::Hashing& hashing, const void* data, std::size_t size) {
  switch (hashing.function()) {
    case schema::HashFunction_FarmHash64: return {farmhash64(data, size), 64};
    case schema::HashFunction_XXH64: return {xxh64(data, size, hashing.seed()), 64};
    case schema::HashFunction_Murmur3: return {murmur3(data, size, static_cast<std::uint32_t>(hashing.seed())), 32};
    case schema::HashFunction_Murmur64: return {murmur64(data, size, hashing.seed()), 64};
    case schema::HashFunction_SipHash24: return {siphash24(data, size, hashing.seed(), hashing.seed_high()), 64};
    case schema::HashFunction_Value: {
      std::uint64_t value = 0;
      std::memcpy(&value, data, size);
      return {value, 64};
    }
    case schema::HashFunction_CRC32: break;
  }
  return {crc32(data, size), 32};
}

std::uint64_t bucket_of(const Hash& hash, schema::BucketRule rule, std::uint64_t num_buckets) {
  const bool negative = (hash.value >> (hash.bits - 1)) != 0, is_signed = rule == schema::BucketRule_Signed;
  if (is_signed) num_buckets /= 2;
  if (rule == schema::BucketRule_Unsigned || !negative) return hash.value % num_buckets;
  const std::uint64_t magnitude = hash.bits == 64 ? 0 - hash.value : (std::uint64_t{1} << 32) - hash.value;
  const std::uint64_t rest = magnitude % num_buckets;
  if (is_signed) return num_buckets + rest;
  return rule == schema::BucketRule_Floored && rest != 0 ? num_buckets - rest : rest;
}

std::int32_t id_of(const schema::Vocabulary& vocabulary, const void* data, std::size_t size) {
  const schema::Hashing& hashing = *vocabulary.hashing();
  const std::uint64_t bucket = bucket_of(hash_of(hashing, data, size), hashing.rule(), num_buckets(vocabulary));
  return static_cast<std::int32_t>(hashing.first_id() + bucket);
}

// Of a joined text each part may be, which rows find out.
bool is_masked(const schema::Hashing& hashing, std::string_view text) {
  return hashing.mask() && hashing.bytes() != schema::HashedBytes_Joined && text_of(hashing.mask()) == text;
}

std::int32_t id_with_prefix(const schema::Vocabulary& vocabulary, std::string_view prefix, std::string_view text) {
  char room[schema::kMaxJoined];
  if (prefix.size() > sizeof room || text.size() > sizeof room - prefix.size()) return Model::kUnknownId;
  std::memcpy(room, prefix.data(), prefix.size());
  if (!text.empty()) std::memcpy(room + prefix.size(), text.data(), text.size());
  return id_of(vocabulary, room, prefix.size() + text.size());
}

}  // namespace

std::string_view decimal(std::int64_t value, bool is_unsigned, char (&room)[kMaxDigits]) {
  const auto bits = static_cast<std::uint64_t>(value);
  const bool negative = value < 0 && !is_unsigned;
  std::uint64_t left = negative ? 0 - bits : bits;
  std::size_t at = kMaxDigits;
  do {
    room[--at] = static_cast<char>('0' + left % 10);
    left /= 10;
  } while (left != 0);
  if (negative) room[--at] = '-';
  return {room + at, kMaxDigits - at};
}

std::int32_t hashed_id(const schema::Vocabulary& vocabulary, std::string_view text) {
  if (vocabulary.hashing()->bytes() == schema::HashedBytes_Crossed) return Model::kUnknownId;
  if (is_masked(*vocabulary.hashing(), text)) return Model::kUnknownId;
  const flatbuffers::String* prefix = vocabulary.hashing()->prefix();
  return prefix ? id_with_prefix(vocabulary, text_of(prefix), text) : id_of(vocabulary, text.data(), text.size());
}

std::int32_t hashed_id(const schema::Vocabulary& vocabulary, std::int64_t value, bool is_unsigned) {
  const schema::Hashing& hashing = *vocabulary.hashing();
  if (hashing.bytes() == schema::HashedBytes_Crossed) return Model::kUnknownId;
  char room[kMaxDigits];
  const std::string_view text = decimal(value, is_unsigned, room);
  if (hashes_text(hashing)) return hashed_id(vocabulary, text);
  const bool wide = hashing.bytes() == schema::HashedBytes_Int64;
  if (value < 0 && is_unsigned) return Model::kUnknownId;  // 2^63 or more
  if (is_masked(hashing, text) || (!wide && (value < INT32_MIN || value > INT32_MAX))) return Model::kUnknownId;
  return id_of(vocabulary, &value, wide ? 8 : 4);  // little-endian: the low half stands first
}

// FingerprintCat64 of TensorFlow, by which it crosses columns.
std::uint64_t join_hashes(std::uint64_t before, std::uint64_t part) {
  constexpr std::uint64_t kFactor = 0xc6a4a7935bd1e995u;
  const auto mix = [](std::uint64_t value) { return value ^ (value >> 47); };
  const std::uint64_t joined = (before ^ kFactor ^ (mix(part * kFactor) * kFactor)) * kFactor;
  return mix(mix(joined) * kFactor);
}

std::uint64_t hash_of_text(std::string_view text) { return farmhash64(text.data(), text.size()); }

std::uint64_t hash_of_decimal(std::int64_t value, bool is_unsigned) {
  char room[kMaxDigits];
  return hash_of_text(decimal(value, is_unsigned, room));
}

std::int32_t crossed_id(const schema::Vocabulary& vocabulary, std::uint64_t hash) {
  const schema::Hashing& hashing = *vocabulary.hashing();
  return static_cast<std::int32_t>(hashing.first_id() + bucket_of({hash, 64}, hashing.rule(), vocabulary.size()));
}

}  // namespace mmoe::internal
