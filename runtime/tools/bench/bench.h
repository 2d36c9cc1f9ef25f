// Timing a model on this machine.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "mmoe/session.h"
#include "runtime/tools/bench/timing.h"
#include "runtime/tools/model/stored_numbers.h"
#include "runtime/tools/support/plan_limits.h"

namespace mmoe::tools {

struct BenchOptions {
  std::string model;
  std::vector<std::size_t> batches = {1, 8, 64, 256, 1024};
  std::string kernel_set;          ///< empty: as the runtime chooses
  std::vector<std::string> tasks;  ///< empty: all
  std::size_t top_k = 0;
  float min_gate_weight = 0;
  SkipExperts skip_experts = SkipExperts::kWhereFaster;
  bool candidates = false;  ///< the batch is one user's candidates; set_user() is part of the call
  std::size_t threads = 1;
  double seconds = 0.5;  ///< per batch size
  std::optional<int> cpu;
  PlanLimits limits;
  bool roofline = false;
  bool profile = false;
};

struct BenchRun {
  std::size_t batch = 0;
  std::size_t block_rows = 1;  ///< rows that one pass over the weights serves
  Timing timing;
  std::size_t arena_bytes = 0;
};

/// Time of one step of the plan, all of a call's blocks together.
struct StepTime {
  StepInfo step;
  double seconds = 0;
};

struct BenchReport {
  std::string kernel_set;
  std::size_t input_dim = 0;
  std::size_t user_dim = 0;
  std::size_t num_tasks = 0;
  std::vector<StoredBytes> weights;  ///< what dense layers stream, without embedding tables
  std::size_t weight_bytes = 0;      ///< all of them
  std::vector<StoredBytes> tables;   ///< bytes per row that raw features would read: rows are given as x
  double load_seconds = 0;
  double verified_load_seconds = 0;  ///< with checksums
  double flops_per_row = 0;          ///< every expert computed, all tasks
  double peak_flops = 0;             ///< 0: not measured
  double read_bandwidth = 0;         ///< of as many bytes as the weights have
  std::vector<BenchRun> runs;
  std::vector<StepTime> profile;  ///< at the last batch size
};

/// Throws ToolError, or UsageError for what the options ask and the model or machine does not have.
BenchReport run_bench(const BenchOptions& options);

std::string bench_text(const BenchOptions& options, const BenchReport& report);
std::string bench_json(const BenchOptions& options, const BenchReport& report);

}  // namespace mmoe::tools
