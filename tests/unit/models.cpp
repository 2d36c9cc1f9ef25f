#include "tests/unit/models.h"

#include <cstring>
#include <limits>
#include <new>
#include <stdexcept>

#include "converter/program/convert.h"
#include "runtime/src/core/xxh64.h"

namespace mmoe::test {

using namespace converter;

AlignedBytes::AlignedBytes(const std::uint8_t* bytes, std::size_t size)
    : data_(static_cast<std::uint8_t*>(::operator new(size, std::align_val_t(Model::kAlignment)))), size_(size) {
  if (size != 0) std::memcpy(data_, bytes, size);
}

AlignedBytes::~AlignedBytes() { ::operator delete(data_, std::align_val_t(Model::kAlignment)); }

DenseLayer random_layer(std::size_t inputs, std::size_t outputs, Random& random, ActivationKind activation) {
  DenseLayer layer;
  layer.name = "layer";
  layer.weight = {outputs, inputs, random.floats(outputs * inputs, -0.5f, 0.5f)};
  layer.bias = random.floats(outputs, -0.2f, 0.2f);
  layer.activation.kind = activation;
  layer.activation.alpha = 0.3f;
  if (activation == ActivationKind::kPRelu) layer.activation.slopes = random.floats(outputs, -0.3f, 0.3f);
  return layer;
}

Mlp random_mlp(std::size_t inputs, const std::vector<std::size_t>& widths, Random& random, ActivationKind activation,
               ActivationKind last) {
  Mlp layers;
  for (std::size_t i = 0; i < widths.size(); ++i) {
    layers.push_back(random_layer(inputs, widths[i], random, i + 1 == widths.size() ? last : activation));
    inputs = widths[i];
  }
  return layers;
}

BatchNorm random_norm(std::size_t width, Random& random) {
  BatchNorm norm;
  norm.gamma = random.floats(width, -1.5f, 1.5f);
  norm.beta = random.floats(width);
  norm.mean = random.floats(width);
  norm.variance = random.floats(width, 0.1f, 2.0f);
  return norm;
}

LayerNorm random_layer_norm(std::size_t width, Random& random) {
  return {random.floats(width, -1.5f, 1.5f), random.floats(width), 1e-5};
}

namespace {

void name_all(TrainedModel& model) {
  for (Level& level : model.levels) {
    for (std::size_t e = 0; e < level.experts.size(); ++e) level.experts[e].name = "expert " + std::to_string(e);
    for (std::size_t g = 0; g < level.gates.size(); ++g) level.gates[g].name = "gate " + std::to_string(g);
  }
}

Gate softmax_gate(std::size_t inputs, std::vector<std::size_t> experts, Random& random) {
  Gate gate;
  gate.logits = random_layer(inputs, experts.size(), random, ActivationKind::kIdentity);
  gate.experts = std::move(experts);
  return gate;
}

Gate constant_gate(std::vector<std::size_t> experts, std::vector<float> weights) {
  Gate gate;
  gate.experts = std::move(experts);
  gate.constant_weights = std::move(weights);
  return gate;
}

Expert expert(std::size_t input, Mlp layers) {
  Expert expert;
  expert.input.index = input;
  expert.layers = std::move(layers);
  return expert;
}

std::vector<std::size_t> iota(std::size_t count) {
  std::vector<std::size_t> numbers(count);
  for (std::size_t i = 0; i < count; ++i) numbers[i] = i;
  return numbers;
}

// A tower and a sigmoid task per entry of `inputs`, the streams they read.
void add_tasks(TrainedModel& model, const std::vector<std::size_t>& inputs, std::size_t width,
               std::vector<std::size_t> widths, Random& random) {
  widths.push_back(1);
  for (std::size_t t = 0; t < inputs.size(); ++t) {
    model.towers.push_back({"tower " + std::to_string(t), inputs[t],
                            random_mlp(width, widths, random, ActivationKind::kRelu, ActivationKind::kIdentity)});
    model.tasks.push_back({"task " + std::to_string(t), sigmoid_link(t)});
  }
}

}  // namespace

TrainedModel mmoe_description(const MmoeSizes& sizes, std::uint64_t seed) {
  Random random(seed);
  TrainedModel model;
  model.name = "test";
  model.input_dim = sizes.inputs;
  Level level;
  for (std::size_t e = 0; e < sizes.experts; ++e) {
    level.experts.push_back(expert(0, random_mlp(sizes.inputs, sizes.expert_widths, random)));
  }
  const std::size_t num_gates = sizes.gates ? sizes.gates : sizes.tasks;
  for (std::size_t g = 0; g < num_gates; ++g) {
    level.gates.push_back(softmax_gate(sizes.inputs, iota(sizes.experts), random));
    level.gates.back().top_k = sizes.top_k;
  }
  model.levels.push_back(std::move(level));
  std::vector<std::size_t> inputs;
  for (std::size_t t = 0; t < sizes.tasks; ++t) inputs.push_back(num_gates == 1 ? 0 : t);
  add_tasks(model, inputs, sizes.expert_widths.back(), sizes.tower_widths, random);
  name_all(model);
  return model;
}

TrainedModel shared_bottom_description(std::uint64_t seed) {
  Random random(seed);
  TrainedModel model;
  model.name = "shared bottom";
  model.input_dim = 20;
  model.levels.resize(1);
  model.levels[0].experts.push_back(expert(0, random_mlp(20, {33, 24}, random)));
  model.levels[0].gates.push_back(constant_gate({0}, {1.0f}));
  add_tasks(model, {0, 0, 0}, 24, {8}, random);
  name_all(model);
  return model;
}

TrainedModel ple_description(std::uint64_t seed) {
  Random random(seed);
  TrainedModel model;
  model.name = "ple";
  model.input_dim = 18;
  Level first;  // experts 0, 1: task 0; 2, 3: task 1; 4: shared
  for (std::size_t e = 0; e < 5; ++e) first.experts.push_back(expert(0, random_mlp(18, {12}, random)));
  first.gates.push_back(softmax_gate(18, {0, 1, 4}, random));
  first.gates.push_back(softmax_gate(18, {2, 3, 4}, random));
  first.gates.push_back(softmax_gate(18, {0, 1, 2, 3, 4}, random));
  Level second;
  second.experts.push_back(expert(0, random_mlp(12, {10, 9}, random)));
  second.experts.push_back(expert(1, random_mlp(12, {10, 9}, random)));
  second.experts.push_back(expert(2, random_mlp(12, {10, 9}, random)));
  for (std::size_t t = 0; t < 2; ++t) {
    second.gates.push_back(softmax_gate(18, {t, 2}, random));
    second.gates.back().input.source = StreamSource::kModelInput;
  }
  model.levels = {first, second};
  add_tasks(model, {0, 1}, 9, {}, random);
  name_all(model);
  return model;
}

TrainedModel cross_stitch_description(std::uint64_t seed) {
  Random random(seed);
  TrainedModel model;
  model.name = "cross stitch";
  model.input_dim = 10;
  std::size_t width = 10;
  for (std::size_t l = 0; l < 2; ++l) {
    Level level;
    for (std::size_t t = 0; t < 2; ++t)
      level.experts.push_back(expert(l == 0 ? 0 : t, random_mlp(width, {14}, random)));
    level.gates.push_back(constant_gate({0, 1}, {0.9f, 0.1f}));
    level.gates.push_back(constant_gate({0, 1}, {0.2f, 0.8f}));
    model.levels.push_back(level);
    width = 14;
  }
  add_tasks(model, {0, 1}, 14, {6}, random);
  name_all(model);
  return model;
}

TrainedModel mixed_description(std::uint64_t seed) {
  Random random(seed);
  TrainedModel model;
  model.name = "mixed";
  model.input_dim = 23;
  model.trunk = random_mlp(23, {30, 21}, random, ActivationKind::kTanh, ActivationKind::kLeakyRelu);
  model.trunk[0].norm_before_activation = random_norm(30, random);
  model.trunk[1].norm_after_activation = random_norm(21, random);

  Level first;
  const ActivationKind kinds[] = {ActivationKind::kElu,  ActivationKind::kSelu,    ActivationKind::kSilu,
                                  ActivationKind::kRelu, ActivationKind::kSigmoid, ActivationKind::kPRelu};
  for (const ActivationKind kind : kinds)
    first.experts.push_back(expert(0, random_mlp(21, {17, 9}, random, kind, kind)));
  first.experts[3].layers[0].norm_after_activation = random_norm(17, random);
  first.experts[4].layers[1].norm_after_activation = random_norm(9, random);
  first.gates.push_back(softmax_gate(21, iota(6), random));
  first.gates.back().top_k = 2;
  first.gates.push_back(softmax_gate(13, {5, 3, 1}, random));
  first.gates.back().hidden = random_mlp(21, {15, 13}, random);
  first.gates.back().logits->norm_before_activation = random_norm(3, random);
  first.gates.back().temperature = 0.7;
  first.gates.push_back(softmax_gate(21, iota(6), random));
  first.gates.back().top_k = 3;
  first.gates.back().top_k_mode = TopKMode::kTopKOfSoftmax;

  Level second;
  for (std::size_t e = 0; e < 3; ++e) second.experts.push_back(expert(e, random_mlp(9, {8}, random)));
  second.gates.push_back(softmax_gate(9, {0, 1, 2}, random));
  second.gates.push_back(softmax_gate(9, {2, 0}, random));
  second.gates.back().input.index = 2;
  second.gates.push_back(constant_gate({1}, {1.0f}));
  model.levels = {first, second};

  model.towers.push_back({"a", 0, random_mlp(8, {5, 1}, random, ActivationKind::kRelu, ActivationKind::kIdentity)});
  model.towers.push_back({"b", 1, random_mlp(8, {1}, random, ActivationKind::kRelu, ActivationKind::kIdentity)});
  model.towers.push_back({"c", 2, random_mlp(8, {7, 4}, random, ActivationKind::kRelu, ActivationKind::kIdentity)});
  model.towers.push_back({"d", 2, random_mlp(8, {7, 2}, random, ActivationKind::kRelu, ActivationKind::kIdentity)});
  model.tasks = {{"click", sigmoid_link(0)},
                 {"price", identity_link(1)},
                 {"class", softmax_link(2, 3)},
                 {"buy", product_link({0, 2})},
                 {"buy twice", product_link({3, 3, 0})},
                 {"two-class", softmax_link(3, 1)}};
  name_all(model);
  return model;
}

TrainedModel normalised_description(std::size_t top_k, std::uint64_t seed) {
  Random random(seed);
  TrainedModel model;
  model.name = "normalised";
  model.input_dim = 23;
  model.shared_dim = 9;
  model.trunk = random_mlp(23, {21}, random);
  model.trunk[0].layer_norm_before_activation = random_layer_norm(21, random);
  Level level;
  for (std::size_t e = 0; e < 5; ++e) {
    level.experts.push_back(
        expert(0, random_mlp(21, {17, 9}, random, e == 4 ? ActivationKind::kPRelu : ActivationKind::kGelu)));
  }
  const auto layer = [&](std::size_t e, std::size_t l) -> DenseLayer& { return level.experts[e].layers[l]; };
  layer(0, 0).activation = {ActivationKind::kDice, 0, random.floats(17), random_norm(17, random), 0};
  layer(0, 1).activation = {ActivationKind::kDice, 0, random.floats(9), {}, 1e-3};
  layer(0, 1).norm_after_activation = random_norm(9, random);
  layer(1, 0).layer_norm_after_activation = random_layer_norm(17, random);
  layer(1, 1).norm_after_activation = random_norm(9, random);
  layer(2, 1).layer_norm_after_activation = random_layer_norm(9, random);
  layer(3, 0).activation.kind = ActivationKind::kSoftplus;
  layer(3, 0).layer_norm_before_activation = random_layer_norm(17, random);
  layer(3, 0).layer_norm_after_activation = random_layer_norm(17, random);
  layer(3, 1).activation.kind = ActivationKind::kGeluTanh;
  layer(4, 0).layer_norm_before_activation = random_layer_norm(17, random);
  for (std::size_t g = 0; g < 2; ++g) {
    level.gates.push_back(softmax_gate(11, iota(5), random));
    level.gates.back().hidden = random_mlp(21, {11}, random);
    level.gates.back().hidden[0].layer_norm_before_activation = random_layer_norm(11, random);
    level.gates.back().top_k = top_k;
  }
  model.levels = {std::move(level)};
  add_tasks(model, {0, 1}, 9, {8}, random);
  model.towers[1].layers[0].layer_norm_after_activation = random_layer_norm(8, random);
  name_all(model);
  return model;
}

namespace {

// Each bounded one before the one that grows fastest.
std::vector<Activation> further_activations() {
  const auto activation = [](ActivationKind kind, float alpha = 0, float beta = 0) {
    Activation result;
    result.kind = kind;
    result.alpha = alpha;
    result.beta = beta;
    return result;
  };
  using K = ActivationKind;
  return {activation(K::kCelu, 0.6f),
          activation(K::kMish),
          activation(K::kHardSwish),
          activation(K::kHardSigmoid, 0.2f, 0.5f),
          activation(K::kSwish, 1.702f),
          activation(K::kLogSigmoid),
          activation(K::kThreshold, 0.1f, -0.2f),
          activation(K::kSquaredRelu),
          activation(K::kSoftplus, 2.5f),
          activation(K::kSoftsign),
          activation(K::kExp),
          activation(K::kClamp, -1, std::numeric_limits<float>::infinity())};
}

Link with_map(Link link, ActivationKind activation, float scale, float shift) {
  link.activation.kind = activation;
  link.scale = scale;
  link.shift = shift;
  return link;
}

// Of four towers, the third with four classes and the last with three outputs.
std::vector<Task> linked_tasks() {
  Link bounded = with_map(identity_link(0), ActivationKind::kSoftplus, 2, -1);
  bounded.lower = -0.5f;
  bounded.upper = 5;
  Link log = softmax_link(2, 2);
  log.source = LinkSource::kLogSoftmaxColumn;
  Link level = identity_link(2);
  level.source = LinkSource::kExpectedValue;
  level.values = {1, 2, 3.5f, -4};
  Link third = with_map(identity_link(3), ActivationKind::kTanh, 1, 0);
  third.column = 2;
  Link second = identity_link(3);
  second.column = 1;
  return {{"bounded", bounded},
          {"hidden", sigmoid_link(1), false},
          {"class", softmax_link(2, 1)},
          {"log", log},
          {"level", level},
          {"not", with_map(sigmoid_link(0), ActivationKind::kSigmoid, -1, 1)},
          {"hidden product", with_map(product_link({1, 2}), ActivationKind::kIdentity, 2, 0), false},
          {"product", product_link({1, 6, 2})},
          {"tanh", third},
          {"raw", second}};
}

}  // namespace

TrainedModel linked_description(std::size_t top_k, std::uint64_t seed) {
  Random random(seed);
  TrainedModel model;
  model.name = "linked";
  model.input_dim = 23;
  model.shared_dim = 9;
  const std::vector<Activation> activations = further_activations();
  const std::size_t count = activations.size();
  Level level;
  for (std::size_t e = 0; e < count; ++e) {
    level.experts.push_back(expert(0, random_mlp(23, {17, 9}, random)));
    for (std::size_t l = 0; l < 2; ++l) level.experts[e].layers[l].activation = activations[(e + l) % count];
  }
  level.experts[3].layers[0].layer_norm_before_activation = random_layer_norm(17, random);
  for (std::size_t g = 0; g < 3; ++g) {
    level.gates.push_back(softmax_gate(23, iota(count), random));
    level.gates.back().top_k = top_k;
    if (g < 2) level.gates.back().weight_scales = random.floats(count, -1.5f, 1.5f);
  }
  level.gates[1].top_k_mode = TopKMode::kTopKOfSoftmax;
  level.gates.push_back(constant_gate(iota(count), std::vector<float>(count, 1.0f / static_cast<float>(count))));
  model.levels = {std::move(level)};
  const std::size_t outputs[] = {1, 1, 4, 3};
  for (std::size_t t = 0; t < 4; ++t) {
    model.towers.push_back({"tower " + std::to_string(t), t,
                            random_mlp(9, {5, outputs[t]}, random, ActivationKind::kRelu, ActivationKind::kIdentity)});
  }
  model.tasks = linked_tasks();
  name_all(model);
  return model;
}

namespace {

Gate activated_gate(std::size_t inputs, std::vector<std::size_t> experts, ActivationKind kind, Random& random) {
  Gate gate = softmax_gate(inputs, std::move(experts), random);
  gate.function = GateFunction::kActivation;
  gate.logits->activation.kind = kind;
  return gate;
}

// Steps wide enough that some are 0, some 1 and some between.
Gate smooth_step_gate(std::size_t inputs, std::vector<std::size_t> experts, std::size_t selectors, Random& random) {
  Gate gate;
  gate.function = GateFunction::kSmoothStep;
  gate.num_selectors = selectors;
  gate.gamma = 1.5;
  gate.logits = random_layer(inputs, selectors * selector_outputs(experts.size()), random, ActivationKind::kIdentity);
  gate.experts = std::move(experts);
  return gate;
}

}  // namespace

TrainedModel gate_functions_description(std::size_t top_k, std::uint64_t seed) {
  Random random(seed);
  TrainedModel model;
  model.name = "gate functions";
  model.input_dim = 19;
  model.shared_dim = 7;
  for (const std::size_t inputs : {std::size_t{19}, std::size_t{17}}) {
    Level level;
    for (std::size_t e = 0; e < 5; ++e)
      level.experts.push_back(expert(e % 3 * (inputs == 17), random_mlp(inputs, {17}, random)));
    level.gates.push_back(activated_gate(inputs, iota(5), ActivationKind::kSigmoid, random));
    level.gates.push_back(activated_gate(inputs, {4, 0, 2}, ActivationKind::kIdentity, random));
    level.gates.back().weight_scales = random.floats(3, -1.5f, 1.5f);
    level.gates.push_back(smooth_step_gate(inputs, iota(5), 3, random));
    level.gates.push_back(smooth_step_gate(11, {3, 1}, 1, random));
    level.gates.back().hidden = random_mlp(inputs, {11}, random);
    level.gates.back().weight_scales = {2, -0.5f};
    level.gates.push_back(softmax_gate(inputs, iota(5), random));
    for (Gate& gate : level.gates) gate.top_k = std::min(top_k, gate.experts.size() - 1);
    model.levels.push_back(std::move(level));
  }
  add_tasks(model, {0, 1, 2, 3, 4}, 17, {8}, random);
  name_all(model);
  return model;
}

TrainedModel user_item_description(bool with_trunk, std::size_t top_k, std::uint64_t seed) {
  TrainedModel model = mmoe_description({20, 4, {16, 12}, 2, {8}, top_k, 0}, seed);
  Random random(seed + 7);
  if (with_trunk) model.trunk = random_mlp(20, {20}, random);
  model.shared_dim = 13;
  return model;
}

TrainedModel feature_description(std::uint64_t seed) {
  TrainedModel model = mmoe_description({31, 4, {16}, 2, {8}, 0, 0}, seed);
  model.name = "features";
  Random random(seed + 100);
  const auto table = [&](std::size_t ids, std::size_t width) {
    return Embedding{"table", {ids, width, random.floats(ids * width)}};
  };
  model.embeddings = {table(5, 4), table(100, 7), table(4, 16)};

  Feature price{"price", converter::Side::kItem, 1, DenseFeature{}};
  std::get<DenseFeature>(price.kind).scaling = {2.0f, 0.25f, 0.0f, 50.0f, 3.0f};
  SparseFeature country;
  country.vocabulary.keys = std::vector<std::string>{"US", "AT", "", "BR"};
  country.vocabulary.ids = {1, 2, 3, 4};
  country.vocabulary.size = 4;
  country.vocabulary.unknown = UnknownRule::kId;
  country.embedding = 0;
  SparseFeature shop;
  shop.vocabulary.keys = std::vector<std::int64_t>{7, -3, 1000000000000, 42};
  shop.vocabulary.ids = {99, 1, 50, 0};
  shop.vocabulary.size = 4;
  shop.vocabulary.unknown = UnknownRule::kZero;
  shop.embedding = 1;
  SparseFeature device;
  device.vocabulary.identity = true;
  device.vocabulary.size = 4;
  device.vocabulary.unknown = UnknownRule::kError;
  device.embedding = 2;
  Feature history{"history", converter::Side::kUser, 3, DenseFeature{}};
  model.features = {price,
                    {"country", converter::Side::kUser, 4, country},
                    {"shop", converter::Side::kItem, 7, shop},
                    {"device", converter::Side::kContext, 16, device},
                    history};
  return model;
}

namespace {

Expert reading(const StreamRef& input, std::size_t width, const std::vector<std::size_t>& widths, Random& random) {
  Expert expert;
  expert.input = input;
  expert.layers = random_mlp(input.parts.empty() ? width : input.width_of_parts(), widths, random);
  return expert;
}

Gate gate_reading(const StreamRef& input, std::size_t width, std::vector<std::size_t> experts, Random& random) {
  Gate gate = softmax_gate(input.parts.empty() ? width : input.width_of_parts(), std::move(experts), random);
  gate.input = input;
  return gate;
}

// Of 23 columns, of which the first 9 are the user's.
std::vector<StreamRef> some_parts() {
  return {input_stream(),
          input_stream({{2, 5}}),
          input_stream({{12, 9}}),
          input_stream({{5, 10}}),
          input_stream({{0, 3}, {7, 4}, {20, 3}}),
          input_stream({{0, 3}, {7, 4}, {20, 3}}),
          input_stream({{20, 3}, {9, 2}, {4, 2}}),
          input_stream({{0, 2}, {3, 6}}),
          input_stream({{9, 14}, {0, 9}})};
}

}  // namespace

TrainedModel parts_description(std::size_t top_k, std::uint64_t seed) {
  Random random(seed);
  TrainedModel model;
  model.name = "parts";
  model.input_dim = 23;
  model.shared_dim = 9;
  const std::vector<StreamRef> parts = some_parts();
  Level first, second;
  for (const StreamRef& part : parts) first.experts.push_back(reading(part, 23, {17, 9}, random));
  first.gates.push_back(gate_reading(parts[4], 23, iota(parts.size()), random));
  first.gates.push_back(gate_reading(parts[1], 23, iota(parts.size()), random));
  first.gates[0].top_k = top_k;
  first.gates[1].top_k = top_k;
  second.experts.push_back(expert(0, random_mlp(9, {8}, random)));
  second.experts.push_back(reading(parts[6], 23, {8}, random));
  second.experts.push_back(reading(parts[4], 23, {12, 8}, random));
  StreamRef beside = parts[6];  // columns of x around both outputs, in another order than the level has them
  beside.parts.insert(beside.parts.begin() + 1,
                      {{StreamSource::kPrevious, 1, {0, 9}}, {StreamSource::kPrevious, 0, {2, 5}}});
  second.experts.push_back(reading(beside, 23, {11, 8}, random));
  second.gates.push_back(gate_reading(parts[7], 23, {0, 1, 2, 3}, random));
  second.gates.push_back(gate_reading(beside, 23, {2, 0}, random));
  model.levels = {first, second};
  add_tasks(model, {0, 1, 0, 1}, 8, {6}, random);
  model.towers[2].input = input_stream();
  model.towers[2].layers = random_mlp(23, {5, 1}, random, ActivationKind::kRelu, ActivationKind::kIdentity);
  model.towers[3].input = parts[6];
  model.towers[3].input.parts.push_back({StreamSource::kPrevious, 1, {0, 8}});
  model.towers[3].layers = random_mlp(15, {1}, random, ActivationKind::kRelu, ActivationKind::kIdentity);
  name_all(model);
  return model;
}

TrainedModel feature_parts_description(std::uint64_t seed) {
  TrainedModel model = feature_description(seed);
  model.name = "parts of features";
  Random random(seed + 300);
  // price 0, country 1-4, shop 5-11, device 12-27, history 28-30; price and shop are the items'.
  const StreamRef parts[] = {input_stream({{0, 5}}), input_stream({{28, 3}, {5, 7}}), input_stream({{12, 16}})};
  Level& level = model.levels[0];
  for (std::size_t e = 0; e < 3; ++e) level.experts[e] = reading(parts[e], 31, {16}, random);
  level.gates[0] = gate_reading(parts[1], 31, iota(4), random);
  level.gates[1] = gate_reading(parts[2], 31, iota(4), random);
  name_all(model);
  return model;
}

namespace {

// Adds nodes, behind so many levels, and says what they give.
class NodeMaker {
 public:
  // A query and sequences of so many elements.
  StreamRef attention(std::vector<StreamRef> inputs, std::size_t length, bool masked, bool softmax) {
    Node node = operation(NodeKind::kAttention, std::move(inputs));
    node.input_width = width_of(node.inputs.front());
    using Term = converter::AttentionTerm;
    node.attention = {{Term::kElement, Term::kQuery, Term::kProduct, Term::kDifference}, length, masked, softmax, {}};
    node.layers =
        random_mlp(4 * node.input_width, {19, 6, 1}, random_, ActivationKind::kSigmoid, ActivationKind::kIdentity);
    return add(std::move(node));
  }

  // Layers for each element of so many columns.
  StreamRef each(StreamRef input, std::size_t width, const std::vector<std::size_t>& widths) {
    Node node = operation(NodeKind::kEach, {std::move(input)}, width);
    node.layers = random_mlp(width, widths, random_);
    return add(std::move(node));
  }
  // Of elements of `width` columns.
  StreamRef scaled_dot(std::vector<StreamRef> inputs, std::size_t width, std::size_t heads, bool causal) {
    Node node = operation(NodeKind::kScaledDot, std::move(inputs), width);
    node.query_width = width_of(node.inputs[0]);
    node.value_width = width_of(node.inputs[2]) / (width_of(node.inputs[1]) / width);
    node.heads = heads;
    node.causal = causal;
    node.scale = 0.7f;
    return add(std::move(node));
  }

  NodeMaker(TrainedModel& model, Random& random) : model_(model), random_(random) {}

  void go_behind(std::size_t level) { level_ = level; }
  StreamRef mlp(const StreamRef& input, const std::vector<std::size_t>& widths) {
    Node node;
    node.input = input;
    node.layers = random_mlp(width_of(input), widths, random_);
    return add(std::move(node));
  }
  Node operation(NodeKind kind, std::vector<StreamRef> inputs, std::size_t group = 0) const {
    Node node;
    node.kind = kind;
    for (const StreamRef& input : inputs) node.input_width = std::max(node.input_width, width_of(input));
    node.inputs = std::move(inputs);
    node.group = group;
    return node;
  }
  StreamRef add(Node node) {
    node.name = "node " + std::to_string(model_.nodes.size());
    node.level = level_;
    model_.nodes.push_back(std::move(node));
    return {StreamSource::kNode, model_.nodes.size() - 1};
  }
  std::size_t width_of(const StreamRef& input) const {
    if (!input.parts.empty()) return input.width_of_parts();
    if (input.source == StreamSource::kNode) return model_.nodes[input.index].width();
    if (input.is_input()) return model_.input_dim;
    const Level& level = model_.levels[level_ - 1];
    return level.experts[level.gates[input.index].experts.front()].layers.back().outputs();
  }
  StreamPart part(const StreamRef& node, std::size_t first, std::size_t width) const {
    return {node.source, node.index, {first, width}};
  }

 private:
  TrainedModel& model_;
  Random& random_;
  std::size_t level_ = 0;
};

StreamRef beside(std::vector<StreamPart> parts) {
  StreamRef stream;
  stream.parts = std::move(parts);
  return stream;
}

// What a description says of an activation.
Node with(Node node, ActivationKind kind, float scale = 1) {
  node.activation.kind = kind;
  node.scale = scale;
  return node;
}

}  // namespace

TrainedModel node_description(std::size_t top_k, std::uint64_t seed) {
  Random random(seed);
  TrainedModel model;
  model.name = "nodes";
  model.input_dim = 23;
  model.shared_dim = 9;
  NodeMaker make(model, random);
  const StreamRef x = input_stream();
  const StreamRef first = make.mlp(input_stream({{20, 3}, {4, 8}}), {7, 6});
  const StreamRef wide = make.mlp(x, {23}), one = make.mlp(first, {1});
  const StreamRef product =
      make.add(with(make.operation(NodeKind::kProduct, {x, wide, one}), ActivationKind::kIdentity, 0.7f));
  Node sum = make.operation(NodeKind::kSum, {product, x});
  sum.constant = random.floats(23);
  const StreamRef crossed = make.add(with(sum, ActivationKind::kSilu));
  const StreamRef bi = make.add(with(make.operation(NodeKind::kBiInteraction, {input_stream({{9, 14}, {0, 6}})}, 4),
                                     ActivationKind::kIdentity, 0.5f));
  // Its second and third group are the user's.
  const StreamRef fields =
      make.add(make.operation(NodeKind::kBiInteraction, {input_stream({{17, 4}, {3, 6}, {0, 2}, {9, 4}})}, 4));
  const StreamRef lower = make.add(make.operation(
      NodeKind::kLowerPairs, {beside({{StreamSource::kModelInput, 0, {5, 6}}, make.part(first, 0, 6)})}, 3));
  const StreamRef upper =
      make.add(with(make.operation(NodeKind::kUpperPairs, {input_stream({{5, 15}})}, 5), ActivationKind::kTanh, 2));
  const StreamRef dot =
      make.add(with(make.operation(NodeKind::kDot, {input_stream({{0, 8}}), input_stream({{12, 8}})}, 4),
                    ActivationKind::kIdentity, -0.5f));
  const StreamRef groups =
      make.add(with(make.operation(NodeKind::kSumOfGroups, {input_stream({{14, 9}})}, 3), ActivationKind::kRelu, 3));
  const StreamRef within = make.add(make.operation(NodeKind::kSumWithinGroups, {input_stream({{0, 21}})}, 7));
  const StreamRef softmax = make.add(make.operation(NodeKind::kSoftmax, {beside({make.part(lower, 1, 5)})}));
  const StreamRef some =
      beside({{StreamSource::kModelInput, 0, {3, 9}}, make.part(softmax, 0, 5), make.part(bi, 0, 4)});
  const StreamRef of_user = make.attention({input_stream({{9, 3}}), input_stream({{0, 8}})}, 2, true, true);
  const StreamRef of_both =
      make.attention({input_stream({{9, 6}}), input_stream({{12, 8}}), input_stream({{0, 8}})}, 2, false, false);
  const StreamRef of_node =
      make.attention({beside({make.part(first, 1, 3)}), beside({make.part(crossed, 3, 12)})}, 3, true, false);
  const StreamRef elements = make.each(input_stream({{1, 20}}), 5, {9, 6});
  model.nodes.back().layers[0].layer_norm_before_activation = random_layer_norm(9, random);
  const StreamRef keys = make.each(beside({make.part(crossed, 0, 12)}), 4, {6});
  const StreamRef heads = make.scaled_dot({elements, keys, beside({make.part(crossed, 11, 12)}),
                                           beside({make.part(softmax, 0, 1), {StreamSource::kModelInput, 0, {22, 1}}})},
                                          6, 2, false);
  const StreamRef looking_back = make.scaled_dot({elements, elements, input_stream({{2, 12}})}, 6, 3, true);
  // Of the user alone, whose columns are the first nine.
  const StreamRef profile = make.mlp(input_stream({{1, 6}}), {10, 8});
  const StreamRef habits = make.scaled_dot({profile, profile, profile}, 4, 2, false);
  const StreamRef taste =
      make.add(make.operation(NodeKind::kProduct, {habits, profile, beside({make.part(habits, 3, 1)})}));
  const StreamRef seen = make.attention({beside({make.part(taste, 2, 3)}), input_stream({{0, 8}})}, 2, true, true);
  const StreamRef habit = make.attention({input_stream({{9, 3}}), beside({make.part(profile, 0, 8)})}, 2, true, true);
  const StreamRef attended =
      beside({make.part(of_user, 0, 3), make.part(habit, 0, 3), make.part(of_both, 0, 6), make.part(of_node, 1, 2),
              make.part(heads, 0, 16), make.part(looking_back, 3, 9), make.part(taste, 1, 7), make.part(seen, 0, 3)});
  const StreamRef others = beside({make.part(upper, 0, 3), make.part(dot, 0, 2), make.part(groups, 1, 2),
                                   make.part(within, 0, 3), make.part(fields, 0, 4)});
  const auto read = [&](const StreamRef& input) { return reading(input, make.width_of(input), {17, 9}, random); };
  const auto gate = [&](const StreamRef& input, std::vector<std::size_t> experts) {
    return gate_reading(input, make.width_of(input), std::move(experts), random);
  };
  Level level;
  level.experts = {read(crossed), read(some), read(others), read(x), read(first), read(attended)};
  level.gates = {gate(some, iota(6)), gate(first, {0, 2, 3, 4, 5})};
  level.gates[0].top_k = level.gates[1].top_k = top_k;
  model.levels = {level};
  make.go_behind(1);
  const StreamRef residual =
      make.add(with(make.operation(NodeKind::kSum, {StreamRef(0), StreamRef(1), make.mlp(StreamRef(1), {9})}),
                    ActivationKind::kRelu));
  const StreamRef behind =
      beside({{StreamSource::kModelInput, 0, {7, 4}}, {StreamSource::kPrevious, 0, {2, 5}}, make.part(residual, 0, 9)});
  const auto read_second = [&](const StreamRef& input) { return reading(input, make.width_of(input), {8}, random); };
  Level second;
  second.experts = {read_second(residual), read_second(behind), read_second(crossed)};
  second.gates = {gate(behind, iota(3)), gate(one, iota(3))};
  model.levels.push_back(second);
  make.go_behind(2);
  const StreamRef last = make.add(with(make.operation(NodeKind::kProduct, {StreamRef(0), make.mlp(StreamRef(1), {8})}),
                                       ActivationKind::kIdentity, 2));
  add_tasks(model, {0, 1, 0, 1}, 8, {6}, random);
  const auto head = [&](std::size_t tower, const StreamRef& input) {
    model.towers[tower].input = input;
    model.towers[tower].layers =
        random_mlp(make.width_of(input), {5, 1}, random, ActivationKind::kRelu, ActivationKind::kIdentity);
  };
  head(1, last);
  head(2, beside({make.part(crossed, 4, 9), make.part(one, 0, 1)}));
  head(3, residual);
  name_all(model);
  return model;
}

TrainedModel feature_node_description(std::uint64_t seed) {
  TrainedModel model = feature_description(seed);
  model.name = "nodes of features";
  Random random(seed + 500);
  NodeMaker make(model, random);
  // price 0, country 1-4, shop 5-11, device 12-27, history 28-30; price and shop are the items'.
  const StreamRef pairs = make.add(make.operation(NodeKind::kUpperPairs, {input_stream({{1, 4}, {12, 16}})}, 4));
  const StreamRef scaled = make.add(make.operation(NodeKind::kProduct, {input_stream(), input_stream({{0, 1}})}));
  const StreamRef dots =
      make.add(make.operation(NodeKind::kDot, {input_stream({{5, 7}, {28, 3}}), input_stream({{12, 10}})}, 5));
  Level& level = model.levels[0];
  level.experts[0] = reading(pairs, make.width_of(pairs), {16}, random);
  level.experts[1] = reading(scaled, 31, {16}, random);
  level.gates[0] = gate_reading(dots, 2, iota(4), random);
  name_all(model);
  return model;
}

TrainedModel attention_description(std::uint64_t seed) {
  TrainedModel model = sequence_description(seed);
  model.name = "attention";
  Random random(seed + 600);
  for (const std::size_t kept : {1, 2}) {  // words, of 4 elements, and seen, of 5
    auto& sequence = std::get<SequenceFeature>(model.features[kept].kind);
    sequence.pooling = converter::Pooling::kKept;
    model.features[kept].width = (model.features[kept].width + 1) * sequence.length;
  }
  model.input_dim = 53;
  NodeMaker make(model, random);
  // price 0, words 1-24, seen 25-44, similar 45-47, tags 48-52; all but words and seen are the items'.
  const StreamRef tags = input_stream({{48, 5}}), similar = input_stream({{45, 3}});
  const StreamRef of_words = make.attention({tags, input_stream({{1, 24}})}, 4, true, true);
  const StreamRef of_seen = make.attention({similar, input_stream({{25, 20}})}, 5, true, false);
  make.attention({similar, input_stream({{25, 20}})}, 5, false, false);
  model.nodes.back().layers.front().activation.kind = ActivationKind::kDice;
  model.nodes.back().layers.front().activation.slopes = random.floats(19, -0.5f, 0.5f);
  model.nodes.back().layers.front().activation.dice_norm = random_norm(19, random);
  model.nodes.back().layers[1].norm_before_activation = random_norm(6, random);
  const StreamRef unmasked{StreamSource::kNode, 2};
  // With the products of all pairs, and PReLU or a layer norm behind the first layer.
  const StreamRef of_pairs = make.attention({similar, input_stream({{25, 20}})}, 5, true, true);
  const auto of_all_pairs = [&](Node& node) -> DenseLayer& {
    node.attention.terms.push_back(converter::AttentionTerm::kOuter);
    node.layers = random_mlp(4 * 3 + 3 * 3, {19, 6, 1}, random, ActivationKind::kSigmoid, ActivationKind::kIdentity);
    return node.layers.front();
  };
  DenseLayer& with_slopes = of_all_pairs(model.nodes.back());
  with_slopes.activation.kind = ActivationKind::kPRelu;
  with_slopes.activation.slopes = random.floats(19, -0.5f, 0.5f);
  const StreamRef of_normed_pairs = make.attention({similar, input_stream({{25, 20}})}, 5, false, true);
  of_all_pairs(model.nodes.back()).layer_norm_before_activation = random_layer_norm(19, random);
  const StreamRef all = beside({{StreamSource::kModelInput, 0, {0, 1}},
                                {StreamSource::kModelInput, 0, {45, 8}},
                                make.part(of_words, 0, 5),
                                make.part(of_seen, 0, 3),
                                make.part(unmasked, 0, 3),
                                make.part(of_pairs, 0, 3),
                                make.part(of_normed_pairs, 0, 3)});
  Level& level = model.levels[0];
  for (Expert& each : level.experts) each = reading(all, make.width_of(all), {16}, random);
  for (Gate& gate : level.gates) gate = gate_reading(all, make.width_of(all), iota(4), random);
  name_all(model);
  return model;
}

TrainedModel history_description(std::size_t length) {
  Random random(length);
  TrainedModel model = mmoe_description({4 * length + 3, 2, {8}, 2, {4}, 0, 0}, length);
  model.shared_dim = 4 * length;
  NodeMaker make(model, random);
  const StreamRef item = input_stream({{4 * length, 3}});
  const StreamRef attended = make.attention({item, input_stream({{0, 4 * length}})}, length, true, true);
  const StreamRef all = beside({{StreamSource::kModelInput, 0, {4 * length, 3}}, make.part(attended, 0, 3)});
  for (Expert& each : model.levels[0].experts) each = reading(all, 6, {8}, random);
  for (Gate& gate : model.levels[0].gates) gate = gate_reading(all, 6, iota(2), random);
  name_all(model);
  return model;
}

TrainedModel sequence_description(std::uint64_t seed) {
  TrainedModel model = mmoe_description({17, 4, {16}, 2, {8}, 0, 0}, seed);
  model.name = "sequences";
  Random random(seed + 200);
  model.embeddings = {{"words", {6, 5, random.floats(30)}}, {"shops", {9, 3, random.floats(27)}}};
  const auto sequence = [](std::size_t embedding, std::size_t ids, UnknownRule rule, Pooling pooling) {
    SequenceFeature feature;
    feature.vocabulary.identity = true;
    feature.vocabulary.size = ids;
    feature.vocabulary.unknown = rule;
    feature.vocabulary.unknown_id = 1;
    feature.embedding = embedding;
    feature.length = 4 + embedding;
    feature.pooling = pooling;
    return feature;
  };
  SequenceFeature words = sequence(0, 6, UnknownRule::kZero, Pooling::kMean);
  words.padding_id = 0;
  model.features = {{"price", converter::Side::kItem, 1, DenseFeature{}},
                    {"words", converter::Side::kUser, 5, words},
                    {"seen", converter::Side::kUser, 3, sequence(1, 9, UnknownRule::kId, Pooling::kMax)},
                    {"similar", converter::Side::kItem, 3, sequence(1, 9, UnknownRule::kError, Pooling::kSum)},
                    {"tags", converter::Side::kItem, 5, sequence(0, 6, UnknownRule::kId, Pooling::kMean)}};
  return model;
}

TrainedModel function_description(std::uint64_t seed) {
  using F = NumberFunction;
  TrainedModel model = mmoe_description({16, 4, {16}, 2, {8}, 0, 0}, seed);
  model.name = "functions";
  const auto add = [&model](const char* name, const Scaling& scaling, std::size_t width = 1) {
    const auto side = model.features.size() < 3 ? converter::Side::kUser : converter::Side::kItem;
    model.features.push_back({name, side, width, DenseFeature{scaling, {}}});
  };
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  add("log", {1, 0.5f, -kInfinity, kInfinity, 1, F::kLog});
  add("log1p", {2, 0.7f, 0, kInfinity, 0, F::kLog1p}, 2);
  add("log10", {0.5f, 1, 0.001f, 30, 1, F::kLog10});
  add("sqrt", {3, 0.3f, 0, 35, 4, F::kSqrt}, 2);
  add("abs", {10, 0.1f, -kInfinity, kInfinity, 0, F::kAbs});
  add("power", {2, 0.4f, 0, kInfinity, 1, F::kPower, 0.37f});
  add("signed_log1p", {0, 1, -kInfinity, kInfinity, 0, F::kSignedLog1p});
  Scaling missing;
  missing.function = F::kIsMissing;
  add("is_missing", missing, 2);
  model.features.back().source = "sqrt";
  add("yeo_johnson", {1, 0.5f, -kInfinity, kInfinity, 0, F::kYeoJohnson, -0.4f}, 2);
  add("box_cox", {0, 0.3f, 0.01f, kInfinity, 1, F::kBoxCox, 0.0f});
  Scaling points{0, 2, -kInfinity, kInfinity, 3, F::kPoints};
  points.points = {{-1, 0}, {0.5, 0.25}, {0.5, 0.5}, {0.5, 0.75}, {4, 1}};
  add("points", points);
  points.function = F::kNormalPoints;
  add("normal_points", points);
  return model;
}

TrainedModel binned_description(std::uint64_t seed) {
  TrainedModel model = mmoe_description({11, 4, {16}, 2, {8}, 0, 0}, seed);
  model.name = "binned";
  Random random(seed + 400);
  model.embeddings = {
      {"ages", {4, 4, random.floats(16)}}, {"prices", {5, 4, random.floats(20)}}, {"steps", {3, 3, random.floats(9)}}};
  const auto binned = [](std::vector<double> bounds, bool right, bool f32, std::uint32_t first, UnknownRule rule) {
    Vocabulary vocabulary;
    for (std::uint32_t i = 0; i <= bounds.size(); ++i) vocabulary.ids.push_back(first + i);
    vocabulary.size = vocabulary.ids.size();
    vocabulary.bins = converter::Bins{std::move(bounds), right, f32};
    vocabulary.unknown = rule;
    vocabulary.unknown_id = 1;
    return vocabulary;
  };
  SequenceFeature steps;
  steps.vocabulary = binned({0, 1}, true, true, 0, UnknownRule::kZero);
  steps.embedding = 2;
  steps.length = 3;
  model.features = {
      {"age", converter::Side::kUser, 4,
       SparseFeature{binned({0.1f, 18, 25.5}, true, true, 0, UnknownRule::kError), 0}},
      {"price", converter::Side::kItem, 4, SparseFeature{binned({0.1, 9.99}, false, false, 2, UnknownRule::kId), 1}},
      {"steps", converter::Side::kUser, 3, steps}};
  return model;
}

TrainedModel hashed_description(std::uint64_t seed) {
  TrainedModel model = mmoe_description({19, 4, {16}, 2, {8}, 0, 0}, seed);
  model.name = "hashed";
  Random random(seed + 300);
  model.embeddings = {{"cities", {12, 4, random.floats(48)}}, {"others", {1000, 5, random.floats(5000)}}};
  using converter::BucketRule;
  using converter::HashedBytes;
  using converter::HashFunction;
  const auto hashed = [](std::size_t buckets, converter::Hashing hashing, UnknownRule rule) {
    Vocabulary vocabulary;
    vocabulary.hashing = std::move(hashing);
    vocabulary.size = buckets;
    vocabulary.unknown = rule;
    return vocabulary;
  };
  SequenceFeature words;
  words.vocabulary =
      hashed(1000, {HashFunction::kCRC32, 0, HashedBytes::kText, BucketRule::kUnsigned, 0, {}}, UnknownRule::kZero);
  words.embedding = 1;
  words.length = 3;
  const converter::Hashing city{HashFunction::kFarmHash64, 0, HashedBytes::kText, BucketRule::kUnsigned, 1, ""};
  const converter::Hashing shop{HashFunction::kMurmur3, 42, HashedBytes::kInt32, BucketRule::kFloored, 2, {}};
  const converter::Hashing user{HashFunction::kXXH64, 42, HashedBytes::kInt64, BucketRule::kAbsolute, 0, "-7"};
  model.features = {{"city", converter::Side::kUser, 4, SparseFeature{hashed(11, city, UnknownRule::kId), 0}},
                    {"shop", converter::Side::kItem, 5, SparseFeature{hashed(997, shop, UnknownRule::kError), 1}},
                    {"words", converter::Side::kUser, 5, words},
                    {"user", converter::Side::kUser, 5, SparseFeature{hashed(1000, user, UnknownRule::kZero), 1}}};
  return model;
}

TrainedModel weighted_description(std::uint64_t seed) {
  TrainedModel model = mmoe_description({15, 4, {16}, 2, {8}, 0, 0}, seed);
  model.name = "weighted";
  Random random(seed + 500);
  model.embeddings = {{"words", {6, 5, random.floats(30)}}, {"shops", {9, 3, random.floats(27)}}};
  const auto sequence = [](std::size_t embedding, std::size_t length, Pooling pooling, const char* weights) {
    SequenceFeature feature;
    feature.vocabulary.identity = true;
    feature.vocabulary.size = embedding == 0 ? 6 : 9;
    feature.vocabulary.unknown = UnknownRule::kZero;
    feature.embedding = embedding;
    feature.length = length;
    feature.pooling = pooling;
    feature.weights = weights;
    return feature;
  };
  SequenceFeature words = sequence(0, 4, Pooling::kSum, "word weights");
  words.padding_id = 0;
  model.features = {{"price", converter::Side::kItem, 1, DenseFeature{}},
                    {"tags", converter::Side::kUser, 3, sequence(1, 3, Pooling::kMean, "tag weights")},
                    {"words", converter::Side::kItem, 5, words},
                    {"seen", converter::Side::kItem, 3, sequence(1, 2, Pooling::kSqrtN, "seen weights")},
                    {"clicks", converter::Side::kUser, 3, sequence(1, 2, Pooling::kSqrtN, "")}};
  return model;
}

TrainedModel crossed_description(std::uint64_t seed) {
  TrainedModel model = mmoe_description({7, 4, {16}, 2, {8}, 0, 0}, seed);
  model.name = "crossed";
  Random random(seed + 400);
  model.embeddings = {{"places", {1001, 4, random.floats(4004)}}, {"pairs", {10, 3, random.floats(30)}}};
  using converter::HashedBytes;
  const auto crossed = [](std::size_t buckets, std::uint32_t first_id, HashedBytes of, UnknownRule rule) {
    Vocabulary vocabulary;
    vocabulary.hashing.emplace();
    vocabulary.hashing->bytes = HashedBytes::kCrossed;
    vocabulary.hashing->seed = 0xdecafcaffe;
    vocabulary.hashing->first_id = first_id;
    vocabulary.hashing->parts = {{"city", HashedBytes::kText}, {"hour", of}};
    vocabulary.size = buckets;
    vocabulary.unknown = rule;
    return vocabulary;
  };
  model.features = {
      {"place", converter::Side::kUser, 4, SparseFeature{crossed(1000, 1, HashedBytes::kInt64, UnknownRule::kId), 0}},
      {"pair", converter::Side::kItem, 3, SparseFeature{crossed(10, 0, HashedBytes::kText, UnknownRule::kError), 1}}};
  return model;
}

TrainedModel unknown_buckets_description(std::uint64_t seed) {
  using converter::HashedBytes;
  using converter::HashFunction;
  TrainedModel model = mmoe_description({15, 4, {16}, 2, {8}, 0, 0}, seed);
  model.name = "unknown buckets";
  Random random(seed + 600);
  model.embeddings = {{"words", {5, 3, random.floats(15)}}, {"buckets", {100, 3, random.floats(300)}}};
  const auto keyed = [](auto keys, std::vector<std::uint32_t> ids, UnknownRule rule, converter::Hashing others) {
    Vocabulary vocabulary;
    vocabulary.keys = std::move(keys);
    vocabulary.size = ids.size();
    vocabulary.ids = std::move(ids);
    vocabulary.unknown = rule;
    vocabulary.others = std::move(others);
    return vocabulary;
  };
  converter::Hashing words, numbers, joined, salted, tags;
  words.buckets = numbers.buckets = 3;
  words.mask = joined.mask = "";
  numbers.function = HashFunction::kValue;
  numbers.bytes = HashedBytes::kInt64;
  numbers.rule = converter::BucketRule::kFloored;
  joined.bytes = tags.bytes = HashedBytes::kJoined;
  joined.separator = tags.separator = "_";
  joined.parts = tags.parts = {{"user", HashedBytes::kText}, {"item", HashedBytes::kText}};
  joined.first_id = 1;
  joined.buckets = 1;
  salted.function = HashFunction::kSipHash24;
  salted.seed = 133;
  salted.seed_high = 137;
  tags.function = HashFunction::kMurmur64;
  tags.seed = 0xc70f6907;
  const auto hashed = [](const converter::Hashing& hashing, std::size_t buckets) {
    Vocabulary vocabulary;
    vocabulary.hashing = hashing;
    vocabulary.size = buckets;
    return vocabulary;
  };
  using Strings = std::vector<std::string>;
  model.features = {
      {"word", converter::Side::kUser, 3,
       SparseFeature{keyed(converter::StringList(Strings{"a", "b"}), {3, 4}, UnknownRule::kZero, words), 0}},
      {"number", converter::Side::kItem, 3,
       SparseFeature{keyed(std::vector<std::int64_t>{7, -3}, {3, 4}, UnknownRule::kError, numbers), 0}},
      {"pair", converter::Side::kItem, 3,
       SparseFeature{keyed(converter::StringList(Strings{"ua_ia", "ub_ia"}), {2, 3}, UnknownRule::kId, joined), 0}},
      {"salted", converter::Side::kUser, 3, SparseFeature{hashed(salted, 10), 1}},
      {"tag", converter::Side::kItem, 3, SparseFeature{hashed(tags, 100), 1}}};
  return model;
}

TrainedModel date_description(std::uint64_t seed) {
  using converter::DatePart;
  TrainedModel model = mmoe_description({12, 4, {16}, 2, {8}, 0, 0}, seed);
  model.name = "dates";
  Random random(seed + 700);
  model.embeddings = {{"parts", {60, 2, random.floats(120)}}};
  const auto add = [&model](const char* name, std::size_t size, const converter::Dates& dates, UnknownRule rule) {
    SparseFeature feature;
    feature.vocabulary.dates = dates;
    feature.vocabulary.size = size;
    feature.vocabulary.unknown = rule;
    model.features.push_back({name, converter::Side::kContext, 2, feature});
  };
  add("minute", 60, {DatePart::kMinute, 1, 0, 0}, UnknownRule::kError);
  add("hour", 24, {DatePart::kHour, 1, 0, 0}, UnknownRule::kZero);
  add("day_of_week", 7, {DatePart::kDayOfWeek, 1, 0, 0}, UnknownRule::kError);
  add("day", 31, {DatePart::kDay, 1, 0, 0}, UnknownRule::kError);
  add("month", 12, {DatePart::kMonth, 1, 0, 1}, UnknownRule::kError);
  add("local_hour", 24, {DatePart::kHour, 1000, -5400, 0}, UnknownRule::kId);
  return model;
}

std::vector<NamedModel> all_models(std::uint64_t seed) {
  return {
      {"MMoE", mmoe_description({}, seed)},
      {"MMoE, two layers", mmoe_description({50, 3, {40, 20}, 3, {16, 8}, 0, 0}, seed)},
      {"MMoE, narrow experts", mmoe_description({11, 5, {6}, 2, {3}, 0, 0}, seed)},
      {"MMoE, experts of 24", mmoe_description({33, 7, {24}, 2, {}, 0, 0}, seed)},
      {"OMoE", mmoe_description({20, 4, {16}, 3, {8}, 0, 1}, seed)},
      {"MoE", mmoe_description({20, 4, {16}, 1, {8}, 0, 1}, seed)},
      {"top-2", mmoe_description({20, 8, {16, 12}, 2, {8}, 2, 0}, seed)},
      {"top-1, narrow", mmoe_description({9, 5, {5}, 3, {4}, 1, 0}, seed)},
      {"Shared-Bottom", shared_bottom_description(seed)},
      {"PLE", ple_description(seed)},
      {"Cross-Stitch", cross_stitch_description(seed)},
      {"mixed", mixed_description(seed)},
      {"normalised", normalised_description(0, seed)},
      {"normalised, top-2", normalised_description(2, seed)},
      {"linked", linked_description(0, seed)},
      {"linked, top-3", linked_description(3, seed)},
      {"gate functions", gate_functions_description(0, seed)},
      {"gate functions, top-2", gate_functions_description(2, seed)},
      {"features", feature_description(seed)},
      {"sequences", sequence_description(seed)},
      {"parts", parts_description(0, seed)},
      {"parts, top-2", parts_description(2, seed)},
      {"parts of features", feature_parts_description(seed)},
      {"nodes", node_description(0, seed)},
      {"nodes, top-2", node_description(2, seed)},
      {"nodes of features", feature_node_description(seed)},
      {"attention", attention_description(seed)},
  };
}

std::vector<converter::NumberOptions> all_numbers() {
  using converter::TableType;
  using converter::WeightType;
  return {{WeightType::kF32, TableType::kF32},
          {WeightType::kF16, TableType::kF16},
          {WeightType::kBF16, TableType::kU8},
          {WeightType::kI8, TableType::kU4},
          {WeightType::kW8A8, TableType::kF16}};
}

AlignedBytes model_file(const TrainedModel& description, std::size_t golden_rows,
                        const converter::NumberOptions& numbers) {
  ConvertOptions options;
  options.numbers = numbers;
  options.num_golden_rows = golden_rows;
  return AlignedBytes(convert(description, {"test", 0, 0}, options).file);
}

void seal(const AlignedBytes& file) {
  std::uint32_t header = 0;
  std::memcpy(&header, file.data(), sizeof header);
  const std::uint64_t checksum = internal::xxh64(file.data(), header + sizeof header);
  std::memcpy(file.data() + file.size() - sizeof checksum, &checksum, sizeof checksum);
}

Model load(const AlignedBytes& file) {
  LoadOptions options;
  options.verify_checksums = true;
  Result<Model> model = Model::from_bytes(file.data(), file.size(), options);
  if (!model) throw std::runtime_error(model.error().message());
  return std::move(*model);
}

}  // namespace mmoe::test
