// Hashes of texts that a description is made of, by the runtime's own functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mmoe::converter {

/// The seed with which std::hash of libstdc++ takes the MurmurHash64A of a text on 64-bit machines.
constexpr uint64_t kStdHashSeed = 0xc70f6907;

/// The bucket, below `num_buckets`, of {"hash": "farmhash64"}.
size_t farmhash64_bucket(std::string_view text, size_t num_buckets);

/// The same of {"hash": "murmur64", "seed": kStdHashSeed}.
size_t std_hash_bucket(std::string_view text, size_t num_buckets);

}  // namespace mmoe::converter
