#include "converter/search/trials.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <utility>

#include "converter/error.h"
#include "converter/lowering/lowered.h"
#include "converter/quantise/quantise.h"
#include "converter/writer/writer.h"
#include "runtime/tools/support/error.h"
#include "runtime/tools/support/printable.h"
#include "runtime/tools/support/text.h"

namespace mmoe::converter {
namespace {

constexpr size_t kBlockRows = 256;

double share(double loss, double limit) {
  if (loss <= 0) return 0;
  return std::isinf(limit) ? (std::isinf(loss) ? loss : 0) : loss / limit;  // a limit of 0: infinite
}

std::vector<BudgetTask> budget_tasks(const std::vector<SearchTask>& tasks) {
  std::vector<BudgetTask> result;
  for (const SearchTask& task : tasks) {
    result.push_back({task.name, task.probability, task.num_labels > 0, task.typical});
  }
  return result;
}

}  // namespace

Trials::Trials(const TrainedModel& model, const ProvenanceInfo& provenance, const TrialOptions& options)
    : model_(model),
      provenance_(provenance),
      options_(options),
      golden_rows_(random_rows(model, options.num_golden_rows, options.golden_seed)),
      golden_(make_golden(model, golden_rows_)),
      parts_(find_parts(model)),
      f32_(std::make_unique<ScratchSink>(0)) {
  TrainedModel f32 = model;
  choose_f32(f32);
  write(f32, *f32_);
  f32_bytes_ = f32_->view().size();
  const size_t batch = options.budget.time ? options.budget.time->batch : 1;
  rows_ = std::make_unique<SearchRows>(f32_->view(), options.rows_path, options.labels, golden_rows_,
                                       std::max(batch, kBlockRows), options.most_row_bytes);
  budget_ = resolve(options.budget, budget_tasks(rows_->tasks()));
  if (!rows_->has(batch)) {
    const std::string call = "calls of " + tools::counted(batch, "row");
    if (rows_->num_rows() < batch) {
      throw tools::ToolError(options.rows_path + ": " + tools::counted(rows_->num_rows(), "row") + ", too few for " +
                             call + ", whose time is to be measured");
    }
    throw tools::ToolError(options.rows_path + ": the rows are too long to keep as many as " + call + " take");
  }
}

void Trials::write(const TrainedModel& chosen, ScratchSink& sink) const {
  LoweredModel lowered = lower(chosen);
  quantise(lowered);
  Golden golden = golden_;
  if (!is_f32(lowered)) {
    const std::string name = std::filesystem::path(options_.rows_path).filename().string();
    golden = make_stored_golden(golden, model_.output_names().size(), name, true);
  }
  ModelFileWriter(lowered, provenance_).write(golden, sink);
}

size_t Trials::add(const Choice& choice, Tried::Kind kind, const std::string& name, bool timed) {
  const auto found = known_.find(choice);
  const bool time_it = timed && options_.measure_times;
  if (found != known_.end() && !(time_it && std::isnan(tried_[found->second].seconds))) return found->second;
  progress_.show("choice " + std::to_string(tried_.size() + 1) + ": " + tools::printable(name));
  TrainedModel chosen = model_;
  apply(parts_, choice, chosen);
  ScratchSink sink(f32_bytes_);
  write(chosen, sink);
  Tried tried{kind, name, choice, sink.view().size(), {}, 0, 0};
  if (time_it) tried.seconds = rows_->seconds_per_row(sink.view(), batch());
  if (found != known_.end()) {
    tried_[found->second].seconds = tried.seconds;
    return found->second;
  }
  tried.losses = rows_->measure(sink.view());
  tried.share = share_of(tried.losses);
  tried.harm = harm_of(tried.losses);
  progress_.clear();
  known_.emplace(choice, tried_.size());
  tried_.push_back(std::move(tried));
  return tried_.size() - 1;
}

std::vector<TaskLoss> Trials::losses_on_all_rows(size_t index) const {
  if (rows_->is_complete()) return tried_[index].losses;
  TrainedModel chosen = model_;
  apply(parts_, tried_[index].choice, chosen);
  ScratchSink sink(f32_bytes_);
  write(chosen, sink);
  ScoreDifferences differences(rows_->tasks().size());
  add_rows(sink.view(), f32_->view(), options_.rows_path, options_.labels, differences);
  const ScoreChange change = differences.result();
  std::vector<TaskLoss> losses = tried_[index].losses;  // of the golden rows too
  for (size_t task = 0; task < losses.size(); ++task) {
    losses[task].largest = std::max(losses[task].largest, double{change.largest[task]});
    losses[task].mean = double{change.mean[task]};
    if (change.num_labels[task] == 0) continue;
    losses[task].quality = double{change.f32_quality[task]} - double{change.quality[task]};
  }
  return losses;
}

double Trials::share_of(const std::vector<TaskLoss>& losses) const {
  double largest = 0;
  for (size_t task = 0; task < losses.size(); ++task) {
    const TaskLimits& limits = budget_.tasks[task];
    largest = std::max(largest, share(losses[task].largest, limits.score));
    if (std::isfinite(limits.quality)) largest = std::max(largest, share(losses[task].quality, limits.quality));
    if (std::isinf(losses[task].largest)) largest = std::numeric_limits<double>::infinity();
  }
  return largest;
}

double Trials::harm_of(const std::vector<TaskLoss>& losses) const {
  double sum = 0;
  for (size_t task = 0; task < losses.size(); ++task) {
    const double limit = budget_.tasks[task].score;
    double scale = std::isfinite(limit) && limit > 0 ? limit : 0.001 * rows_->tasks()[task].typical;
    if (!(scale > 0)) scale = 1;
    sum += losses[task].square / (scale * scale);
  }
  return sum;
}

}  // namespace mmoe::converter
