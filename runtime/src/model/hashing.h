// Vocabularies of the kind Hash: a value's id is the bucket of its hash.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "schema/mmoe_generated.h"

namespace mmoe::internal {

/// Model::kUnknownId for the masked value. REQUIRES: texts are what is hashed.
std::int32_t hashed_id(const schema::Vocabulary& vocabulary, std::string_view text);

/// The same of an integer; also Model::kUnknownId for one that does not fit the bytes that are hashed. `is_unsigned`:
/// the value is the bits of an unsigned integer.
std::int32_t hashed_id(const schema::Vocabulary& vocabulary, std::int64_t value, bool is_unsigned);

/// The values of a row whose hashes make one: 1 but for a cross.
inline std::size_t num_parts(const schema::Vocabulary& vocabulary) {
  const schema::Hashing* hashing = vocabulary.hashing();
  return hashing && hashing->bytes() == schema::HashedBytes_Crossed ? hashing->parts()->size() : 1;
}

/// A cross: from its seed, each part is joined in turn; the id is that of the last hash.
std::uint64_t join_hashes(std::uint64_t before, std::uint64_t part);
std::uint64_t hash_of_text(std::string_view text);
/// In decimal, as hash_of_text() takes a Text part.
std::uint64_t hash_of_decimal(std::int64_t value, bool is_unsigned);
std::int32_t crossed_id(const schema::Vocabulary& vocabulary, std::uint64_t hash);

}  // namespace mmoe::internal
