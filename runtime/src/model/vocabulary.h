// From a category to its id: binary search in a feature's sorted keys, where they lie in the file, or its hash.
#pragma once

#include <cstdint>
#include <string_view>

#include "mmoe/model.h"
#include "model/parts.h"
#include "schema/mmoe_generated.h"

namespace mmoe::internal {

/// Whether texts have ids.
inline bool takes_texts(const schema::Vocabulary& vocabulary) {
  return vocabulary.kind() == schema::VocabularyKind_Strings ||
         (kHasHash && vocabulary.kind() == schema::VocabularyKind_Hash &&
          vocabulary.hashing()->bytes() == schema::HashedBytes_Text);
}

/// Whether numbers have ids.
inline bool takes_numbers(const schema::Vocabulary& vocabulary) {
  return kHasBins && vocabulary.kind() == schema::VocabularyKind_Bins;
}

/// Whether integers have ids.
inline bool takes_integers(const schema::Vocabulary& vocabulary) {
  return vocabulary.kind() != schema::VocabularyKind_Strings;
}

/// `file`: Model::data(). Model::kUnknownId when the vocabulary does not hold the value. The keys' values are not
/// verified at load (they may be gigabytes), so every offset and id is checked here: a damaged vocabulary finds wrong
/// or no ids, and never reads beyond its tensors.
std::int32_t find_string(const void* file, const schema::Vocabulary& vocabulary, std::string_view value);
std::int32_t find_integer(const void* file, const schema::Vocabulary& vocabulary, std::int64_t value);

/// Of a vocabulary of bins. Model::kUnknownId for NaN.
std::int32_t find_bin(const void* file, const schema::Vocabulary& vocabulary, double value);

}  // namespace mmoe::internal
