// Rows of one call, handed out to its workers.
#pragma once

#include <atomic>
#include <cstddef>

namespace mmoe::internal {

/// Each row goes to exactly one take(), in ascending order. May be used by several threads at once.
///
/// Parts shrink towards the end, so that workers of different speed (large and small cores, a core that is
/// shared) finish together. As rows have the same bits in every part, it does not matter who takes what.
class RowQueue {
 public:
  /// Rows of the smallest part: enough for tiles of the dense kernel, which read the weights once for several rows.
  static constexpr std::size_t kMinRows = 12;

  struct Part {
    std::size_t first;
    std::size_t count;  ///< 0: no rows are left
  };

  /// max_rows: of a part. REQUIRES: max_rows and num_workers are not 0.
  RowQueue(std::size_t num_rows, std::size_t max_rows, std::size_t num_workers)
      : num_rows_(num_rows), max_rows_(max_rows), num_workers_(num_workers) {}

  Part take() {
    // Relaxed: a row's data are published by the executor, the counter alone decides whose a row is.
    std::size_t first = next_.load(std::memory_order_relaxed);
    while (first < num_rows_) {
      const std::size_t count = part_rows(num_rows_ - first);
      if (next_.compare_exchange_weak(first, first + count, std::memory_order_relaxed)) return {first, count};
    }
    return {num_rows_, 0};
  }

  /// Hands out nothing more.
  void stop() { next_.store(num_rows_, std::memory_order_relaxed); }

  /// How many workers can find a part at all.
  std::size_t num_useful_workers() const {
    const std::size_t smallest = max_rows_ < kMinRows ? max_rows_ : kMinRows;
    const std::size_t num_parts = num_rows_ / smallest + (num_rows_ % smallest != 0);
    return num_parts < num_workers_ ? num_parts : num_workers_;
  }

 private:
  // Half of an equal share of what is left, in whole tiles.
  std::size_t part_rows(std::size_t left) const {
    const std::size_t half_share = left / (2 * num_workers_);
    std::size_t count = (half_share / kMinRows + 1) * kMinRows;
    if (count > max_rows_) count = max_rows_;
    return count < left ? count : left;
  }

  const std::size_t num_rows_, max_rows_, num_workers_;
  std::atomic<std::size_t> next_{0};
};

}  // namespace mmoe::internal
