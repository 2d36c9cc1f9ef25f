#include "runtime/tools/report/report.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "runtime/tools/describe/print_model.h"
#include "runtime/tools/labels/labels.h"
#include "runtime/tools/labels/quality.h"
#include "runtime/tools/model/gate_names.h"
#include "runtime/tools/model/probability.h"
#include "runtime/tools/model/work.h"
#include "runtime/tools/report/gate_statistics.h"
#include "runtime/tools/report/skipping.h"
#include "runtime/tools/score/scorer.h"
#include "runtime/tools/support/error.h"
#include "runtime/tools/support/progress.h"
#include "runtime/tools/support/text.h"

namespace mmoe::tools {
namespace {

constexpr std::size_t kHistogramBins = 20;
constexpr std::size_t kMaxReportWeights = 1 << 14;  // their statistics take 8 kB each
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

bool all_finite(const float* values, std::size_t size) {
  return std::all_of(values, values + size, [](float value) { return std::isfinite(value); });
}

// Every k up to 8, then steps that grow, and all.
std::vector<std::size_t> top_ks(std::size_t most_experts) {
  std::vector<std::size_t> ks;
  for (std::size_t k = 1; k < most_experts; k += k < 8 ? 1 : k / 4) ks.push_back(k);
  ks.push_back(most_experts);
  return ks;
}

std::size_t most_experts_of(const Plan& plan) {
  std::size_t most = 0;
  for (const GateInfo& gate : gates_of(plan)) most = std::max(most, gate.num_experts);
  return most;
}

// Whether the file restricts its gates itself.
bool has_top_k(const Model& model) {
  for (const schema::Level* level : *ModelView(model).root().levels()) {
    for (const schema::Gate* gate : *level->gates()) {
      if (gate->kind() != schema::GateKind_Constant && gate->top_k() != 0) return true;
    }
  }
  return false;
}

ScorerOptions scorer_options(std::size_t top_k, std::size_t batch_rows, const PlanLimits& limits) {
  ScorerOptions options;
  options.limits = limits;
  options.top_k = top_k;
  options.batch_rows = batch_rows;
  options.gates = true;
  return options;
}

// The rows scored with one k.
struct Variant {
  Variant(const Model& model, std::size_t its_top_k, std::size_t batch_rows, const PlanLimits& limits)
      : top_k(its_top_k),
        scorer(model, scorer_options(its_top_k, batch_rows, limits)),
        skipping(scorer.plan(), its_top_k),
        sums(model.num_tasks()),
        largest(model.num_tasks()),
        kept(model.num_tasks()) {}

  std::size_t top_k;
  Scorer scorer;
  Skipping skipping;
  const float* scores = nullptr;         // of the batch
  std::vector<double> sums, largest;     // per task, of the change
  std::vector<std::vector<float>> kept;  // per task, scores of the rows with labels
};

class Reporter {
 public:
  Reporter(const Model& model, const ReportOptions& options);
  Report run();

 private:
  void find_labels_of(RowReader& reader);
  void score(RowReader& reader, const RowBatch& batch);
  void add_row(std::size_t row, const std::vector<float>& labels);

  GateReport gate_report(std::size_t index, const std::string& name) const;
  std::vector<ExpertReport> expert_reports(const Json& described) const;
  void add_uses(ExpertReport& expert) const;
  TaskChange change_of(const Variant& variant, std::size_t task) const;
  TopKReport top_k_report(const Variant& variant) const;
  TaskReport task_report(std::size_t task) const;
  const TaskLabels* labels_of(std::size_t task) const;

  Variant& all() { return *variants_.back(); }
  const Variant& all() const { return *variants_.back(); }
  const Variant& as_file() const { return *variants_[as_file_]; }
  const Plan& plan() const { return as_file().scorer.plan(); }

  const Model& model_;
  const ReportOptions& options_;
  std::size_t batch_rows_ = 0;
  std::vector<std::unique_ptr<Variant>> variants_;  // all experts last
  std::size_t as_file_ = 0;                         // whose gates the pictures are of
  std::vector<TaskLabels> labelled_;
  std::vector<std::vector<float>> labels_;  // per task
  std::vector<GateInfo> infos_;
  std::vector<GateStatistics> gates_;  // of each of infos_
  std::uint64_t num_rows_ = 0, num_skipped_ = 0;
};

Reporter::Reporter(const Model& model, const ReportOptions& options)
    : model_(model), options_(options), labels_(model.num_tasks()) {
  PlanOptions plan_options;
  options.limits.apply_to(plan_options);
  const Result<Plan> plan = Plan::create(model, plan_options);
  if (!plan) throw ToolError(plan_message(plan.error()));
  require_gates(*plan, "--report");
  if (plan->num_gate_weights() > kMaxReportWeights) {
    throw UsageError("--report: the gates have " + with_thousands(plan->num_gate_weights()) +
                     " weights in all; the report shows at most " + with_thousands(kMaxReportWeights));
  }
  infos_ = gates_of(*plan);
  for (const GateInfo& gate : infos_) gates_.emplace_back(gate.num_experts);
  const auto add = [&](std::size_t k) {
    variants_.push_back(std::make_unique<Variant>(model, k, batch_rows_, options.limits));
  };
  const std::vector<std::size_t> ks = top_ks(most_experts_of(*plan));
  batch_rows_ = rows_that_fit((ks.size() + 1) * plan->num_gate_weights() * sizeof(float), options.batch_rows);
  if (has_top_k(model)) add(0);
  for (const std::size_t k : ks) add(k);
  as_file_ = has_top_k(model) ? 0 : variants_.size() - 1;
}

void Reporter::find_labels_of(RowReader& reader) {
  labelled_ = find_labels(model_, options_.labels, reader.spare_columns());
  std::vector<std::string> columns;
  for (const TaskLabels& labels : labelled_) columns.push_back(labels.column);
  reader.keep(columns);
}

void Reporter::score(RowReader& reader, const RowBatch& batch) {
  for (const auto& variant : variants_) variant->scores = variant->scorer.score(reader, batch);
  std::vector<float> labels(labelled_.size());
  for (std::size_t row = 0; row < batch.num_rows(); ++row) {
    for (std::size_t i = 0; i < labelled_.size(); ++i) {
      labels[i] = parse_label(labelled_[i], batch.kept(row)[i], reader.where(row));
    }
    add_row(row, labels);
  }
}

void Reporter::add_row(std::size_t row, const std::vector<float>& labels) {
  const std::size_t num_tasks = model_.num_tasks(), num_weights = plan().num_gate_weights();
  const float* expected = all().scores + row * num_tasks;
  const float* weights = as_file().scorer.gate_weights() + row * num_weights;
  const bool scored = std::all_of(variants_.begin(), variants_.end(), [&](const auto& variant) {
    return all_finite(variant->scores + row * num_tasks, num_tasks);
  });
  if (!scored || !all_finite(weights, num_weights)) {
    ++num_skipped_;
    return;
  }
  ++num_rows_;
  for (std::size_t i = 0; i < gates_.size(); ++i) gates_[i].add(weights + infos_[i].column);
  for (std::size_t i = 0; i < labelled_.size(); ++i) {
    if (!std::isnan(labels[i])) labels_[labelled_[i].task].push_back(labels[i]);
  }
  for (const auto& variant : variants_) {
    variant->skipping.add(variant->scorer.gate_weights() + row * num_weights);
    const float* scores = variant->scores + row * num_tasks;
    for (std::size_t task = 0; task < num_tasks; ++task) {
      const double change = std::fabs(static_cast<double>(scores[task]) - static_cast<double>(expected[task]));
      variant->sums[task] += change;
      variant->largest[task] = std::max(variant->largest[task], change);
    }
    for (std::size_t i = 0; i < labelled_.size(); ++i) {
      const std::size_t task = labelled_[i].task;
      if (!std::isnan(labels[i])) variant->kept[task].push_back(scores[task]);
    }
  }
}

GateReport Reporter::gate_report(std::size_t index, const std::string& name) const {
  const GateInfo& gate = infos_[index];
  const GateStatistics& statistics = gates_[index];
  GateReport report{name, gate.level, {}, {}, statistics.mean_entropy()};
  for (std::size_t task = 0; task < model_.num_tasks(); ++task) {
    if (gate.feeds(task)) report.tasks.emplace_back(model_.task_name(task));
  }
  for (std::size_t e = 0; e < gate.num_experts; ++e) {
    report.experts.push_back({gate.experts[e], statistics.mean(e), statistics.quantile(e, 0.1),
                              statistics.quantile(e, 0.5), statistics.quantile(e, 0.9), statistics.first_choice(e),
                              statistics.histogram(e, kHistogramBins)});
  }
  return report;
}

// What the gates say of an expert.
void Reporter::add_uses(ExpertReport& expert) const {
  for (std::size_t i = 0; i < gates_.size(); ++i) {
    const GateInfo& gate = infos_[i];
    for (std::size_t e = 0; e < gate.num_experts; ++e) {
      if (gate.level != expert.level || gate.experts[e] != expert.index) continue;
      expert.has_gate = true;
      expert.largest_mean = std::max(expert.largest_mean, gates_[i].mean(e));
      const auto rows = static_cast<double>(gates_[i].rows_among_two(e));
      expert.among_two = std::max(expert.among_two, rows / static_cast<double>(num_rows_));
    }
  }
}

std::vector<ExpertReport> Reporter::expert_reports(const Json& described) const {
  const ModelView view(model_);
  const std::vector<std::vector<bool>> constants = experts_of_constant_gates(view.root());
  std::vector<ExpertReport> reports;
  for (std::size_t l = 0; l < constants.size(); ++l) {
    for (std::size_t e = 0; e < constants[l].size(); ++e) {
      const schema::Level& level = *view.root().levels()->Get(static_cast<Index>(l));
      const schema::Expert& expert = *level.experts()->Get(static_cast<Index>(e));
      const Json& text = described["levels"][l]["experts"][e];
      reports.push_back({l, e, text["name"], layers_text(text["layers"]), multiply_adds(expert),
                         num_parameters(view, expert), parameter_bytes(view, expert), constants[l][e], false, 0, 0});
      add_uses(reports.back());
    }
  }
  return reports;
}

const TaskLabels* Reporter::labels_of(std::size_t task) const {
  const auto found = std::find_if(labelled_.begin(), labelled_.end(),
                                  [task](const TaskLabels& labels) { return labels.task == task; });
  return found == labelled_.end() ? nullptr : &*found;
}

TaskChange Reporter::change_of(const Variant& variant, std::size_t task) const {
  TaskChange change{variant.sums[task] / static_cast<double>(num_rows_), variant.largest[task], kNan, kNan};
  const TaskLabels* labels = labels_of(task);
  if (!labels) return change;
  const std::vector<float>& expected = labels_[task];
  change.quality = quality(labels->binary, expected, variant.kept[task]);
  if (!labels->binary) change.squared_error = mean_squared_error(expected, variant.kept[task]);
  return change;
}

TopKReport Reporter::top_k_report(const Variant& variant) const {
  const std::size_t k = variant.top_k;
  TopKReport report{k,
                    &variant == &all(),
                    variant.skipping.mean_experts(),
                    variant.skipping.mean_multiply_adds(),
                    skips_experts(model_, k, 1, options_.limits),
                    skips_experts(model_, k, Plan::kMaxBlockRows, options_.limits),
                    {}};
  for (std::size_t task = 0; task < model_.num_tasks(); ++task) report.tasks.push_back(change_of(variant, task));
  return report;
}

TaskReport Reporter::task_report(std::size_t task) const {
  const TaskLabels* labels = labels_of(task);
  return {std::string(model_.task_name(task)), labels ? labels->column : "", is_probability(model_, task),
          labels_[task].size()};
}

Report Reporter::run() {
  RowReaderOptions rows_options;
  rows_options.batch_rows = batch_rows_;
  RowReader reader(options_.rows_path, input_spec(model_), rows_options);
  find_labels_of(reader);
  Progress progress;
  while (const RowBatch* batch = reader.next()) {
    score(reader, *batch);
    progress.update(num_rows_ + num_skipped_);
  }
  progress.clear();
  if (num_rows_ == 0) {
    throw ToolError(options_.rows_path + ": no rows" +
                    (num_skipped_ > 0 ? " whose inputs and scores are all finite" : ""));
  }
  for (const TaskLabels& labels : labelled_) check_labels(labels, labels_[labels.task], options_.rows_path);

  Report report{describe(model_, options_.model_path, false),
                options_.rows_path,
                plan().kernel_set(),
                num_rows_,
                num_skipped_,
                all().skipping.num_experts(),
                all().skipping.all_multiply_adds(),
                {},
                {},
                {},
                {}};
  const std::vector<std::string> names = gate_names(plan());
  for (std::size_t task = 0; task < model_.num_tasks(); ++task) report.tasks.push_back(task_report(task));
  for (std::size_t i = 0; i < names.size(); ++i) report.gates.push_back(gate_report(i, names[i]));
  report.experts = expert_reports(report.model);
  for (const auto& variant : variants_) report.top_k.push_back(top_k_report(*variant));
  return report;
}

}  // namespace

Report make_report(const Model& model, const ReportOptions& options) { return Reporter(model, options).run(); }

}  // namespace mmoe::tools
