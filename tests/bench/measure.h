// Times engines side by side: in every round each of them gets a slice, so that what the machine does meanwhile hits
// them alike, and the median over the rounds counts.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "tests/bench/engine.h"
#include "tests/bench/rounding.h"

namespace mmoe::bench {

struct MeasureOptions {
  int rounds = 21;
  double slice_seconds = 0.01;
  /// Of every score from ours, for engines that compute in f32. Scores lie in (0, 1); in other orders of summation the
  /// logits of these models differ by some 1e-6, and a sigmoid's slope is at most 1/4, while a wrong weight shows in
  /// the third digit.
  float tolerance = 1e-5f;
};

/// One engine in one cell of the table.
struct Measured {
  std::string engine;
  Kind kind = Kind::kOurs;
  Numbers numbers = Numbers::kF32;
  std::string choice;    ///< how the engine was assembled
  std::string failure;   ///< not empty: what went wrong; it was not timed then
  float difference = 0;  ///< largest, from ours in f32
  float limit = 0;       ///< of the difference
  double median = 0;     ///< seconds per call
  double best = 0;
  std::size_t calls = 0;  ///< per slice
};

struct Cell {
  std::string model;
  std::size_t batch = 0;
  double flops = 0;  ///< 2 per multiply-add of products and mixing, for the whole batch
  int rounds = 0;
  double slice_seconds = 0;
  std::vector<Measured> engines;
};

struct NamedEngine {
  std::string name;
  Kind kind;
  Numbers numbers;
  std::unique_ptr<Engine> engine;
};

/// The cell as it is before anything is measured.
Cell planned_cell(const std::vector<NamedEngine>& engines, const Case& what, const MeasureOptions& options);

/// What ours reaches, from one call of this case. REQUIRES: engines[0] is ours in f32.
double flop_per_second(std::vector<NamedEngine>& engines, const Case& what);

/// Prepares, checks and times. REQUIRES: engines[0] is ours in f32.
Cell measure(std::vector<NamedEngine>& engines, const Case& what, const Limits& limits, const MeasureOptions& options);

}  // namespace mmoe::bench
