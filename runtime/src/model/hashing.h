// Vocabularies of the kind Hash: a value's id is the bucket of its hash.
#pragma once

#include <cstdint>
#include <string_view>

#include "schema/mmoe_generated.h"

namespace mmoe::internal {

/// Model::kUnknownId for the masked value. REQUIRES: texts are what is hashed.
std::int32_t hashed_id(const schema::Vocabulary& vocabulary, std::string_view text);

/// The same of an integer; also Model::kUnknownId for one that does not fit the bytes that are hashed. `is_unsigned`:
/// the value is the bits of an unsigned integer.
std::int32_t hashed_id(const schema::Vocabulary& vocabulary, std::int64_t value, bool is_unsigned);

}  // namespace mmoe::internal
