// The bounds are running error analysis (Higham, Accuracy and Stability of Numerical Algorithms, ch. 3): beside
// each number of the exact model goes a bound on its distance from the float that the runtime has in its place.
// u = 2^-24 is the unit roundoff of float, gamma(n) = n u / (1 - n u) bounds the product of n factors (1 + d),
// |d| <= u. Double's own rounding is 2^-29 of that, and disappears in the margins of the constants.
//
// Dense layer, y = s * (sum w_i x_i + b - mean) + beta. The runtime's weights are s w_i (batch norm, temperature,
// and a norm after the previous activation are folded in), rounded a few times: kFoldRoundings. Each term passes
// at most n + 1 roundings of the accumulation, with or without fma. With inputs wrong by e_i,
//   |error| <= |s| sum |w_i| e_i + gamma(n + 1 + kFoldRoundings) * M,
//   M = |s| (sum |w_i| (m_i + e_i) + |b| + |mean|) + |beta|,
// where m_i >= |x_i| is the sum of the absolute terms of x_i: a norm after an activation, x = s' a + t', moves
// t' into the next layer's bias, where its rounding counts although s' a and t' may cancel in x.
//
// Activations: the largest slope on [z - e, z + e] times e, plus the kernel's own rounding. Softmax: with logits
// wrong by e_i each weight keeps its value times exp(+-(e_i + max e)), because numerator and denominator each
// change by a factor exp(+-e). Mix: |g x| changes by at most |g| e_x + e_g |x| + e_g e_x, plus its accumulation.
#include "converter/check/evaluate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>

#include "converter/error.h"

namespace mmoe::converter {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kLargestFloat = std::numeric_limits<float>::max();
constexpr double kUnit = 1.0 / (1 << 24);
constexpr double kFoldRoundings = 8;
constexpr double kExpRoundings = 4;        // the kernels' e^x, "about 1 ulp", doubled
constexpr double kSigmoidRoundings = 12;   // e^x in numerator and denominator, one addition, one division
constexpr double kTanhRoundings = 12;
constexpr double kTiny = 0x1p-125;         // flushed subnormals; e^x below the smallest normal
constexpr double kMaxExponent = 88;        // e^-88 is flushed to 0
constexpr double kSeluAlpha = 1.6732632423543772;
constexpr double kSeluScale = 1.0507009873554805;

double gamma(double n) { return n * kUnit / (1 - n * kUnit); }

struct Number {
  double value = 0;
  double error = 0;
  double magnitude = 0;  ///< sum of the absolute terms that lowering may regroup; at least |value|
};

using Numbers = std::vector<Number>;

Number plain(double value, double error) {
  // Infinities and NaN, of value or error, and what a float cannot hold, all mean: nothing is known.
  const bool known = std::abs(value) + error < kLargestFloat;
  return {value, known ? error : kInfinity, std::abs(value)};
}

// ------------------------------------------------------------------------------------------ layers

struct Affine {
  double scale = 1, mean = 0, beta = 0;
};

Affine affine_of(const std::optional<BatchNorm>& norm, size_t channel) {
  if (!norm) return {};
  const double deviation = std::sqrt(static_cast<double>(norm->variance[channel]) + norm->epsilon);
  return {norm->gamma[channel] / deviation, norm->mean[channel], norm->beta[channel]};
}

// One output before its activation, divided by the temperature (logits have no activation).
Number linear(const DenseLayer& layer, size_t output, const Numbers& x, double temperature) {
  Affine norm = affine_of(layer.norm_before_activation, output);
  norm.scale /= temperature;
  norm.beta /= temperature;
  const double bias = layer.bias.empty() ? 0 : layer.bias[output];
  double sum = bias, carried = 0, terms = std::abs(bias) + std::abs(norm.mean);
  for (size_t i = 0; i < x.size(); ++i) {
    const double weight = layer.weight.at(output, i);
    sum += weight * x[i].value;
    carried += std::abs(weight) * x[i].error;
    terms += std::abs(weight) * (x[i].magnitude + x[i].error);
  }
  const double scale = std::abs(norm.scale);
  const double all_terms = scale * terms + std::abs(norm.beta);
  const double roundings = static_cast<double>(x.size()) + 1 + kFoldRoundings;
  // A partial sum may overflow though the whole does not.
  const double rounding = all_terms < kLargestFloat ? gamma(roundings) * all_terms + roundings * kTiny : kInfinity;
  return plain(norm.scale * (sum - norm.mean) + norm.beta, scale * carried + rounding);
}

// The largest |slope| that a function with these slopes on both sides of zero has within the error.
double slope_around(const Number& z, double below, double above) {
  if (z.value - z.error > 0) return above;
  if (z.value + z.error < 0) return below;
  return std::max(below, above);
}

double logistic(double z) { return 1 / (1 + std::exp(-z)); }

Number piecewise_linear(const Number& z, double slope) {
  const double value = z.value < 0 ? slope * z.value : z.value;
  return plain(value, slope_around(z, std::abs(slope), 1) * z.error + kUnit * std::abs(value));
}

// scale * (z above zero, alpha * (e^z - 1) below); near zero the subtraction leaves the rounding of e^z.
Number exponential_linear(const Number& z, double alpha, double scale) {
  const double value = scale * (z.value < 0 ? alpha * (std::exp(z.value) - 1) : z.value);
  const double curve = std::abs(scale * alpha);
  const double rounding = kExpRoundings * kUnit * (curve + 2 * std::abs(value)) + kTiny;
  return plain(value, slope_around(z, curve, std::abs(scale)) * z.error + rounding);
}

Number sigmoid(const Number& z) {
  const double value = logistic(z.value);
  return plain(value, z.error / 4 + kSigmoidRoundings * kUnit * value + kTiny);
}

Number silu(const Number& z) {
  constexpr double kSteepest = 1.1;  // the slope's maximum is 1.0998
  const double value = z.value * logistic(z.value);
  const double rounding = (kSigmoidRoundings + 1) * kUnit * std::abs(value) + kTiny * (1 + std::abs(z.value));
  return plain(value, kSteepest * z.error + rounding);
}

Number activate(const Activation& activation, size_t output, const Number& z) {
  switch (activation.kind) {
    case ActivationKind::kIdentity: return z;
    case ActivationKind::kRelu: return piecewise_linear(z, 0);
    case ActivationKind::kLeakyRelu: return piecewise_linear(z, activation.alpha);
    case ActivationKind::kPRelu: return piecewise_linear(z, activation.slopes[output]);
    case ActivationKind::kElu: return exponential_linear(z, activation.alpha, 1);
    case ActivationKind::kSelu: return exponential_linear(z, kSeluAlpha, kSeluScale);
    case ActivationKind::kSigmoid: return sigmoid(z);
    case ActivationKind::kTanh: {
      const double value = std::tanh(z.value);
      return plain(value, z.error + kTanhRoundings * kUnit * std::abs(value) + kTiny);
    }
    case ActivationKind::kSilu: return silu(z);
  }
  throw ConvertError("evaluate: unknown activation");
}

Number normalise(const Affine& norm, const Number& a) {
  const double scale = std::abs(norm.scale);
  Number y = plain(norm.scale * (a.value - norm.mean) + norm.beta, 0);
  y.magnitude = scale * (a.magnitude + std::abs(norm.mean)) + std::abs(norm.beta);
  y.error = scale * a.error + gamma(kFoldRoundings) * (y.magnitude + scale * a.error) + kTiny;
  return y;
}

Numbers run_layer(const DenseLayer& layer, const Numbers& x, double temperature = 1) {
  Numbers y(layer.outputs());
  for (size_t output = 0; output < y.size(); ++output) {
    y[output] = activate(layer.activation, output, linear(layer, output, x, temperature));
    if (layer.norm_after_activation) y[output] = normalise(affine_of(layer.norm_after_activation, output), y[output]);
  }
  return y;
}

Numbers run(const Mlp& layers, Numbers x) {
  for (const DenseLayer& layer : layers) x = run_layer(layer, x);
  return x;
}

// ------------------------------------------------------------------------------------------- gates

Numbers softmax(const Numbers& logits) {
  double largest = -kInfinity, largest_error = 0;
  for (const Number& logit : logits) largest = std::max(largest, logit.value);
  std::vector<double> exponent_errors;
  for (const Number& logit : logits) {
    const double distance = std::min(largest - logit.value, kMaxExponent);
    exponent_errors.push_back(logit.error + kUnit * distance + kExpRoundings * kUnit);
    largest_error = std::max(largest_error, exponent_errors.back());
  }
  double sum = 0;
  for (const Number& logit : logits) sum += std::exp(logit.value - largest);
  Numbers weights;
  for (size_t i = 0; i < logits.size(); ++i) {
    const double weight = std::exp(logits[i].value - largest) / sum;
    const double relative = exponent_errors[i] + largest_error + gamma(static_cast<double>(logits.size()) + 1);
    weights.push_back(plain(weight, weight * std::expm1(relative) + kTiny * static_cast<double>(logits.size())));
  }
  return weights;
}

// Positions of the k largest, ascending; of equal logits the lower position.
std::vector<size_t> top_k_positions(const Numbers& logits, size_t k) {
  std::vector<size_t> positions(logits.size());
  std::iota(positions.begin(), positions.end(), size_t{0});
  std::stable_sort(positions.begin(), positions.end(),
                   [&](size_t a, size_t b) { return logits[a].value > logits[b].value; });
  positions.resize(k);
  std::sort(positions.begin(), positions.end());
  return positions;
}

// Whether rounding might have selected another expert.
bool ambiguous(const Numbers& logits, const std::vector<size_t>& selected) {
  double lowest_selected = kInfinity, highest_left = -kInfinity;
  for (size_t i = 0; i < logits.size(); ++i) {
    if (!(logits[i].error < kInfinity)) return true;
    if (std::binary_search(selected.begin(), selected.end(), i)) {
      lowest_selected = std::min(lowest_selected, logits[i].value - logits[i].error);
    } else {
      highest_left = std::max(highest_left, logits[i].value + logits[i].error);
    }
  }
  return highest_left >= lowest_selected;
}

Numbers top_k_weights(const Gate& gate, const Numbers& logits) {
  const std::vector<size_t> selected = top_k_positions(logits, gate.top_k);
  Numbers chosen, weights(logits.size());
  for (const size_t position : selected) chosen.push_back(logits[position]);
  const Numbers all = softmax(gate.top_k_mode == TopKMode::kTopKOfSoftmax ? logits : chosen);
  for (size_t i = 0; i < selected.size(); ++i) {
    weights[selected[i]] = gate.top_k_mode == TopKMode::kTopKOfSoftmax ? all[selected[i]] : all[i];
  }
  if (selected.size() < logits.size() && ambiguous(logits, selected)) {
    for (Number& weight : weights) weight.error = kInfinity;
  }
  return weights;
}

Numbers gate_weights(const Gate& gate, const Numbers& input) {
  if (!gate.logits) {
    Numbers weights;
    for (const float weight : gate.constant_weights) weights.push_back(plain(weight, 0));
    return weights;
  }
  const Numbers logits = run_layer(*gate.logits, run(gate.hidden, input), gate.temperature);
  return gate.top_k == 0 ? softmax(logits) : top_k_weights(gate, logits);
}

Numbers mix(const Gate& gate, const Numbers& weights, const std::vector<Numbers>& experts) {
  const double roundings = static_cast<double>(weights.size()) + 1;
  Numbers mixed(experts[gate.experts.front()].size());
  for (size_t d = 0; d < mixed.size(); ++d) {
    double sum = 0, carried = 0, terms = 0, magnitude = 0;
    for (size_t e = 0; e < weights.size(); ++e) {
      const Number& g = weights[e];
      const Number& x = experts[gate.experts[e]][d];
      if (g.value == 0 && g.error == 0) continue;  // not selected, and the runtime does not read it
      sum += g.value * x.value;
      carried += std::abs(g.value) * x.error + g.error * (std::abs(x.value) + x.error);
      terms += (std::abs(g.value) + g.error) * (x.magnitude + x.error);
      magnitude += std::abs(g.value) * x.magnitude;
    }
    mixed[d] = plain(sum, carried + gamma(roundings) * terms + roundings * kTiny);
    mixed[d].magnitude = std::max(mixed[d].magnitude, magnitude);
  }
  return mixed;
}

// -------------------------------------------------------------------------------------------- rows

class RowReader {
 public:
  RowReader(const ModelDescription& model, const RawRows& rows);
  Numbers read(size_t row) const;

 private:
  void append_dense(const Feature& feature, const float* values, Numbers& x) const;
  void append_sparse(const Feature& feature, int32_t id, size_t row, Numbers& x) const;

  const ModelDescription& model_;
  const RawRows& rows_;
  size_t num_values_ = 0;  // per row
  size_t num_ids_ = 0;
};

RowReader::RowReader(const ModelDescription& model, const RawRows& rows) : model_(model), rows_(rows) {
  if (model.features.empty()) num_values_ = model.input_dim;
  for (const Feature& feature : model.features) {
    if (std::holds_alternative<DenseFeature>(feature.kind)) {
      num_values_ += feature.width;
    } else {
      ++num_ids_;
    }
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
      values += feature.width;
    } else {
      append_sparse(feature, *ids++, row, x);
    }
  }
  return x;
}

void RowReader::append_dense(const Feature& feature, const float* values, Numbers& x) const {
  const Scaling& scaling = std::get<DenseFeature>(feature.kind).scaling;
  for (size_t i = 0; i < feature.width; ++i) {
    float value = std::isnan(values[i]) ? scaling.missing : values[i];
    value = value < scaling.lower ? scaling.lower : value > scaling.upper ? scaling.upper : value;
    // Each step rounded to float, as in the runtime: x is exact.
    const float shifted = value - scaling.offset;
    const float scaled = shifted * scaling.factor;
    x.push_back(plain(scaled, 0));
  }
}

void RowReader::append_sparse(const Feature& feature, int32_t id, size_t row, Numbers& x) const {
  const SparseFeature& sparse = std::get<SparseFeature>(feature.kind);
  const Matrix& table = model_.embeddings[sparse.embedding].table;
  const std::string where = "feature \"" + feature.name + "\", row " + std::to_string(row);
  const UnknownRule rule = sparse.vocabulary.unknown;
  if (id < -1 || (id >= 0 && static_cast<size_t>(id) >= table.rows)) {
    throw ConvertError(where + ": id " + std::to_string(id) + ", expected less than " + std::to_string(table.rows));
  }
  if (id < 0 && rule == UnknownRule::kError) throw ConvertError(where + ": unknown value, which it refuses");
  const bool zero = id < 0 && rule == UnknownRule::kZero;
  const size_t table_row = id < 0 ? sparse.vocabulary.unknown_id : static_cast<size_t>(id);
  for (size_t i = 0; i < feature.width; ++i) x.push_back(plain(zero ? 0 : table.at(table_row, i), 0));
}

// ------------------------------------------------------------------------------------------- model

const Numbers& stream(const StreamRef& ref, const Numbers& x, const std::vector<Numbers>& previous) {
  return ref.model_input ? x : previous[ref.index];
}

std::vector<Numbers> run_level(const Level& level, const Numbers& x, const std::vector<Numbers>& previous,
                               std::vector<Numbers>& weights_of_gates) {
  std::vector<Numbers> experts, outputs;
  for (const Expert& expert : level.experts) experts.push_back(run(expert.layers, stream(expert.input, x, previous)));
  for (const Gate& gate : level.gates) {
    const Numbers weights = gate_weights(gate, stream(gate.input, x, previous));
    outputs.push_back(mix(gate, weights, experts));
    weights_of_gates.push_back(weights);
  }
  return outputs;
}

Number product(const ProductLink& link, const Numbers& scores) {
  Number result = scores[link.factors.front()];
  for (size_t i = 1; i < link.factors.size(); ++i) {
    const Number& factor = scores[link.factors[i]];
    const double value = result.value * factor.value;
    const double carried = std::abs(result.value) * factor.error +
                           result.error * (std::abs(factor.value) + factor.error);
    result = plain(value, carried + kUnit * (std::abs(value) + carried) + kTiny);
  }
  return result;
}

Number score(const Task& task, const std::vector<Numbers>& logits, const Numbers& earlier) {
  if (const auto* link = std::get_if<IdentityLink>(&task.link)) return logits[link->tower].front();
  if (const auto* link = std::get_if<SigmoidLink>(&task.link)) return sigmoid(logits[link->tower].front());
  if (const auto* link = std::get_if<SoftmaxLink>(&task.link)) return softmax(logits[link->tower])[link->column];
  return product(std::get<ProductLink>(task.link), earlier);
}

Numbers run_model(const ModelDescription& model, const Numbers& x, std::vector<Numbers>& weights_of_gates) {
  std::vector<Numbers> streams = {run(model.trunk, x)};
  for (const Level& level : model.levels) streams = run_level(level, x, streams, weights_of_gates);
  std::vector<Numbers> logits;
  for (const Tower& tower : model.towers) logits.push_back(run(tower.layers, streams[tower.input]));
  Numbers scores;
  for (const Task& task : model.tasks) scores.push_back(score(task, logits, scores));
  return scores;
}

// -------------------------------------------------------------------------------------- random rows

// splitmix64 (Steele, Lea and Flood 2014): the distributions of <random> differ between standard libraries.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t bits() {
    state_ += 0x9e3779b97f4a7c15u;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  double uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }
  size_t below(size_t bound) { return static_cast<size_t>(bits() % bound); }
  /// The sum of twelve uniform numbers: mean 0, variance 1, and no library function whose last bit may vary.
  double normal() {
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += uniform();
    return sum;
  }

 private:
  uint64_t state_;
};

constexpr size_t kOneInMissing = 16;

float random_value(const Scaling& scaling, Random& random) {
  if (!std::isnan(scaling.missing) && random.below(kOneInMissing) == 0) return std::numeric_limits<float>::quiet_NaN();
  if (std::isfinite(scaling.lower) && std::isfinite(scaling.upper)) {
    const double lower = scaling.lower, upper = scaling.upper;
    return static_cast<float>(lower + random.uniform() * (upper - lower));
  }
  const double factor = scaling.factor != 0 ? static_cast<double>(scaling.factor) : 1;
  return static_cast<float>(static_cast<double>(scaling.offset) + random.normal() / factor);
}

int32_t random_id(const Vocabulary& vocabulary, Random& random) {
  if (vocabulary.unknown != UnknownRule::kError && random.below(kOneInMissing) == 0) return -1;
  const size_t entry = random.below(vocabulary.size);
  return static_cast<int32_t>(vocabulary.identity ? entry : vocabulary.ids[entry]);
}

}  // namespace

Evaluated evaluate(const ModelDescription& model, const RawRows& rows, bool with_gate_weights) {
  const RowReader reader(model, rows);
  Evaluated result;
  for (size_t row = 0; row < rows.num_rows; ++row) {
    std::vector<Numbers> weights_of_gates;
    for (const Number& score : run_model(model, reader.read(row), weights_of_gates)) {
      result.scores.push_back(score.value);
      result.bounds.push_back(score.error < kInfinity ? score.error : kInfinity);  // a NaN is no bound either
    }
    if (!with_gate_weights) continue;
    result.gate_weights.resize(weights_of_gates.size());
    for (size_t gate = 0; gate < weights_of_gates.size(); ++gate) {
      for (const Number& weight : weights_of_gates[gate]) result.gate_weights[gate].push_back(weight.value);
    }
  }
  return result;
}

RawRows random_rows(const ModelDescription& model, size_t num_rows, uint64_t seed) {
  Random random(seed);
  RawRows rows;
  rows.num_rows = num_rows;
  for (size_t row = 0; row < num_rows; ++row) {
    for (size_t i = 0; model.features.empty() && i < model.input_dim; ++i) {
      rows.values.push_back(static_cast<float>(random.normal()));
    }
    for (const Feature& feature : model.features) {
      if (const auto* sparse = std::get_if<SparseFeature>(&feature.kind)) {
        rows.ids.push_back(random_id(sparse->vocabulary, random));
        continue;
      }
      const Scaling& scaling = std::get<DenseFeature>(feature.kind).scaling;
      for (size_t i = 0; i < feature.width; ++i) rows.values.push_back(random_value(scaling, random));
    }
  }
  return rows;
}

}  // namespace mmoe::converter
