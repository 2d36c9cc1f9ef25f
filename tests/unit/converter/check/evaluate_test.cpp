#include "converter/check/evaluate.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "converter/error.h"
#include "tests/unit/converter/description/memory_weights.h"

namespace mmoe::converter {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

DenseLayer dense(size_t outputs, size_t inputs, std::vector<float> weight, std::vector<float> bias = {}) {
  DenseLayer layer;
  layer.weight = {outputs, inputs, std::move(weight)};
  layer.bias = std::move(bias);
  return layer;
}

// One expert per entry of `experts` (a 1x1 weight, so that it gives experts[i] * x), gates as given, one tower per
// gate that passes its stream on.
TrainedModel scalar_model(const std::vector<float>& experts, const std::vector<Gate>& gates) {
  TrainedModel model;
  model.input_dim = 1;
  Level level;
  for (const float weight : experts) level.experts.push_back({"e", {}, {dense(1, 1, {weight})}});
  for (const Gate& gate : gates) {
    level.gates.push_back(gate);
    for (size_t i = 0; i < experts.size(); ++i) level.gates.back().experts.push_back(i);
    const size_t index = level.gates.size() - 1;
    model.towers.push_back({"t", index, {dense(1, 1, {1})}});
    model.tasks.push_back({"t" + std::to_string(index), identity_link(index)});
  }
  model.levels.push_back(level);
  return model;
}

Gate constant(std::vector<float> weights) {
  Gate gate;
  gate.constant_weights = std::move(weights);
  return gate;
}

// Logits that do not depend on x.
Gate fixed_logits(const std::vector<float>& logits, size_t top_k = 0, TopKMode mode = TopKMode::kSoftmaxOfTopK) {
  Gate gate;
  gate.logits = dense(logits.size(), 1, std::vector<float>(logits.size(), 0.0f), logits);
  gate.top_k = top_k;
  gate.top_k_mode = mode;
  return gate;
}

Evaluated at(const TrainedModel& model, std::vector<float> x) {
  const size_t num_rows = x.size() / model.input_dim;
  return evaluate(model, {num_rows, std::move(x), {}}, true);
}

bool close(double a, double b) { return std::abs(a - b) <= 1e-12 * std::max(1.0, std::abs(b)); }

TEST_CASE("constant gates mix experts") {
  const Evaluated result = at(scalar_model({2, 10}, {constant({0.5f, 0.25f})}), {1, -2});
  CHECK(result.scores == std::vector<double>{3.5, -7});
  CHECK(result.gate_weights[0] == std::vector<double>{0.5, 0.25, 0.5, 0.25});
  CHECK(result.bounds[0] > 0);
  CHECK(result.bounds[0] < 1e-5);
}

TEST_CASE("softmax gates, with temperature") {
  Gate gate = fixed_logits({1, 2});
  gate.temperature = 0.5;
  const Evaluated result = at(scalar_model({1, 3}, {gate, fixed_logits({0, 0})}), {1});
  const double second = 1 / (1 + std::exp(-2.0));
  CHECK(close(result.scores[0], 1 + 2 * second));
  CHECK(close(result.gate_weights[0][1], second));
  CHECK(close(result.scores[1], 2));
}

TEST_CASE("top-k, both modes") {
  const std::vector<float> logits = {0, 2, 1, -1};
  const Evaluated result =
      at(scalar_model({1, 2, 3, 4}, {fixed_logits(logits, 2), fixed_logits(logits, 2, TopKMode::kTopKOfSoftmax)}), {1});
  const double sum = 1 + std::exp(2.0) + std::exp(1.0) + std::exp(-1.0);
  const double of_two = std::exp(2.0) / (std::exp(2.0) + std::exp(1.0));
  CHECK(close(result.scores[0], 2 * of_two + 3 * (1 - of_two)));
  CHECK(close(result.scores[1], (2 * std::exp(2.0) + 3 * std::exp(1.0)) / sum));
  CHECK(result.gate_weights[0][0] == 0);
  CHECK(result.gate_weights[1][3] == 0);
  CHECK(result.bounds[0] < 1e-4);
}

TEST_CASE("top-k: of equal logits the lower index, and no bound where rounding decides") {
  const Evaluated result = at(scalar_model({5, 6, 7}, {fixed_logits({1, 1, 1}, 1), fixed_logits({1, 1, 1}, 3)}), {1});
  CHECK(result.scores[0] == 5);
  CHECK(result.bounds[0] == kInfinity);
  CHECK(result.bounds[1] < 1e-4);  // all of them: nothing to decide
  const float next = std::nextafter(1.0f, 2.0f);
  CHECK(at(scalar_model({5, 6}, {fixed_logits({1, next}, 1)}), {1}).bounds[0] == kInfinity);
  CHECK(at(scalar_model({5, 6}, {fixed_logits({1, 1.001f}, 1)}), {1}).bounds[0] < 1e-4);
}

double activated(ActivationKind kind, float alpha, float x) {
  TrainedModel model = scalar_model({1}, {constant({1})});
  model.levels[0].experts[0].layers[0].activation = {kind, alpha, {alpha}, {}, 0};
  return at(model, {x}).scores[0];
}

TEST_CASE("activations") {
  using K = ActivationKind;
  CHECK(activated(K::kIdentity, 0, -2) == -2);
  CHECK(activated(K::kRelu, 0, -2) == 0);
  CHECK(activated(K::kRelu, 0, 2) == 2);
  CHECK(activated(K::kLeakyRelu, 0.25f, -2) == -0.5);
  CHECK(activated(K::kPRelu, 0.5f, -2) == -1);
  CHECK(activated(K::kPRelu, 0.5f, 2) == 2);
  CHECK(close(activated(K::kElu, 0.5f, -2), 0.5 * (std::exp(-2.0) - 1)));
  CHECK(activated(K::kElu, 0.5f, 2) == 2);
  CHECK(close(activated(K::kSelu, 0, -1), 1.0507009873554805 * 1.6732632423543772 * (std::exp(-1.0) - 1)));
  CHECK(close(activated(K::kSelu, 0, 2), 2 * 1.0507009873554805));
  CHECK(close(activated(K::kSigmoid, 0, 1), 1 / (1 + std::exp(-1.0))));
  CHECK(close(activated(K::kTanh, 0, 1), std::tanh(1.0)));
  CHECK(close(activated(K::kSilu, 0, -1), -1 / (1 + std::exp(1.0))));
}

TEST_CASE("batch norm before and after the activation") {
  const BatchNorm norm{{2}, {1}, {3}, {0.21f}, 0.04};
  const double scale = 2 / std::sqrt(static_cast<double>(0.21f) + 0.04);
  TrainedModel model = scalar_model({1}, {constant({1})});
  DenseLayer& layer = model.levels[0].experts[0].layers[0];
  layer.bias = {0.5f};
  layer.activation.kind = ActivationKind::kRelu;
  SUBCASE("before") {
    layer.norm_before_activation = norm;
    CHECK(close(at(model, {5}).scores[0], scale * (5.5 - 3) + 1));
    CHECK(at(model, {-5}).scores[0] == 0);
  }
  SUBCASE("after") {
    layer.norm_after_activation = norm;
    CHECK(close(at(model, {5}).scores[0], scale * (5.5 - 3) + 1));
    CHECK(close(at(model, {-5}).scores[0], scale * (0 - 3) + 1));
  }
}

TEST_CASE("links") {
  TrainedModel model = scalar_model({1, 2}, {constant({1, 0}), constant({0, 1})});
  model.towers.push_back({"s", 0, {dense(2, 1, {1, 0})}});
  model.tasks = {
      {"a", sigmoid_link(0)}, {"b", identity_link(1)}, {"c", softmax_link(2, 0)}, {"d", product_link({0, 1, 1})}};
  const Evaluated result = at(model, {3});
  const double sigmoid = 1 / (1 + std::exp(-3.0));
  CHECK(close(result.scores[0], sigmoid));
  CHECK(close(result.scores[1], 6));
  CHECK(close(result.scores[2], sigmoid));
  CHECK(close(result.scores[3], sigmoid * 36));
}

double activated(ActivationKind kind, float alpha, float beta, float x) {
  TrainedModel model = scalar_model({1}, {constant({1})});
  Activation& activation = model.levels[0].experts[0].layers[0].activation;
  activation.kind = kind;
  activation.alpha = alpha;
  activation.beta = beta;
  return at(model, {x}).scores[0];
}

TEST_CASE("activations with one or two numbers") {
  using K = ActivationKind;
  const auto softplus = [](double x) { return std::log1p(std::exp(x)); };
  CHECK(close(activated(K::kCelu, 2, 0, -3), 2 * (std::exp(-1.5) - 1)));
  CHECK(activated(K::kCelu, 2, 0, 3) == 3);
  CHECK(close(activated(K::kMish, 0, 0, -0.5f), -0.5 * std::tanh(softplus(-0.5))));
  CHECK(close(activated(K::kHardSwish, 0, 0, 1.5f), 1.5 * 0.75));
  CHECK(activated(K::kHardSwish, 0, 0, -3.5f) == 0);
  CHECK(activated(K::kHardSwish, 0, 0, 4) == 4);
  CHECK(activated(K::kHardSigmoid, 0.25f, 0.5f, 1) == 0.75);
  CHECK(activated(K::kHardSigmoid, 0.25f, 0.5f, 3) == 1);
  CHECK(activated(K::kClamp, 0, 6, 7) == 6);
  CHECK(activated(K::kClamp, 0, 6, -7) == 0);
  CHECK(close(activated(K::kSwish, 2, 0, -1), -1 / (1 + std::exp(2.0))));
  CHECK(close(activated(K::kSoftsign, 0, 0, -4), -0.8));
  CHECK(close(activated(K::kLogSigmoid, 0, 0, -2), -2 - softplus(-2)));
  CHECK(activated(K::kThreshold, 1, 7, 1) == 7);
  CHECK(activated(K::kThreshold, 1, 7, 1.5f) == 1.5);
  CHECK(activated(K::kSquaredRelu, 0, 0, 3) == 9);
  CHECK(activated(K::kSquaredRelu, 0, 0, -3) == 0);
  CHECK(close(activated(K::kExp, 0, 0, 2), std::exp(2.0)));
  CHECK(close(activated(K::kSoftplus, 2, 0, 3), softplus(6) / 2));
  CHECK(close(activated(K::kSoftplus, 0, 0, 3), softplus(3)));  // none stands for 1
}

// Two experts of x and 2 x, a tower over both as three logits: x, 2 x, 0.
TEST_CASE("links: log-softmax, expected value, columns, maps, tasks that are no output") {
  TrainedModel model = scalar_model({1, 2}, {constant({1, 0}), constant({0, 1})});
  model.towers.push_back({"s", 0, {dense(3, 1, {1, 2, 0})}});
  Link log = softmax_link(2, 0);
  log.source = LinkSource::kLogSoftmaxColumn;
  Link expected = identity_link(2);
  expected.source = LinkSource::kExpectedValue;
  expected.values = {10, -1, 4};
  Link column = identity_link(2);
  column.column = 1;
  Link mapped = product_link({0, 3});
  mapped.activation.kind = ActivationKind::kTanh;
  mapped.scale = -2;
  mapped.shift = 1;
  Link bounded = mapped;
  bounded.lower = -0.5f;
  model.tasks = {{"hidden", sigmoid_link(0), false},
                 {"log", log},
                 {"expected", expected},
                 {"column", column},
                 {"mapped", mapped},
                 {"bounded", bounded}};
  const Evaluated result = at(model, {0.75});
  REQUIRE(result.scores.size() == 5);
  const double sum = std::exp(0.75) + std::exp(1.5) + 1;
  CHECK(close(result.scores[0], 0.75 - std::log(sum)));
  CHECK(close(result.scores[1], (10 * std::exp(0.75) - std::exp(1.5) + 4) / sum));
  CHECK(close(result.scores[2], 1.5));
  const double product = std::tanh(1.5 / (1 + std::exp(-0.75)));
  CHECK(close(result.scores[3], 1 - 2 * product));
  CHECK(result.scores[4] == -0.5);
  for (const double bound : result.bounds) CHECK(bound < 3e-5);
}

TEST_CASE("gates: constants behind the softmax, also of the k largest") {
  for (const size_t top_k : {size_t{0}, size_t{2}}) {
    Gate gate = fixed_logits({0, 2, 1}, top_k);
    gate.weight_scales = {3, -1, 0.5f};
    const double first = top_k == 0 ? 1 : 0, sum = first + std::exp(2.0) + std::exp(1.0);
    const Evaluated result = at(scalar_model({5, 6, 7}, {gate}), {1});
    CHECK(close(result.scores[0], (first * 15 - std::exp(2.0) * 6 + std::exp(1.0) * 3.5) / sum));
    CHECK(result.bounds[0] < 1e-4);
  }
}

TEST_CASE("gates: the activations of logits as weights, which have no sum") {
  for (const size_t top_k : {size_t{0}, size_t{2}}) {
    Gate gate = fixed_logits({0, 2, 1}, top_k);
    gate.function = GateFunction::kActivation;
    gate.logits->activation.kind = ActivationKind::kSigmoid;
    gate.temperature = 2;
    const auto sigmoid = [](double x) { return 1 / (1 + std::exp(-x)); };
    const Evaluated result = at(scalar_model({5, 6, 7}, {gate}), {1});
    CHECK(close(result.scores[0], (top_k == 0 ? 2.5 : 0) + 6 * sigmoid(1) + 7 * sigmoid(0.5)));
    CHECK(result.bounds[0] < 1e-4);
    Gate linear = gate;
    linear.logits->activation = {};
    linear.temperature = 1;
    CHECK(at(scalar_model({5, 6, 7}, {linear}), {1}).scores[0] == 19);
  }
}

TEST_CASE("gates: smooth steps, by the paper's formula") {
  // Steps of width 2: S(t) = -t^3 / 4 + 3 t / 4 + 1 / 2. Selectors of one of three experts by two bits each.
  const auto step = [](double t) { return t <= -1 ? 0 : t >= 1 ? 1 : -t * t * t / 4 + 3 * t / 4 + 0.5; };
  Gate gate = fixed_logits({0.5f, -0.25f, 5, -5, 0, 1});
  gate.function = GateFunction::kSmoothStep;
  gate.num_selectors = 2;
  gate.gamma = 2;
  const double first = 1 / (1 + std::exp(1.0)), a = step(0.5), b = step(-0.25);
  const double weights[] = {first * (1 - a) * (1 - b), first * (1 - a) * b, first * a * (1 - b) + (1 - first)};
  const Evaluated result = at(scalar_model({3, 5, 7}, {gate}), {1});
  CHECK(close(result.scores[0], 3 * weights[0] + 5 * weights[1] + 7 * weights[2]));
  for (size_t e = 0; e < 3; ++e) CHECK(close(result.gate_weights[0][e], weights[e]));
  CHECK(result.bounds[0] < 1e-4);
  gate.top_k = 1;
  CHECK(close(at(scalar_model({3, 5, 7}, {gate}), {1}).scores[0], 7 * weights[2]));
  // Weights that are 0 exactly: it does not matter which of them are selected.
  gate.logits = dense(6, 1, std::vector<float>(6, 0.0f), {5, -5, 5, -5, 0, 0});
  gate.top_k = 2;
  const Evaluated certain = at(scalar_model({3, 5, 7}, {gate}), {1});
  CHECK(close(certain.scores[0], 7));
  CHECK(certain.bounds[0] < 1e-4);
}

TEST_CASE("trunk, stacked levels, a gate that reads x") {
  TrainedModel model = scalar_model({2, 3}, {constant({1, 0}), constant({0, 1})});
  model.trunk = {dense(1, 1, {10})};
  Level second;
  second.experts = {
      {"a", 0, {dense(1, 1, {1})}}, {"b", 1, {dense(1, 1, {1})}}, {"c", input_stream(), {dense(1, 1, {1})}}};
  Gate gate = constant({1, 1, 1});
  gate.experts = {0, 1, 2};
  Gate from_x;
  from_x.input.source = StreamSource::kModelInput;
  from_x.experts = {0, 2};
  from_x.hidden = {dense(1, 1, {2})};
  from_x.logits = dense(2, 1, {0.5f, 0});
  second.gates = {gate, from_x};
  model.levels.push_back(second);
  const Evaluated result = at(model, {1});
  CHECK(close(result.scores[0], 20 + 30 + 1));
  const double weight = 1 / (1 + std::exp(-1.0));
  CHECK(close(result.scores[1], weight * 20 + (1 - weight) * 1));
}

// A dense feature, then a categorical one of width 2; the scores are the three columns of x.
TrainedModel feature_model(const Scaling& scaling, UnknownRule rule) {
  TrainedModel model;
  model.input_dim = 3;
  Feature number, word;
  number.name = "number";
  number.kind = DenseFeature{scaling, {}};
  word.name = "word";
  word.width = 2;
  SparseFeature sparse;
  sparse.vocabulary.identity = true;
  sparse.vocabulary.size = 2;
  sparse.vocabulary.unknown = rule;
  sparse.vocabulary.unknown_id = 2;
  word.kind = sparse;
  model.features = {number, word};
  model.embeddings = {{"table", {3, 2, {1, 2, 3, 4, 5, 6}}}};
  Level level;
  level.experts.push_back({"e", {}, {dense(3, 3, {1, 0, 0, 0, 1, 0, 0, 0, 1})}});
  level.gates.push_back(constant({1}));
  level.gates[0].experts = {0};
  model.levels = {level};
  for (size_t i = 0; i < 3; ++i) {
    std::vector<float> row(3);
    row[i] = 1;
    model.towers.push_back({"t", 0, {dense(1, 3, row)}});
    model.tasks.push_back({"t", identity_link(i)});
  }
  return model;
}

TEST_CASE("features: scaling in float, missing values, unknown ids") {
  const Scaling scaling{0.1f, 0.3f, -1, 2, 7};
  const TrainedModel model = feature_model(scaling, UnknownRule::kId);
  const Evaluated result = evaluate(model, {4, {0.7f, -5, kNan, 2}, {0, 1, -1, 0}});
  const float scaled = (0.7f - 0.1f) * 0.3f, lower = (-1 - 0.1f) * 0.3f, upper = (2 - 0.1f) * 0.3f;
  CHECK(result.scores == std::vector<double>{scaled, 1, 2, lower, 3, 4, upper, 5, 6, upper, 1, 2});
  const Evaluated zero = evaluate(feature_model(scaling, UnknownRule::kZero), {1, {2}, {-1}});
  CHECK(zero.scores == std::vector<double>{upper, 0, 0});
  CHECK_THROWS_WITH_AS(evaluate(feature_model(scaling, UnknownRule::kError), {1, {2}, {-1}}),
                       "feature \"word\", row 0: unknown value, which it refuses", ConvertError);
  CHECK_THROWS_WITH_AS(evaluate(model, {1, {2}, {3}}), "feature \"word\", row 0: id 3, expected less than 3",
                       ConvertError);
  CHECK_THROWS_WITH_AS(evaluate(model, {2, {2}, {0, 0}}),
                       "rows to evaluate: found 1 values and 2 ids, expected 1 and 1 for each of 2 rows", ConvertError);
}

TEST_CASE("a missing value without a rule gives NaN and no bound") {
  const Evaluated result = evaluate(feature_model({}, UnknownRule::kId), {1, {kNan}, {0}});
  CHECK(std::isnan(result.scores[0]));
  CHECK(result.bounds[0] == kInfinity);
}

TEST_CASE("what a float cannot hold has no bound") {
  CHECK(at(scalar_model({3e38f}, {constant({1})}), {3}).bounds[0] == kInfinity);
  CHECK(at(scalar_model({3e38f, -3e38f}, {constant({2, 2})}), {1}).bounds[0] == kInfinity);
}

// ---- the bound against a float evaluation, folded as the converter folds

using Floats = std::vector<float>;

Floats run_float(const DenseLayer& layer, const Floats& x, double temperature = 1) {
  Floats y;
  for (size_t o = 0; o < layer.outputs(); ++o) {
    double scale = 1, shift = 0, bias = layer.bias.empty() ? 0 : static_cast<double>(layer.bias[o]);
    if (const auto& norm = layer.norm_before_activation) {
      scale = norm->gamma[o] / std::sqrt(static_cast<double>(norm->variance[o]) + norm->epsilon);
      bias -= norm->mean[o];
      shift = norm->beta[o];
    }
    float sum = static_cast<float>((scale * bias + shift) / temperature);
    for (size_t i = 0; i < x.size(); ++i) {
      sum = std::fma(static_cast<float>(layer.weight.at(o, i) * scale / temperature), x[i], sum);
    }
    if (layer.activation.kind == ActivationKind::kRelu) sum = sum < 0 ? 0 : sum;
    if (layer.activation.kind == ActivationKind::kTanh) sum = std::tanh(sum);
    if (const auto& norm = layer.norm_after_activation) {
      const double factor = norm->gamma[o] / std::sqrt(static_cast<double>(norm->variance[o]) + norm->epsilon);
      sum = std::fma(static_cast<float>(factor), sum, static_cast<float>(norm->beta[o] - factor * norm->mean[o]));
    }
    y.push_back(sum);
  }
  return y;
}

Floats run_float(const Mlp& mlp, Floats x) {
  for (const DenseLayer& layer : mlp) x = run_float(layer, x);
  return x;
}

Floats softmax_float(Floats logits) {
  const float largest = *std::max_element(logits.begin(), logits.end());
  float sum = 0;
  for (float& logit : logits) sum += logit = std::exp(logit - largest);
  for (float& logit : logits) logit /= sum;
  return logits;
}

// Of an MMoE with one level, dense softmax gates and sigmoid links.
Floats score_float(const TrainedModel& model, const Floats& x) {
  std::vector<Floats> experts;
  for (const Expert& expert : model.levels[0].experts) experts.push_back(run_float(expert.layers, x));
  Floats scores;
  for (const Tower& tower : model.towers) {
    const Gate& gate = model.levels[0].gates[tower.input.index];
    const Floats weights = softmax_float(run_float(*gate.logits, run_float(gate.hidden, x), gate.temperature));
    Floats mixed(experts[0].size());
    for (size_t e = 0; e < weights.size(); ++e) {
      for (size_t d = 0; d < mixed.size(); ++d) mixed[d] = std::fma(weights[e], experts[e][d], mixed[d]);
    }
    scores.push_back(run_float(tower.layers, mixed)[0]);
  }
  return scores;
}

TEST_CASE("a float evaluation stays within the bound, and the bound is useful") {
  test::MemoryWeights weights;
  for (const char* e : {"0", "1", "2", "3"}) {
    weights.linear(std::string("e.") + e + ".0", 33, 50).norm(std::string("n.") + e + ".0", 33);
    weights.linear(std::string("e.") + e + ".1", 17, 33).norm(std::string("n.") + e + ".1", 17);
  }
  for (const char* t : {"0", "1"}) {
    weights.linear(std::string("h.") + t, 12, 50).linear(std::string("g.") + t, 4, 12);
    weights.linear(std::string("t.") + t + ".0", 9, 17).linear(std::string("t.") + t + ".1", 1, 9);
  }
  std::string position;
  SUBCASE("norm before the activation") { position = "before_activation"; }
  SUBCASE("norm after the activation") { position = "after_activation"; }
  const TrainedModel model = bind_description_text(R"({"mmoe_description": 1,
    "levels": [{"experts": {"layers": "e.{expert}.{layer}", "activation": "relu", "batch_norm": "n.{expert}.{layer}",
                            "batch_norm_position": ")" +
                                                       position + R"("},
                "gates": {"hidden": {"layers": "h.{task}", "activation": "tanh"}, "logits": "g.{task}",
                          "temperature": 0.7}}],
    "towers": {"layers": "t.{task}.{layer}", "activation": "relu"},
    "tasks": [{"name": "a", "link": "identity"}, {"name": "b", "link": "identity"}]})",
                                                   weights, "m");
  const RawRows rows = random_rows(model, 50, 1);
  const Evaluated expected = evaluate(model, rows);
  double worst = 0, largest_bound = 0;
  for (size_t row = 0; row < rows.num_rows; ++row) {
    const auto begin = rows.values.begin() + static_cast<std::ptrdiff_t>(row * model.input_dim);
    const Floats scores = score_float(model, Floats(begin, begin + static_cast<std::ptrdiff_t>(model.input_dim)));
    for (size_t task = 0; task < 2; ++task) {
      const double bound = expected.bounds[row * 2 + task];
      worst = std::max(worst, std::abs(scores[task] - expected.scores[row * 2 + task]) / bound);
      largest_bound = std::max(largest_bound, bound);
    }
  }
  INFO("error / bound at worst ", worst, ", largest bound ", largest_bound);
  CHECK(worst <= 1);
  CHECK(worst > 1e-5);
  CHECK(largest_bound < 1e-2);
}

TEST_CASE("random rows are the same for a seed, and span the features") {
  Scaling scaling;
  scaling.lower = 10;
  scaling.upper = 20;
  TrainedModel model = feature_model(scaling, UnknownRule::kId);
  const RawRows rows = random_rows(model, 1000, 7);
  CHECK(rows.values == random_rows(model, 1000, 7).values);
  CHECK(rows.ids == random_rows(model, 1000, 7).ids);
  CHECK(rows.values != random_rows(model, 1000, 8).values);
  CHECK(*std::min_element(rows.values.begin(), rows.values.end()) >= 10);
  CHECK(*std::max_element(rows.values.begin(), rows.values.end()) <= 20);
  CHECK(std::count(rows.ids.begin(), rows.ids.end(), 1) > 300);
  const auto unknown = std::count(rows.ids.begin(), rows.ids.end(), -1);
  CHECK(unknown > 20);
  CHECK(unknown < 150);
  model = feature_model({5, 0.5f}, UnknownRule::kError);
  const RawRows normal = random_rows(model, 1000, 7);
  CHECK(std::count(normal.ids.begin(), normal.ids.end(), -1) == 0);
  double sum = 0, squares = 0;
  for (const float value : normal.values) {
    sum += (value - 5.0) / 2;
    squares += (value - 5.0) * (value - 5.0) / 4;
  }
  CHECK(std::abs(sum / 1000) < 0.15);
  CHECK(std::abs(squares / 1000 - 1) < 0.2);
  CHECK(random_rows(scalar_model({1}, {constant({1})}), 1, 0).values.size() == 1);
  // No platform may give others.
  CHECK(random_rows(scalar_model({1}, {constant({1})}), 2, 42).values ==
        std::vector<float>{-0.894133449f, -0.466534793f});
}

}  // namespace
}  // namespace mmoe::converter
