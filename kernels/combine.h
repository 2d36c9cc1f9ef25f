// Rows of streams combined: sums, products, and what factorisation machines and dot products make of groups of columns.
// Every product and every sum is rounded by itself, sums in ascending order: the bits do not depend on a kernel set, so
// that there is one version for all.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mmoe::kernels {

/// As schema::NodeKind numbers and describes them.
enum class Operation : std::uint8_t {
  kSum = 1,
  kProduct = 2,
  kDot = 3,
  kLowerPairs = 4,
  kUpperPairs = 5,
  kBiInteraction = 6,
  kSumOfGroups = 7,
  kSumWithinGroups = 8,
};

/// Rows, `stride` floats apart. Of kSum and kProduct the width divides the widest one's: each element then stands for
/// as many neighbours as there are of the widest.
struct CombineInput {
  const float* data;
  std::size_t stride;
  std::size_t width;
};

struct CombineArgs {
  Operation operation;
  const CombineInput* inputs;
  std::size_t num_inputs;  ///< kSum, kProduct: 1 or more; kDot: 2; else 1
  std::size_t num_rows;
  std::size_t input_width;  ///< of the widest input
  std::size_t group;        ///< columns of a group; divides input_width; not of kSum, kProduct
  float scale;              ///< not of kSum
  const float* constant;    ///< kSum: [width], added last; null: none
  float* output;            ///< [num_rows, width]; overlaps no input
  std::size_t output_stride;
  std::size_t width;
  const float* start;  ///< kBiInteraction: what start_of_groups() has left of the first groups, [2, group]; null: none
  std::size_t num_started;  ///< of how many; the input's columns of these are not read
};

void combine(const CombineArgs& args);

/// kBiInteraction, of row 0: the sums of its first `num_groups` groups, and of their squares, to `start`. Where others
/// have the same groups, combine() goes on from there, with the bits of the whole row.
void start_of_groups(const CombineArgs& args, std::size_t num_groups, float* start);

}  // namespace mmoe::kernels
