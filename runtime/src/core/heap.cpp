#include "core/heap.h"

#include <new>

namespace mmoe::internal {

#ifdef MMOE_NO_HEAP

void* allocate(std::size_t) { return nullptr; }
void* allocate_aligned(std::size_t) { return nullptr; }
void release(void*) {}
void release_aligned(void*) {}

#else

constexpr std::align_val_t kAligned{64};

void* allocate(std::size_t bytes) { return ::operator new(bytes, std::nothrow); }
void* allocate_aligned(std::size_t bytes) { return ::operator new(bytes, kAligned, std::nothrow); }
void release(void* memory) { ::operator delete(memory); }
void release_aligned(void* memory) { ::operator delete(memory, kAligned); }

#endif

}  // namespace mmoe::internal
