// Hash functions by which training code puts categories into buckets. xxh64.h has one more.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mmoe::internal {

/// Fingerprint64 of Google's FarmHash, which is stable by its definition: what TensorFlow's to_hash_bucket_fast takes.
std::uint64_t farmhash64(const void* data, std::size_t size);

/// MurmurHash3_x86_32 (Appleby): scikit-learn's FeatureHasher, Spark's FeatureHasher and HashingTF.
std::uint32_t murmur3(const void* data, std::size_t size, std::uint32_t seed);

/// MurmurHash64A (Appleby); with the seed 0xc70f6907 std::hash of a text in libstdc++ on 64-bit machines.
std::uint64_t murmur64(const void* data, std::size_t size, std::uint64_t seed);

/// SipHash-2-4 (Aumasson and Bernstein): what TensorFlow's to_hash_bucket_strong takes.
std::uint64_t siphash24(const void* data, std::size_t size, std::uint64_t key_low, std::uint64_t key_high);

/// The CRC-32 of IEEE 802.3, as zlib and Python's zlib.crc32 compute it.
std::uint32_t crc32(const void* data, std::size_t size);

}  // namespace mmoe::internal
