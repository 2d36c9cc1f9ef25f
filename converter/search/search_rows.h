// The rows that a search scores again and again: in memory, with their scores in f32.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "converter/check/evaluate.h"
#include "converter/check/labelled_rows.h"
#include "converter/check/score_rows.h"
#include "runtime/tools/bench/timing.h"
#include "runtime/tools/rows/row_batch.h"

namespace mmoe::converter {

/// What a file's scores of one task lose against those in f32.
struct TaskLoss {
  double largest = 0, mean = 0;  ///< absolute difference of a score
  double square = 0;             ///< mean of the squared differences
  double quality = 0;            ///< AUC or R squared lost; NaN without labels
};

struct SearchTask {
  std::string name;
  bool probability = false;
  std::string label_column;  ///< empty: no labels
  size_t num_labels = 0;
  double f32_quality = 0;  ///< AUC of a probability, else R squared; NaN without labels
  double typical = 0;      ///< root mean square of its scores in f32
};

/// Blocks of rows of the user's file, all of them while they take at most `most_bytes` of memory, else evenly spread
/// ones: every second, every fourth and so on. With them the golden rows, whose scores count as the user's do.
class SearchRows {
 public:
  static constexpr size_t kMostBytes = size_t{64} << 20;

  /// Scores the rows with the file in f32. Throws ToolError or ConvertError where they cannot be read or scored, where
  /// there are none, and for labels that tell no quality.
  SearchRows(std::string_view f32_file, const std::string& path, const std::vector<std::string>& labels,
             const RawRows& golden, size_t batch_rows, size_t most_bytes = kMostBytes);

  const std::vector<SearchTask>& tasks() const { return tasks_; }
  uint64_t num_rows() const { return num_rows_; }  ///< of the file
  uint64_t num_kept() const { return num_kept_; }  ///< of them in memory
  bool is_complete() const { return num_kept_ == num_rows_; }

  /// The losses of another file of the same model, per task.
  std::vector<TaskLoss> measure(std::string_view file) const;

  /// Seconds per row in calls of `batch` rows, the first of the file: the least that was seen. REQUIRES: has(batch).
  double seconds_per_row(std::string_view file, size_t batch) const;
  bool has(size_t batch) const { return !blocks_.empty() && blocks_.front().rows.num_rows() >= batch; }

 private:
  struct Block {
    tools::RowBatch rows;
    std::vector<float> labels;      // [rows, labelled tasks]
    std::vector<float> f32_scores;  // [rows, tasks]
  };

  void read(LoadedFile& f32, const std::string& path, const std::vector<std::string>& labels, size_t most_bytes);
  void thin_out();
  void describe_tasks(const Model& model, const std::string& path);
  std::vector<float> score_golden(LoadedFile& file) const;

  size_t batch_rows_;
  RawRows golden_;
  std::vector<float> golden_f32_scores_;
  std::vector<Block> blocks_;
  std::vector<tools::TaskLabels> labelled_;
  std::vector<LabelledScores> f32_labels_;  // per labelled task
  std::vector<SearchTask> tasks_;
  uint64_t num_rows_ = 0, num_kept_ = 0;
};

}  // namespace mmoe::converter
