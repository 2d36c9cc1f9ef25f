// Memory of a program, laid out twice by the same code: first to measure, then to fill.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "kernels/assertion.h"
#include "kernels/panel16.h"

namespace mmoe::internal {

constexpr std::size_t kArenaAlignment = 64;

// Sizes come from the file and may exceed what a small machine can address: they stop at the largest multiple of
// 64 instead of wrapping around, and Plan::create() refuses what reaches kMaxArenaBytes.
constexpr std::size_t kLargest = SIZE_MAX / kArenaAlignment * kArenaAlignment;
constexpr std::size_t kMaxArenaBytes = SIZE_MAX / 4;

constexpr std::size_t saturating_add(std::size_t a, std::size_t b) { return a <= kLargest - b ? a + b : kLargest; }
constexpr std::size_t saturating_multiply(std::size_t a, std::size_t b) {
  return b == 0 || a <= kLargest / b ? a * b : kLargest;
}
constexpr std::size_t round_up(std::size_t n, std::size_t multiple) {
  return saturating_add(n, multiple - 1) / multiple * multiple;
}

/// Small tables that live as long as the program. Without a base it only counts.
class TableArena {
 public:
  explicit TableArena(std::uint8_t* base) : base_(base) {}

  /// `count` objects of zeros; null while counting, and for none.
  template <class T>
  T* allocate(std::size_t count) {
    static_assert(std::is_trivially_copyable<T>::value && std::is_trivially_default_constructible<T>::value);
    return static_cast<T*>(take(count, sizeof(T), alignof(T)));  // NOLINT(bugprone-sizeof-expression): of pointers too
  }

  std::size_t used() const { return used_; }

 private:
  void* take(std::size_t count, std::size_t bytes, std::size_t alignment) {
    if (count == 0) return nullptr;
    used_ = round_up(used_, alignment);
    std::uint8_t* begin = base_ ? base_ + used_ : nullptr;
    const std::size_t size = saturating_multiply(count, bytes);
    used_ = saturating_add(used_, size);
    if (begin) {
      // No arena has more. Where size_t has 32 bits, g++ cannot know, and warns of the memset.
      if (size > PTRDIFF_MAX) __builtin_unreachable();
      std::memset(begin, 0, size);
    }
    return begin;
  }

  std::uint8_t* base_;
  std::size_t used_ = 0;
};

/// A row-major buffer of the work arena, by its place: it is the same in both passes, and an address in neither.
struct Buffer {
  /// In floats from the arena's begin; from its end, modulo 2^N, while measuring, when nobody knows where that is.
  std::size_t offset;
  std::size_t stride;
};

/// Work buffers, taken from either end of one range of floats so that a level's inputs and outputs, which
/// live at opposite ends, need no copying and the space between serves every level's temporaries.
class WorkArena {
 public:
  enum End { kLow = 0, kHigh = 1 };

  /// base null: measure only, total is 0. Otherwise total is what a measuring pass has found.
  WorkArena(float* base, std::size_t total) : base_(base), total_(total) {}

  static End opposite(End end) { return end == kLow ? kHigh : kLow; }

  /// The offset of so many floats, rounded up to 16.
  std::size_t allocate(End end, std::size_t floats) {
    const std::size_t size = round_up(floats, kPanelWidth);
    used_[end] = saturating_add(used_[end], size);
    const std::size_t both = saturating_add(used_[kLow], used_[kHigh]);
    if (both > peak_) peak_ = both;
    MMOE_ASSERT(!base_ || both <= total_);
    return end == kLow ? used_[kLow] - size : total_ - used_[kHigh];
  }

  /// Null while measuring.
  float* at(std::size_t offset) const { return base_ ? base_ + offset : nullptr; }

  std::size_t mark(End end) const { return used_[end]; }
  void release_to(End end, std::size_t mark) {
    MMOE_ASSERT(mark <= used_[end]);
    used_[end] = mark;
  }
  std::size_t peak() const { return peak_; }

 private:
  float* base_;
  std::size_t total_;
  std::size_t used_[2] = {0, 0};
  std::size_t peak_ = 0;
};

}  // namespace mmoe::internal
