// The one place where untrusted bytes are checked. What passes may be read without further checks.
#pragma once

#include <cstddef>
#include <cstdint>

#include "mmoe/error.h"

namespace mmoe::internal {

/// Checks the file's structure, cheapest first: size, identifier, the header's checksum if asked for, FlatBuffers
/// verifier, version, the file's length, then every index, dimension, offset and product. Never reads the weights.
/// REQUIRES: data is aligned to Model::kAlignment.
Status verify_model(const void* data, std::size_t size, bool verify_checksum);

/// Bytes of the header with its size prefix, which a file that begins like this claims; 0: not a model file.
/// REQUIRES: `start` has kStartBytes, at an address for 32-bit numbers.
std::uint64_t claimed_header_bytes(const unsigned char* start);

/// Whether the file's last 8 bytes are the header's checksum. REQUIRES: the claimed header and these fit the file.
bool header_is_as_written(const void* data, std::size_t size);

}  // namespace mmoe::internal
