// Vocabularies of the kind Hash: a value's id is the bucket of its hash.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "schema/mmoe_generated.h"

namespace mmoe::internal {

/// Of all values; or of a vocabulary of keys, of those that are no keys.
inline std::uint32_t num_buckets(const schema::Vocabulary& vocabulary) {
  return vocabulary.kind() == schema::VocabularyKind_Hash ? vocabulary.size() : vocabulary.hashing()->buckets();
}

/// Whether what is not among the keys has a bucket too. REQUIRES: a vocabulary of keys.
inline bool hashes_others(const schema::Vocabulary& vocabulary) {
  return vocabulary.hashing() && vocabulary.hashing()->buckets() != 0;
}

/// Whether texts are what is hashed.
inline bool hashes_text(const schema::Hashing& hashing) {
  return hashing.bytes() == schema::HashedBytes_Text || hashing.bytes() == schema::HashedBytes_Joined;
}

/// Model::kUnknownId for the masked value. REQUIRES: there are buckets, and texts are what is hashed.
std::int32_t hashed_id(const schema::Vocabulary& vocabulary, std::string_view text);

/// The same of an integer; also Model::kUnknownId for one that does not fit the bytes that are hashed. `is_unsigned`:
/// the value is the bits of an unsigned integer.
std::int32_t hashed_id(const schema::Vocabulary& vocabulary, std::int64_t value, bool is_unsigned);

/// The values of a row that make one: 1 but for a cross.
inline std::size_t num_parts(const schema::Vocabulary& vocabulary) {
  const schema::Hashing* hashing = vocabulary.hashing();
  return hashing && hashing->bytes() >= schema::HashedBytes_Crossed ? hashing->parts()->size() : 1;
}

constexpr std::size_t kMaxDigits = 20;  // of -2^63, with its sign

/// The integer in decimal, in the last places of `room`.
std::string_view decimal(std::int64_t value, bool is_unsigned, char (&room)[kMaxDigits]);

/// A cross: from its seed, each part is joined in turn; the id is that of the last hash.
std::uint64_t join_hashes(std::uint64_t before, std::uint64_t part);
std::uint64_t hash_of_text(std::string_view text);
/// In decimal, as hash_of_text() takes a Text part.
std::uint64_t hash_of_decimal(std::int64_t value, bool is_unsigned);
std::int32_t crossed_id(const schema::Vocabulary& vocabulary, std::uint64_t hash);

}  // namespace mmoe::internal
