#include "converter/preprocessing/text_hash.h"

#include "core/hashes.h"

namespace mmoe::converter {

size_t farmhash64_bucket(std::string_view text, size_t num_buckets) {
  return internal::farmhash64(text.data(), text.size()) % num_buckets;
}

size_t std_hash_bucket(std::string_view text, size_t num_buckets) {
  return internal::murmur64(text.data(), text.size(), kStdHashSeed) % num_buckets;
}

}  // namespace mmoe::converter
