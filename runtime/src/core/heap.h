// The runtime's only allocations: arenas, the C interface's handles and the copy of misaligned bytes.
#pragma once

#include <cstddef>

namespace mmoe::internal {

/// `bytes` bytes, aligned for any object or to 64; null when there are none, as in a build without a heap.
void* allocate(std::size_t bytes);
void* allocate_aligned(std::size_t bytes);

/// What the function of the like name gave; null: nothing.
void release(void* memory);
void release_aligned(void* memory);

}  // namespace mmoe::internal
