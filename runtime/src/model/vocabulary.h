// From a category to its id: by its hash, in a feature's buckets of keys, where they lie in the file; or the hash
// itself.
#pragma once

#include <cstdint>
#include <string_view>

#include "mmoe/model.h"
#include "model/parts.h"
#include "schema/mmoe_generated.h"

namespace mmoe::internal {

/// Whether a row has a weight for each element of the sequence.
inline bool is_weighted(const schema::Feature& feature) {
  return kHasWeights && feature.kind() == schema::FeatureKind_Sequence &&
         feature.pooling() >= schema::Pooling_WeightedSum;
}

/// Whether texts have ids.
inline bool takes_texts(const schema::Vocabulary& vocabulary) {
  return vocabulary.kind() == schema::VocabularyKind_Strings ||
         (kHasHash && vocabulary.kind() == schema::VocabularyKind_Hash &&
          (vocabulary.hashing()->bytes() == schema::HashedBytes_Text ||
           vocabulary.hashing()->bytes() == schema::HashedBytes_Joined));
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
/// verified at load (they may be gigabytes), so every bucket, offset and id is checked here: a damaged vocabulary finds
/// wrong or no ids, never reads beyond its tensors, and never compares more than schema::kMaxBucketKeys keys.
std::int32_t find_string(const void* file, const schema::Vocabulary& vocabulary, std::string_view value);
/// `is_unsigned`: the value is the bits of an unsigned integer.
std::int32_t find_integer(const void* file, const schema::Vocabulary& vocabulary, std::int64_t value, bool is_unsigned);

/// Of a vocabulary of bins. Model::kUnknownId for NaN.
std::int32_t find_bin(const void* file, const schema::Vocabulary& vocabulary, double value);

/// How many categories are listed: none where ids are computed of values.
std::size_t num_categories(const schema::Vocabulary& vocabulary);
/// REQUIRES: place < num_categories(). What a damaged vocabulary has there is an unknown id.
Category category_at(const void* file, const schema::Vocabulary& vocabulary, std::size_t place);

}  // namespace mmoe::internal
