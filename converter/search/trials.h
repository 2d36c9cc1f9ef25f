// Choices of types that have been tried: each is a file, scored on the rows and thrown away.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "converter/check/golden.h"
#include "converter/model/model.h"
#include "converter/search/budget.h"
#include "converter/search/parts.h"
#include "converter/search/scratch_sink.h"
#include "converter/search/search_rows.h"
#include "converter/writer/contents.h"
#include "runtime/tools/support/progress.h"

namespace mmoe::converter {

struct Tried {
  enum class Kind { kStart, kUniform, kOnePart, kCombination };
  Kind kind = Kind::kStart;
  std::string name;  ///< for people
  Choice choice;
  uint64_t file_bytes = 0;
  std::vector<TaskLoss> losses;  ///< per task
  double share = 0;              ///< the largest share that a loss has of its limit; above 1 the budget is not kept
  double harm = 0;  ///< squared losses relative to the tasks' limits: of several parts about the sum of theirs
  double seconds = std::numeric_limits<double>::quiet_NaN();  ///< per row; NaN: not measured

  bool keeps_limits() const { return share <= 1; }
};

struct TrialOptions {
  std::string rows_path;
  std::vector<std::string> labels;  ///< "TASK=COLUMN"
  Budget budget;
  size_t num_golden_rows = 8;
  uint64_t golden_seed = 1;
  bool measure_times = false;
  size_t most_row_bytes = SearchRows::kMostBytes;
};

class Trials {
 public:
  /// Writes and scores the model in f32. Throws ToolError or ConvertError for rows, labels and budgets that cannot be.
  Trials(const TrainedModel& model, const ProvenanceInfo& provenance, const TrialOptions& options);

  /// Tries a choice, unless it has been tried; its place in tried(). `timed`: its time is measured, where times are.
  size_t add(const Choice& choice, Tried::Kind kind, const std::string& name, bool timed = true);

  /// The losses on all rows of the file, where memory has not had room for all; else those of tried().
  std::vector<TaskLoss> losses_on_all_rows(size_t index) const;

  /// The largest share that a loss has of its limit.
  double share_of(const std::vector<TaskLoss>& losses) const;

  const std::vector<Part>& parts() const { return parts_; }
  const std::vector<Tried>& tried() const { return tried_; }
  const ResolvedBudget& budget() const { return budget_; }
  const SearchRows& rows() const { return *rows_; }
  size_t batch() const { return budget_.time ? budget_.time->batch : 1; }
  uint64_t f32_bytes() const { return f32_bytes_; }

 private:
  void write(const TrainedModel& chosen, ScratchSink& sink) const;
  double harm_of(const std::vector<TaskLoss>& losses) const;

  const TrainedModel& model_;
  ProvenanceInfo provenance_;
  TrialOptions options_;
  RawRows golden_rows_;
  Golden golden_;
  std::vector<Part> parts_;
  std::unique_ptr<ScratchSink> f32_;
  uint64_t f32_bytes_ = 0;
  std::unique_ptr<SearchRows> rows_;
  ResolvedBudget budget_;
  std::vector<Tried> tried_;
  std::map<Choice, size_t> known_;
  tools::Progress progress_;
};

}  // namespace mmoe::converter
