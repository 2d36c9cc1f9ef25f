// XXH64 (Yann Collet's xxHash, 64 bits): with seed 0 the checksum of segments and header in a model file.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mmoe::internal {

std::uint64_t xxh64(const void* data, std::size_t size, std::uint64_t seed = 0);

}  // namespace mmoe::internal
