#include "converter/check/evaluate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string>

#include "converter/check/bounded.h"
#include "converter/check/bounded_node.h"
#include "converter/check/stored_model.h"
#include "converter/error.h"

namespace mmoe::converter {
namespace {

class RowReader {
 public:
  RowReader(const TrainedModel& model, const RawRows& rows);
  Numbers read(size_t row) const;

 private:
  void append_dense(const Feature& feature, const float* values, Numbers& x) const;
  void append_projected(const Projection& projection, const Numbers& values, Numbers& x) const;
  std::optional<size_t> table_row(const Feature& feature, size_t embedding, int32_t id, size_t row) const;
  void append_ids(const Feature& feature, const int32_t* ids, const float* values, size_t row, Numbers& x) const;
  void append_kept(const Feature& feature, const int32_t* ids, size_t row, Numbers& x) const;
  /// A row of the table, and what it is multiplied by.
  struct Element {
    size_t row;
    double weight;
  };
  void append_pooled(const SequenceFeature& sequence, const std::vector<Element>& rows, Numbers& x) const;

  const TrainedModel& model_;
  const RawRows& rows_;
  size_t num_values_ = 0;  // per row
  size_t num_ids_ = 0;
};

RowReader::RowReader(const TrainedModel& model, const RawRows& rows) : model_(model), rows_(rows) {
  if (model.features.empty()) num_values_ = model.input_dim;
  for (const Feature& feature : model.features) {
    num_values_ += feature.num_values();
    num_ids_ += feature.num_ids();
  }
  if (rows.values.size() != rows.num_rows * num_values_ || rows.ids.size() != rows.num_rows * num_ids_) {
    throw ConvertError("rows to evaluate: found " + std::to_string(rows.values.size()) + " values and " +
                       std::to_string(rows.ids.size()) + " ids, expected " + std::to_string(num_values_) + " and " +
                       std::to_string(num_ids_) + " for each of " + std::to_string(rows.num_rows) + " rows");
  }
}

Numbers RowReader::read(size_t row) const {
  const float* values = rows_.values.data() + row * num_values_;
  const int32_t* ids = rows_.ids.data() + row * num_ids_;
  Numbers x;
  if (model_.features.empty()) {
    for (size_t i = 0; i < num_values_; ++i) x.push_back(plain(values[i], 0));
  }
  for (const Feature& feature : model_.features) {
    if (std::holds_alternative<DenseFeature>(feature.kind)) {
      append_dense(feature, values, x);
    } else {
      append_ids(feature, ids, values, row, x);
    }
    values += feature.num_values();
    ids += feature.num_ids();
  }
  return x;
}

double box_cox(double log, double exponent) { return exponent == 0 ? log : std::expm1(exponent * log) / exponent; }

double yeo_johnson(double v, double exponent) {
  return v < 0 ? -box_cox(std::log1p(-v), 2 - exponent) : box_cox(std::log1p(v), exponent);
}

// As schema/mmoe.fbs says it of Scaling.points.
double on_line(const std::vector<std::pair<double, double>>& points, double v) {
  if (std::isnan(v)) return v;
  if (v <= points.front().first) return points.front().second;
  if (v >= points.back().first) return points.back().second;
  const auto number = [](const std::pair<double, double>& point) { return point.first; };
  size_t behind = 0;
  while (number(points[behind]) < v) ++behind;
  size_t end = behind;
  while (number(points[end]) == v) ++end;
  if (end > behind) return (points[behind].second + points[end - 1].second) / 2;
  const auto& [first, before] = points[behind - 1];
  const auto& [last, after] = points[behind];
  return before + (after - before) * ((v - first) / (last - first));
}

// By bisection of the distribution function: another way than the runtime's.
double normal_quantile(double p) {
  constexpr double kMost = 5.199337582605575;
  if (std::isnan(p)) return p;
  double low = -kMost, high = kMost;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2, scaled = middle * std::sqrt(0.5);
    // Of the smaller side, which has all its bits.
    const bool below = p < 0.5 ? std::erfc(-scaled) / 2 < p : std::erfc(scaled) / 2 > 1 - p;
    (below ? low : high) = middle;
  }
  return (low + high) / 2;
}

double function_of(const Scaling& scaling, double v) {
  switch (scaling.function) {
    case NumberFunction::kIdentity: break;
    case NumberFunction::kLog: return std::log(v);
    case NumberFunction::kLog1p: return std::log1p(v);
    case NumberFunction::kLog10: return std::log10(v);
    case NumberFunction::kSqrt: return std::sqrt(v);
    case NumberFunction::kAbs: return std::abs(v);
    case NumberFunction::kPower: return std::pow(v, static_cast<double>(scaling.exponent));
    case NumberFunction::kSignedLog1p: return std::copysign(std::log1p(std::abs(v)), v);
    case NumberFunction::kIsMissing: return std::isnan(v) ? 1 : 0;
    case NumberFunction::kBoxCox: return box_cox(std::log(v), static_cast<double>(scaling.exponent));
    case NumberFunction::kYeoJohnson: return yeo_johnson(v, static_cast<double>(scaling.exponent));
    case NumberFunction::kPoints: return on_line(scaling.points, v);
    case NumberFunction::kNormalPoints: return normal_quantile(on_line(scaling.points, v));
  }
  return v;
}

// Between points, double's roundings are those of the larger results, and a quantile has them by its slope: 2e6 at
// most.
double error_on_line(const Scaling& scaling) {
  double largest = 0;
  for (const auto& point : scaling.points) largest = std::max(largest, std::abs(point.second));
  return largest * (scaling.function == NumberFunction::kNormalPoints ? 0x1p-28 : 0x1p-49);
}

// Of a clamped value. Without a function each step is rounded to float, as in the runtime: x is exact. A function's
// result is within one rounding and 2^-40 of it (kernels/number_functions.h), of which 2^-16 of a rounding is more.
Number scaling_of(float value, const Scaling& scaling) {
  if (scaling.function == NumberFunction::kIdentity) {
    const float shifted = value - scaling.offset;
    return plain(shifted * scaling.factor, 0);
  }
  const double y = function_of(scaling, value);
  const Number result = plain(y, rounding(1 + 0x1p-16) * std::abs(y) + kTiny + error_on_line(scaling));
  Number x = scale_and_shift(result, scaling.factor, -double{scaling.offset} * scaling.factor);
  x.magnitude = std::abs(x.value);
  return x;
}

void RowReader::append_dense(const Feature& feature, const float* values, Numbers& x) const {
  const DenseFeature& dense = std::get<DenseFeature>(feature.kind);
  const Scaling& scaling = dense.scaling;
  Numbers scaled;
  for (size_t i = 0; i < feature.num_values(); ++i) {
    float value = std::isnan(values[i]) ? scaling.missing : values[i];
    value = value < scaling.lower ? scaling.lower : value > scaling.upper ? scaling.upper : value;
    scaled.push_back(scaling_of(value, scaling));
  }
  if (dense.projection) return append_projected(*dense.projection, scaled, x);
  x.insert(x.end(), scaled.begin(), scaled.end());
}

// The file has the projection multiplied into what reads x: its terms are regrouped, and take a rounding per value.
void RowReader::append_projected(const Projection& projection, const Numbers& values, Numbers& x) const {
  for (size_t row = 0; row < projection.weight.rows; ++row) {
    const double bias = projection.bias.empty() ? 0 : projection.bias[row];
    double sum = bias, terms = std::abs(bias), carried = 0;
    for (size_t i = 0; i < values.size(); ++i) {
      const double weight = projection.weight.at(row, i);
      sum += weight * values[i].value;
      carried += std::abs(weight) * values[i].error;
      terms += std::abs(weight) * (std::abs(values[i].value) + values[i].error);
    }
    x.push_back(plain(sum, carried + rounding(static_cast<double>(values.size()) + 2) * terms + kTiny));
    x.back().magnitude = terms;
  }
}

// The row of the table, or none: a zero embedding.
std::optional<size_t> RowReader::table_row(const Feature& feature, size_t embedding, int32_t id, size_t row) const {
  const Vocabulary& vocabulary = *feature.vocabulary();
  const Table& table = model_.embeddings[embedding].table;
  const std::string where = "feature \"" + feature.name + "\", row " + std::to_string(row);
  if (id < -1 || (id >= 0 && static_cast<size_t>(id) >= table.rows)) {
    throw ConvertError(where + ": id " + std::to_string(id) + ", expected less than " + std::to_string(table.rows));
  }
  if (id >= 0) return static_cast<size_t>(id);
  if (vocabulary.unknown == UnknownRule::kError) throw ConvertError(where + ": unknown value, which it refuses");
  if (vocabulary.unknown == UnknownRule::kZero) return std::nullopt;
  return vocabulary.unknown_id;
}

// `values`: of a sequence the elements' weights, where it has some.
void RowReader::append_ids(const Feature& feature, const int32_t* ids, const float* values, size_t row,
                           Numbers& x) const {
  if (const auto* sequence = std::get_if<SequenceFeature>(&feature.kind)) {
    if (sequence->pooling == Pooling::kKept) return append_kept(feature, ids, row, x);
    std::vector<Element> elements;
    for (size_t i = 0; i < sequence->length; ++i) {
      if (ids[i] == kNoElement) continue;
      const std::optional<size_t> found = table_row(feature, sequence->embedding, ids[i], row);
      if (!found || found == sequence->padding_id) continue;
      const double weight = sequence->weights.empty() ? 1 : static_cast<double>(values[i]);
      if (sequence->pooling == Pooling::kSum || !(weight <= 0)) elements.push_back({*found, weight});
    }
    if (elements.empty() && sequence->empty_id) elements.push_back({*sequence->empty_id, 1});
    return append_pooled(*sequence, elements, x);
  }
  const SparseFeature& sparse = std::get<SparseFeature>(feature.kind);
  const Table& table = model_.embeddings[sparse.embedding].table;
  const std::optional<size_t> found = table_row(feature, sparse.embedding, *ids, row);
  for (const float value : found ? table.row(*found) : std::vector<float>(feature.width)) x.push_back(plain(value, 0));
}

// Embeddings side by side, then which of them there are.
void RowReader::append_kept(const Feature& feature, const int32_t* ids, size_t row, Numbers& x) const {
  const SequenceFeature& sequence = std::get<SequenceFeature>(feature.kind);
  const Table& table = model_.embeddings[sequence.embedding].table;
  std::vector<std::optional<size_t>> elements(sequence.length);
  bool empty = true;
  for (size_t i = 0; i < sequence.length; ++i) {
    if (ids[i] != kNoElement) elements[i] = table_row(feature, sequence.embedding, ids[i], row);
    if (elements[i] == sequence.padding_id) elements[i].reset();
    empty = empty && !elements[i];
  }
  if (empty && sequence.empty_id) elements[0] = *sequence.empty_id;
  for (const auto& found : elements) {
    for (const float value : found ? table.row(*found) : std::vector<float>(table.cols)) x.push_back(plain(value, 0));
  }
  for (const auto& found : elements) x.push_back(plain(found ? 1 : 0, 0));
}

// A sum of n takes n - 1 roundings, and one more where each is multiplied by its weight; so does the sum of n weights,
// which are positive, or of their squares; a root and a division one each.
void RowReader::append_pooled(const SequenceFeature& sequence, const std::vector<Element>& rows, Numbers& x) const {
  const Table& table = model_.embeddings[sequence.embedding].table;
  std::vector<double> sums(table.cols), terms(table.cols), largest(table.cols, rows.empty() ? 0 : -kInfinity);
  double weights = 0;
  for (const auto& [row, weight] : rows) {
    weights += sequence.pooling == Pooling::kSqrtN ? weight * weight : weight;
    const std::vector<float> element = table.row(row);
    for (size_t i = 0; i < table.cols; ++i) {
      sums[i] += weight * static_cast<double>(element[i]);
      terms[i] += std::abs(weight * static_cast<double>(element[i]));
      largest[i] = std::max<double>(largest[i], element[i]);
    }
  }
  const double count = static_cast<double>(rows.size());
  const bool weighted = !sequence.weights.empty(), divides = sequence.pooling != Pooling::kSum && !rows.empty();
  const double divisor = !divides || sequence.pooling == Pooling::kMax ? 1
                         : sequence.pooling == Pooling::kSqrtN         ? std::sqrt(weights)
                                                                       : weights;
  const double roundings = weighted ? 2 * count + 3 : count + 1;
  for (size_t i = 0; i < table.cols; ++i) {
    const bool exact = rows.empty() || (rows.size() == 1 && !weighted);
    const double error = exact ? 0 : rounding(roundings) * terms[i] / divisor + kTiny;
    x.push_back(sequence.pooling == Pooling::kMax ? plain(largest[i], 0) : plain(sums[i] / divisor, error));
  }
}

// What can be read at some place of a model.
struct Available {
  const Numbers& x;
  std::vector<Numbers> previous;  // outputs of the level before
  std::vector<Numbers> nodes;     // those that have been computed

  const Numbers& whole(StreamSource source, size_t index) const {
    return source == StreamSource::kModelInput ? x : source == StreamSource::kNode ? nodes[index] : previous[index];
  }
};

Numbers stream(const StreamRef& ref, const Available& available) {
  const auto whole = [&](const auto& which) -> const Numbers& { return available.whole(which.source, which.index); };
  if (ref.parts.empty()) return whole(ref);
  Numbers parts;
  for (const StreamPart& part : ref.parts) {
    const auto first = whole(part).begin() + static_cast<std::ptrdiff_t>(part.columns.first);
    parts.insert(parts.end(), first, first + static_cast<std::ptrdiff_t>(part.columns.width));
  }
  return parts;
}

// Those behind so many levels.
void run_nodes(const TrainedModel& model, size_t level, Available& available) {
  for (const Node& node : model.nodes) {
    if (node.level != level) continue;
    if (node.kind == NodeKind::kMlp) {
      available.nodes.push_back(run_layers(node.layers, stream(node.input, available)));
      continue;
    }
    std::vector<Numbers> inputs;
    for (const StreamRef& input : node.inputs) inputs.push_back(stream(input, available));
    available.nodes.push_back(run_operation(node, inputs));
  }
}

std::vector<Numbers> run_level(const Level& level, const Available& available, std::vector<Numbers>& weights_of_gates) {
  std::vector<Numbers> experts, outputs;
  for (const Expert& expert : level.experts) {
    experts.push_back(run_layers(expert.layers, stream(expert.input, available)));
  }
  for (const Gate& gate : level.gates) {
    const Numbers weights = gate_weights(gate, stream(gate.input, available));
    outputs.push_back(mix(gate, weights, experts));
    weights_of_gates.push_back(weights);
  }
  return outputs;
}

std::vector<Numbers> run_to_logits(const TrainedModel& model, const Numbers& x,
                                   std::vector<Numbers>& weights_of_gates) {
  Available available{x, {run_layers(model.trunk, x)}, {}};
  for (size_t l = 0; l < model.levels.size(); ++l) {
    run_nodes(model, l, available);
    available.previous = run_level(model.levels[l], available, weights_of_gates);
  }
  run_nodes(model, model.levels.size(), available);
  std::vector<Numbers> logits;
  for (const Tower& tower : model.towers) logits.push_back(run_layers(tower.layers, stream(tower.input, available)));
  return logits;
}

Numbers run_model(const TrainedModel& model, const Numbers& x, std::vector<Numbers>& weights_of_gates) {
  const std::vector<Numbers> logits = run_to_logits(model, x, weights_of_gates);
  Numbers scores, outputs;
  for (const Task& task : model.tasks) {
    scores.push_back(score(task.link, logits, scores));
    if (task.output) outputs.push_back(scores.back());
  }
  return outputs;
}

void append(const Numbers& scores, Evaluated& result) {
  for (const Number& score : scores) {
    result.scores.push_back(score.value);
    result.bounds.push_back(score.error < kInfinity ? score.error : kInfinity);  // a NaN is no bound either
  }
}

}  // namespace

Evaluated evaluate(const TrainedModel& model, const RawRows& rows, bool with_gate_weights) {
  const RowReader reader(model, rows);
  Evaluated result;
  for (size_t row = 0; row < rows.num_rows; ++row) {
    std::vector<Numbers> weights_of_gates;
    append(run_model(model, reader.read(row), weights_of_gates), result);
    if (!with_gate_weights) continue;
    result.gate_weights.resize(weights_of_gates.size());
    for (size_t gate = 0; gate < weights_of_gates.size(); ++gate) {
      for (const Number& weight : weights_of_gates[gate]) result.gate_weights[gate].push_back(weight.value);
    }
  }
  return result;
}

Evaluated evaluate(const LoweredModel& lowered, const RawRows& rows) {
  const TrainedModel model = stored_model(lowered);
  const RowReader reader(model, rows);
  const size_t num_tasks = model.tasks.size();
  Evaluated result;
  for (size_t row = 0; row < rows.num_rows; ++row) {
    std::vector<Numbers> weights_of_gates;
    const Numbers x = in_columns(lowered, reader.read(row));
    const std::vector<Numbers> logits = run_to_logits(model, x, weights_of_gates);
    Numbers scores(num_tasks + lowered.auxiliary.size());  // as factors are numbered
    for (size_t i = 0; i < lowered.auxiliary.size(); ++i) {
      scores[num_tasks + i] = score(lowered.auxiliary[i].link, logits, scores);
    }
    for (size_t i = 0; i < num_tasks; ++i) scores[i] = score(model.tasks[i].link, logits, scores);
    scores.resize(num_tasks);
    append(scores, result);
  }
  return result;
}

}  // namespace mmoe::converter
