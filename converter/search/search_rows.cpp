#include "converter/search/search_rows.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "converter/check/difference.h"
#include "converter/check/session_input.h"
#include "converter/error.h"
#include "runtime/tools/model/probability.h"
#include "runtime/tools/support/error.h"

namespace mmoe::converter {
namespace {

void score(LoadedFile& file, const Input& rows, std::vector<float>& scores) {
  const Status status = file.session.score(rows, {scores});
  if (!status) throw ConvertError(status.error().message());
}

// Sums over the rows, of which mean and square are made.
void add(const std::vector<float>& scores, const std::vector<float>& f32_scores, std::vector<TaskLoss>& losses) {
  for (size_t i = 0; i < scores.size(); ++i) {
    TaskLoss& loss = losses[i % losses.size()];
    const double difference = difference_of(scores[i], f32_scores[i]);
    loss.largest = std::max(loss.largest, difference);
    loss.mean += difference;
    loss.square += difference * difference;
  }
}

size_t bytes_of(const tools::RowBatch& rows, size_t row_bytes) { return rows.capacity() * row_bytes; }

size_t row_bytes_of(const Model& model, size_t num_labels) {
  const tools::InputSpec spec = tools::input_spec(model);
  size_t numbers = spec.features.empty() ? spec.input_dim : 0;
  for (const tools::FeatureSpec& feature : spec.features) numbers += std::max(feature.width, feature.length);
  constexpr size_t kLabelBytes = sizeof(std::string) + sizeof(float);
  return (numbers + model.num_tasks()) * sizeof(float) + num_labels * kLabelBytes + sizeof(std::vector<std::string>);
}

}  // namespace

SearchRows::SearchRows(std::string_view f32_file, const std::string& path, const std::vector<std::string>& labels,
                       const RawRows& golden, size_t batch_rows, size_t most_bytes)
    : batch_rows_(batch_rows), golden_(golden) {
  LoadedFile f32(f32_file, std::max(batch_rows, golden.num_rows));
  read(f32, path, labels, most_bytes);
  if (num_rows_ == 0) throw tools::ToolError(path + ": no rows");
  golden_f32_scores_ = score_golden(f32);
  describe_tasks(f32.model, path);
}

void SearchRows::read(LoadedFile& f32, const std::string& path, const std::vector<std::string>& labels,
                      size_t most_bytes) {
  LabelledRows rows(f32.model, path, labels, batch_rows_);
  labelled_ = rows.tasks();
  const size_t row_bytes = row_bytes_of(f32.model, labelled_.size());
  size_t stride = 1, next = 0, bytes = 0;
  for (size_t block = 0; const tools::RowBatch* batch = rows.next(); ++block) {
    num_rows_ += batch->num_rows();
    if (block != next) continue;
    next += stride;
    Block kept{*batch, rows.labels(), std::vector<float>(batch->num_rows() * f32.model.num_tasks())};
    try {
      score(f32, kept.rows.input(), kept.f32_scores);
    } catch (const ConvertError& error) {
      throw ConvertError(path + ": " + error.what());
    }
    bytes += bytes_of(kept.rows, row_bytes);
    blocks_.push_back(std::move(kept));
    if (bytes <= most_bytes || blocks_.size() < 2) continue;
    thin_out();
    stride *= 2;
    next = block / stride * stride + stride;
    bytes = blocks_.size() * bytes_of(blocks_.front().rows, row_bytes);
  }
  for (const Block& block : blocks_) num_kept_ += block.rows.num_rows();
}

void SearchRows::thin_out() {
  std::vector<Block> kept;
  for (size_t i = 0; i < blocks_.size(); i += 2) kept.push_back(std::move(blocks_[i]));
  blocks_ = std::move(kept);
}

std::vector<float> SearchRows::score_golden(LoadedFile& file) const {
  std::vector<float> scores(golden_.num_rows * file.model.num_tasks());
  if (golden_.num_rows == 0) return scores;
  score(file, input_of(file.model, golden_.num_rows, golden_.values, golden_.ids), scores);
  return scores;
}

void SearchRows::describe_tasks(const Model& model, const std::string& path) {
  const size_t num_tasks = model.num_tasks();
  std::vector<double> squares(num_tasks);
  f32_labels_.resize(labelled_.size());
  for (const Block& block : blocks_) {
    for (size_t i = 0; i < block.f32_scores.size(); ++i) {
      const double score = double{block.f32_scores[i]};
      if (std::isfinite(score)) squares[i % num_tasks] += score * score;
    }
    for (size_t i = 0; i < block.labels.size(); ++i) {
      const size_t which = i % labelled_.size();
      f32_labels_[which].add(block.labels[i],
                             block.f32_scores[i / labelled_.size() * num_tasks + labelled_[which].task]);
    }
  }
  for (size_t task = 0; task < num_tasks; ++task) {
    tasks_.push_back({std::string(model.task_name(task)), tools::is_probability(model, task), "", 0,
                      std::numeric_limits<double>::quiet_NaN(),
                      std::sqrt(squares[task] / static_cast<double>(std::max<uint64_t>(1, num_kept_)))});
  }
  for (size_t i = 0; i < labelled_.size(); ++i) {
    const std::vector<float>& labels = f32_labels_[i].labels;
    tools::check_labels(labelled_[i], labels, path);
    SearchTask& task = tasks_[labelled_[i].task];
    task.label_column = labelled_[i].column;
    task.num_labels = labels.size();
    task.f32_quality = quality_of(labelled_[i], labels, f32_labels_[i].f32_scores);
  }
}

std::vector<TaskLoss> SearchRows::measure(std::string_view file) const {
  LoadedFile loaded(file, std::max(batch_rows_, golden_.num_rows));
  const size_t num_tasks = loaded.model.num_tasks();
  std::vector<TaskLoss> losses(num_tasks);
  std::vector<std::vector<float>> kept(labelled_.size());
  LabelledScores ignored;
  std::vector<float> scores;
  for (const Block& block : blocks_) {
    scores.resize(block.f32_scores.size());
    score(loaded, block.rows.input(), scores);
    add(scores, block.f32_scores, losses);
    for (size_t i = 0; i < block.labels.size(); ++i) {
      const size_t which = i % labelled_.size(), at = i / labelled_.size() * num_tasks + labelled_[which].task;
      const bool counts = !std::isnan(block.labels[i]) && std::isfinite(block.f32_scores[at]);
      if (counts) kept[which].push_back(scores[at]);
    }
  }
  add(score_golden(loaded), golden_f32_scores_, losses);
  const auto count = static_cast<double>(num_kept_ + golden_.num_rows);
  for (TaskLoss& loss : losses) {
    loss.mean /= count;
    loss.square /= count;
    loss.quality = std::numeric_limits<double>::quiet_NaN();
  }
  for (size_t i = 0; i < labelled_.size(); ++i) {
    const double stored = quality_of(labelled_[i], f32_labels_[i].labels, kept[i]);
    const double lost = tasks_[labelled_[i].task].f32_quality - stored;
    losses[labelled_[i].task].quality = std::isnan(lost) ? std::numeric_limits<double>::infinity() : lost;
  }
  return losses;
}

double SearchRows::seconds_per_row(std::string_view file, size_t batch) const {
  LoadedFile loaded(file, batch);
  std::vector<float> scores(batch * loaded.model.num_tasks());
  const Input rows = blocks_.front().rows.input(0, batch);
  tools::TimingOptions options;
  options.seconds = 0.03;
  options.warm_up_seconds = 0.005;
  const tools::Timing timing = tools::time_calls([&] { score(loaded, rows, scores); }, options);
  return timing.best / static_cast<double>(batch);
}

}  // namespace mmoe::converter
