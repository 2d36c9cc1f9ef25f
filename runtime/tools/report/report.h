// What mmoe-inspect --report shows: figures of a model on some rows, all from scoring them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/tools/describe/describe.h"
#include "runtime/tools/support/plan_limits.h"

namespace mmoe::tools {

/// One expert as one gate uses it.
struct ExpertUse {
  std::size_t expert;              ///< its place in the level
  double mean, low, median, high;  ///< of the rows' weights; low and high: what a tenth of the rows are below or above
  double first_choice;             ///< share of the rows in which it has the largest weight
  std::vector<double> histogram;   ///< share of the rows by weight, in equal parts of 0 to 1
};

struct GateReport {
  std::string name;  ///< as gate_names() says
  std::size_t level;
  std::vector<std::string> tasks;  ///< that it feeds
  std::vector<ExpertUse> experts;
  double mean_entropy;  ///< nats
};

struct ExpertReport {
  std::size_t level, index;
  std::string name, layers;
  std::uint64_t multiply_adds;  ///< per row, all of its layers
  std::uint64_t parameters;
  std::uint64_t parameter_bytes;
  bool constant;        ///< a constant gate mixes it: its weight does not depend on the row
  bool has_gate;        ///< some gate with computed weights that a task needs lists it
  double largest_mean;  ///< of its mean weights, one per gate
  double among_two;     ///< largest share of a gate's rows in which it has one of the two largest weights
  /// Less than kUnusedMean in every gate, and never among a row's two largest.
  bool unused() const { return has_gate && !constant && largest_mean < kUnusedMean && among_two == 0; }
  static constexpr double kUnusedMean = 0.01;
};

/// A task's scores with top-k against those with all experts.
struct TaskChange {
  double mean, largest;  ///< of |score - score with all experts|
  double quality;        ///< NaN without labels
  double squared_error;  ///< NaN without labels, and where quality is an AUC
};

struct TopKReport {
  std::size_t top_k;                ///< 0: as the file says, which is neither a top-k of all gates nor all experts
  bool is_all;                      ///< all experts: what the others are compared with
  double experts, multiply_adds;    ///< mean per row
  bool skips_single, skips_blocks;  ///< whether this machine's plan skips experts for single rows, for many at once
  std::vector<TaskChange> tasks;
};

struct TaskReport {
  std::string name;
  std::string label_column;  ///< "": no labels
  bool binary;               ///< quality is the AUC, else R squared
  std::uint64_t num_labels;
};

struct Report {
  Json model;  ///< as describe() says
  std::string rows_path;
  std::string kernel_set;
  std::uint64_t num_rows;     ///< that the figures are of
  std::uint64_t num_skipped;  ///< rows left out because an input or a score is not finite
  std::size_t num_experts;    ///< that the tasks need, of all levels
  double multiply_adds;       ///< per row, with all experts
  std::vector<TaskReport> tasks;
  std::vector<GateReport> gates;
  std::vector<ExpertReport> experts;
  std::vector<TopKReport> top_k;  ///< ascending; with all experts last
};

struct ReportOptions {
  std::string model_path;
  std::string rows_path;            ///< "-": standard input
  std::vector<std::string> labels;  ///< "TASK=COLUMN"
  std::size_t batch_rows = 256;
  PlanLimits limits;
};

/// Scores the rows once per k. Holds the scores of labelled tasks in memory, 4 bytes each per row and k, and nothing
/// else that grows with the rows. Throws UsageError when the model has no gates, ToolError for bad rows or labels, and
/// when there are no rows.
Report make_report(const Model& model, const ReportOptions& options);

}  // namespace mmoe::tools
