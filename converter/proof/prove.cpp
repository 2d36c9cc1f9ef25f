#include "converter/proof/prove.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <sstream>

#include "converter/check/session_input.h"
#include "converter/error.h"
#include "converter/importers/messages.h"
#include "converter/proof/graph_rows.h"
#include "mmoe/session.h"

namespace mmoe::converter {
namespace {

constexpr size_t kRows = 64, kRowsAtOnce = 4;
constexpr size_t kEnoughWork = size_t{1} << 28;  // about a second: after that, fewer rows must do
constexpr size_t kLargestFixedBatch = 1024;
constexpr double kLoosest = 0.01;  // of a score's size: a comparison that allows more than this counts for nothing
constexpr double kClose = 1e-5;    // but where scores are as close as this, which says enough
constexpr size_t kMostUnlike = 8;  // of so many rows one may have another score where rounding may explain any
constexpr size_t kMostValues = size_t{1} << 22;  // of all rows together

template <class T>
T& require(Result<T>& result) {
  if (!result) throw ConvertError(std::string("the written file fails to load: ") + result.error().message());
  return *result;
}

// ------------------------------------------------------------------------------------ the file's scores

std::vector<float> score(const Model& model, const RawRows& rows) {
  SessionOptions options;
  options.max_batch = rows.num_rows;
  // check_file() has kept the limits.
  constexpr uint64_t kNone = std::numeric_limits<uint64_t>::max();
  options.max_multiply_adds = options.max_steps = options.max_arena_bytes = options.max_ids = kNone;
  Result<Session> session = Session::create(model, options);
  require(session);
  std::vector<float> scores(rows.num_rows * model.num_tasks());
  const Status status = session->score(input_of(model, rows.num_rows, rows.values, rows.ids), {scores});
  if (!status) throw ConvertError(std::string("the written file fails to score: ") + status.error().message());
  return scores;
}

// ------------------------------------------------------------------------------------ the graph's scores

/// All outputs of the graph side by side, [rows, columns].
struct GraphScores {
  std::vector<std::string> names;  // of the columns: the output's, or "output.0", ...
  std::vector<std::vector<double>> rows;
};

void append(const OnnxGraph& graph, const std::vector<RefTensor>& outputs, size_t count, GraphScores& scores) {
  scores.names.clear();
  std::vector<std::vector<double>> rows(count);
  for (size_t i = 0; i < outputs.size(); ++i) {
    const size_t columns = outputs[i].size() / count;
    const std::string& name = graph.outputs[i].name;
    if (outputs[i].size() != columns * count)
      throw NotEvaluated("output " + in_quotes(name) + " does not have one value per row");
    // Where the batch is not the first axis, the outputs are vectors on another.
    if (!outputs[i].shape.empty() && outputs[i].shape[0] != count && columns != 1) {
      throw NotEvaluated("output " + in_quotes(name) + " does not have the batch first");
    }
    for (size_t k = 0; k < columns; ++k) scores.names.push_back(columns == 1 ? name : name + "." + std::to_string(k));
    for (size_t row = 0; row < count; ++row) {
      for (size_t k = 0; k < columns; ++k) rows[row].push_back(outputs[i].number(row * columns + k));
    }
  }
  scores.rows.insert(scores.rows.end(), rows.begin(), rows.end());
}

GraphScores evaluate_graph(const OnnxGraph& graph, Reference& reference, const GraphRows& places, const RawRows& rows) {
  const size_t at_once = places.fixed_batch() != 0 ? places.fixed_batch() : std::min(kRowsAtOnce, rows.num_rows);
  GraphScores scores;
  for (size_t first = 0; first + at_once <= rows.num_rows; first += at_once) {
    append(graph, reference.run(places.inputs(rows, first, at_once)), at_once, scores);
    if (reference.work() > kEnoughWork) break;
  }
  return scores;
}

/// For every task of the file its column of the graph's outputs.
std::vector<size_t> match_tasks(const Model& model, const GraphScores& scores, std::string& matched_by) {
  std::vector<size_t> columns;
  for (size_t task = 0; task < model.num_tasks(); ++task) {
    const auto found = std::find(scores.names.begin(), scores.names.end(), std::string(model.task_name(task)));
    if (found != scores.names.end()) columns.push_back(static_cast<size_t>(found - scores.names.begin()));
  }
  matched_by = "name";
  if (columns.size() == model.num_tasks()) return columns;
  if (scores.names.size() != model.num_tasks()) {
    throw NotEvaluated("the tasks are not named after the graph's outputs, of which there are another number");
  }
  matched_by = "order";
  columns.clear();
  for (size_t task = 0; task < model.num_tasks(); ++task) columns.push_back(task);
  return columns;
}

// ------------------------------------------------------------------------------------ comparison

/// Beside each score the bound of its float rounding, from the description; tasks that are no outputs have none.
std::vector<double> bounds_of(const TrainedModel& description, const RawRows& rows) {
  const Evaluated evaluated = evaluate(description, rows);
  const size_t outputs = static_cast<size_t>(
      std::count_if(description.tasks.begin(), description.tasks.end(), [](const Task& task) { return task.output; }));
  if (evaluated.bounds.size() == rows.num_rows * outputs) return evaluated.bounds;
  std::vector<double> bounds;
  for (size_t i = 0; i < evaluated.bounds.size(); ++i) {
    if (description.tasks[i % description.tasks.size()].output) bounds.push_back(evaluated.bounds[i]);
  }
  return bounds;
}

/// Rounding that may explain any score, as where numbers cancel out, does not explain that many rows have another.
void require_alike(const Model& model, const std::vector<size_t>& unlike, size_t rows) {
  for (size_t task = 0; task < unlike.size(); ++task) {
    if (unlike[task] * kMostUnlike <= rows) continue;
    std::ostringstream message;
    message << "the recognised model does not compute what the graph computes: of task '" << model.task_name(task)
            << "' it has other scores on " << unlike[task] << " of " << rows
            << " random rows, by more than a hundredth; in floats the graph's numbers may cancel out";
    throw ConvertError(message.str());
  }
}

/// As where an infinite number is multiplied by 0 for a choice that the graph makes by Where.
[[noreturn]] void throw_not_a_number(std::string_view task, size_t row, double wanted) {
  std::ostringstream message;
  message.precision(9);
  message << "the recognised model does not compute what the graph computes: task '" << task << "', random row "
          << row + 1 << ": the graph gives " << wanted << ", the file NaN";
  throw ConvertError(message.str());
}

/// Counts per task the rows whose comparison says something: a score that may be anything, as where a gate's k largest
/// are as good as equal or where numbers overflow, proves nothing, unless it is the graph's. Nor does a row on which
/// the graph itself overflows, as a softplus written as log(1 + exp(x)) does where the runtime's does not.
void compare(const Model& model, const std::vector<float>& scores, const std::vector<double>& bounds,
             const std::vector<size_t>& columns, const GraphScores& graph, ProofReport& report) {
  std::vector<size_t> compared(model.num_tasks()), unlike(model.num_tasks());
  for (size_t i = 0; i < scores.size(); ++i) {
    const size_t row = i / model.num_tasks(), task = i % model.num_tasks();
    const double wanted = graph.rows[row][columns[task]];
    if (!std::isfinite(wanted)) continue;
    const double difference = std::fabs(static_cast<double>(scores[i]) - wanted), allowed = 2 * bounds[i];
    // Written so that a NaN of the file fails.
    if (std::isfinite(allowed) && !(difference <= allowed)) {
      std::ostringstream message;
      message.precision(9);
      message << "the recognised model does not compute what the graph computes: task '" << model.task_name(task)
              << "', random row " << row + 1 << ": the graph gives " << wanted << ", the file " << scores[i]
              << "; float rounding explains at most " << allowed;
      throw ConvertError(message.str());
    }
    const double size = std::max(1.0, std::fabs(wanted));
    const bool in_range = std::fabs(wanted) <= static_cast<double>(std::numeric_limits<float>::max());
    if (in_range && !(difference <= kLoosest * size)) ++unlike[task];
    if (in_range && std::isnan(scores[i])) throw_not_a_number(model.task_name(task), row, wanted);
    const bool says_something = allowed <= kLoosest * size || difference <= kClose * size;
    double& largest = says_something ? report.largest_difference : report.largest_of_others;
    if (in_range || says_something) largest = std::max(largest, difference / size);
    if (says_something) ++compared[task];
  }
  require_alike(model, unlike, graph.rows.size());
  const auto least = std::min_element(compared.begin(), compared.end());
  report.num_rows = *least;
  if (*least == 0) {
    const auto task = static_cast<size_t>(least - compared.begin());
    throw NotEvaluated("on every row float rounding may change task " + in_quotes(std::string(model.task_name(task))) +
                       " by more than a hundredth");
  }
}

double largest_difference(const std::vector<float>& scores, const std::vector<size_t>& columns,
                          const GraphScores& graph) {
  double largest = 0;
  for (size_t i = 0; i < graph.rows.size() * columns.size(); ++i) {
    const double wanted = graph.rows[i / columns.size()][columns[i % columns.size()]];
    largest = std::max(largest, std::fabs(static_cast<double>(scores[i]) - wanted) / std::max(1.0, std::fabs(wanted)));
  }
  return largest;
}

ProofReport compare_rows(const OnnxGraph& graph, const TrainedModel& description, std::string_view file, uint64_t seed,
                         Features features) {
  const bool rounds = rounds_results(graph);
  Reference reference(graph, rounds);
  const GraphRows places(graph, description, reference, features == Features::kOfGraph);
  const size_t batch = std::max<size_t>(1, places.fixed_batch());
  if (batch > kLargestFixedBatch) throw NotEvaluated("the graph's batch is fixed at " + std::to_string(batch));
  const size_t wanted_rows = std::clamp(kMostValues / places.width(), kRowsAtOnce, kRows);
  RawRows rows = places.make((wanted_rows + batch - 1) / batch * batch, seed);
  const GraphScores wanted = evaluate_graph(graph, reference, places, rows);
  // Fewer where the graph is large.
  const size_t made = rows.num_rows, compared = wanted.rows.size();
  rows.values.resize(rows.values.size() / made * compared);
  rows.ids.resize(rows.ids.size() / made * compared);
  rows.num_rows = compared;
  places.hide_unknown_ids(rows);

  LoadOptions options;
  options.copy_if_misaligned = true;
  Result<Model> loaded = Model::from_bytes(file.data(), file.size(), options);
  const Model& model = require(loaded);
  ProofReport report;
  const std::vector<size_t> columns = match_tasks(model, wanted, report.matched_by);
  const std::vector<float> scores = score(model, rows);
  compare(model, scores, bounds_of(description, rows), columns, wanted, report);
  if (rounds) {
    Reference as_it_stands(graph);
    const GraphScores rounded = evaluate_graph(graph, as_it_stands, places, rows);
    report.rounded_difference = largest_difference(scores, columns, rounded);
  }
  return report;
}

/// Labels, whole numbers, are no scores; they stay only where there is nothing else.
OnnxGraph scores_of(const OnnxGraph& graph) {
  OnnxGraph scores = graph;
  scores.outputs.clear();
  std::copy_if(graph.outputs.begin(), graph.outputs.end(), std::back_inserter(scores.outputs),
               [](const OnnxValue& output) { return !output.is_integer; });
  return scores.outputs.empty() ? graph : scores;
}

}  // namespace

ProofReport prove(const OnnxGraph& graph, const TrainedModel& description, std::string_view file, uint64_t seed,
                  Features features) {
  const OnnxGraph scores = scores_of(graph);
  try {
    return compare_rows(scores, description, file, seed, features);
  } catch (const NotEvaluated& error) {
    ProofReport report;
    report.why_not = error.what();
    return report;
  }
}

}  // namespace mmoe::converter
