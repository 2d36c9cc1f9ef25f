#include "tests/fuzz/random_model.h"

#include <algorithm>
#include <string>
#include <vector>

#include "converter/model/every_layer.h"
#include "converter/reading/activations.h"
#include "tests/unit/models.h"

namespace mmoe::fuzz {
namespace {

using namespace converter;
using test::Random;

// Around the kernels' panels of 16 and their tiles.
std::size_t any_width(ByteSource& bytes) {
  return bytes.pick<std::size_t>({8, 1, 2, 3, 7, 9, 15, 16, 17, 24, 31, 33, 48});
}

// Those without slopes, ReLU once more. kExp is left to links: layers of it overflow.
std::vector<ActivationKind> plain_kinds() {
  std::vector<ActivationKind> kinds = activation_kinds();
  const auto is_left_out = [](ActivationKind kind) {
    return kind == ActivationKind::kPRelu || kind == ActivationKind::kDice || kind == ActivationKind::kExp;
  };
  kinds.erase(std::remove_if(kinds.begin(), kinds.end(), is_left_out), kinds.end());
  kinds.insert(kinds.begin(), ActivationKind::kRelu);
  return kinds;
}

class Builder {
 public:
  explicit Builder(ByteSource& bytes) : bytes_(bytes), random_(bytes.below(65536)) {}

  TrainedModel build() {
    model_.name = "fuzz";
    if (bytes_.chance(100)) {
      add_features();
    } else {
      model_.input_dim = any_width(bytes_) + bytes_.below(8);
      if (bytes_.chance(128)) model_.shared_dim = bytes_.between(1, model_.input_dim) - bytes_.below(2);
    }
    std::size_t width = model_.input_dim;
    if (bytes_.chance(60)) {
      model_.trunk = layers(width);
      width = model_.trunk.back().outputs();
    }
    streams_ = {width};
    const std::size_t num_levels = bytes_.pick<std::size_t>({1, 1, 1, 2, 2, 3});
    add_nodes(0);
    for (std::size_t l = 0; l < num_levels; ++l) {
      add_level(l);
      add_nodes(l + 1);
    }
    add_towers();
    add_tasks();
    choose_numbers();
    return std::move(model_);
  }

 private:
  void choose_numbers() {
    if (bytes_.chance(100)) return;
    for_each_layer(model_, [&](DenseLayer& layer) {
      layer.storage.type =
          bytes_.pick({WeightType::kF32, WeightType::kF16, WeightType::kBF16, WeightType::kI8, WeightType::kW8A8});
    });
    for (Embedding& embedding : model_.embeddings) {
      embedding.type = bytes_.pick({TableType::kF32, TableType::kF16, TableType::kU8, TableType::kU4});
    }
  }

  // ------------------------------------------------------------------------------------ layers
  Activation plain_activation() {
    Activation activation;
    activation.kind = plain_[bytes_.below(plain_.size())];
    activation.alpha = random_.uniform(0.05f, 1.0f);
    activation.beta = random_.uniform(1.0f, 2.0f);
    return activation;
  }

  Activation activation(std::size_t width) {
    Activation activation = plain_activation();
    if (bytes_.chance(40)) activation.kind = bytes_.pick({ActivationKind::kPRelu, ActivationKind::kDice});
    if (activation.kind == ActivationKind::kPRelu) activation.slopes = random_.floats(width, -0.5f, 0.5f);
    if (activation.kind == ActivationKind::kDice) {
      activation.slopes = random_.floats(width, -0.5f, 0.5f);
      if (bytes_.chance(128)) activation.dice_norm = test::random_norm(width, random_);
      activation.dice_epsilon = 1e-3;
    }
    return activation;
  }

  DenseLayer layer(std::size_t inputs, std::size_t outputs) {
    DenseLayer layer = test::random_layer(inputs, outputs, random_);
    if (bytes_.chance(40)) layer.bias.clear();
    layer.activation = activation(outputs);
    if (bytes_.chance(40)) layer.norm_before_activation = test::random_norm(outputs, random_);
    if (bytes_.chance(40)) layer.norm_after_activation = test::random_norm(outputs, random_);
    if (bytes_.chance(30)) layer.layer_norm_before_activation = test::random_layer_norm(outputs, random_);
    if (bytes_.chance(30)) layer.layer_norm_after_activation = test::random_layer_norm(outputs, random_);
    return layer;
  }

  Mlp layers(std::size_t inputs, std::size_t last = 0) {
    Mlp result;
    const std::size_t count = bytes_.between(1, 3);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t width = i + 1 == count && last != 0 ? last : any_width(bytes_);
      result.push_back(layer(inputs, width));
      inputs = width;
    }
    return result;
  }

  // ------------------------------------------------------------------------------------ levels
  /// Of what reads it; may be x, or parts of it.
  std::size_t choose_input(StreamRef& input) {
    if (bytes_.chance(40)) {
      input = input_stream(model_.features.empty() ? some_columns() : some_features());
      const bool previous_is_x = model_.levels.empty() && model_.trunk.empty();
      for (std::size_t i = 0, count = previous_is_x ? 0 : bytes_.below(3); i < count; ++i) add_output(input);
      return input.width_of_parts();
    }
    if (!model_.nodes.empty() && bytes_.chance(90)) {
      input = StreamRef(StreamSource::kNode, bytes_.below(model_.nodes.size()));
      return model_.nodes[input.index].width();
    }
    input.source = bytes_.chance(50) ? StreamSource::kModelInput : StreamSource::kPrevious;
    input.index = input.is_input() ? 0 : bytes_.below(streams_.size());
    return input.is_input() ? model_.input_dim : streams_[input.index];
  }

  // Columns of an output of the level before, anywhere among the parts.
  void add_output(StreamRef& input) {
    const std::size_t index = bytes_.below(streams_.size()), first = bytes_.below(streams_[index]);
    const StreamPart part{StreamSource::kPrevious, index, {first, bytes_.between(1, streams_[index] - first)}};
    input.parts.insert(input.parts.begin() + static_cast<std::ptrdiff_t>(bytes_.below(input.parts.size() + 1)), part);
  }

  // Runs of columns that may lie anywhere; at least one.
  std::vector<ColumnRange> some_columns() {
    std::vector<ColumnRange> columns;
    for (std::size_t first = bytes_.below(model_.input_dim); first < model_.input_dim;) {
      const std::size_t width = bytes_.between(1, model_.input_dim - first);
      columns.push_back({first, width});
      first += width + bytes_.below(3);
    }
    if (bytes_.chance(128)) std::reverse(columns.begin(), columns.end());
    return columns;
  }

  std::vector<ColumnRange> some_features() {
    std::vector<ColumnRange> columns;
    std::size_t first = 0;
    for (const Feature& feature : model_.features) {
      if (bytes_.chance(128)) columns.push_back({first, feature.width});
      first += feature.width;
    }
    if (columns.empty()) columns.push_back({0, model_.features.front().width});
    if (bytes_.chance(128)) std::reverse(columns.begin(), columns.end());
    return columns;
  }

  // ------------------------------------------------------------------------------------ nodes
  void add_nodes(std::size_t level) {
    for (std::size_t i = 0, count = bytes_.pick<std::size_t>({0, 0, 1, 2, 4}); i < count; ++i) {
      if (bytes_.chance(60)) add_attention(level);
      Node node = bytes_.chance(80) ? mlp_node() : bytes_.chance(60) ? elements_node() : operation();
      if (node.kind != NodeKind::kMlp && node.width() == 0) continue;
      node.name = "node " + std::to_string(model_.nodes.size());
      node.level = level;
      model_.nodes.push_back(std::move(node));
    }
  }

  // To what a node gives, by an MLP's numbers.
  void add_attention(std::size_t level) {
    if (model_.nodes.empty()) return;
    const StreamRef sequence(StreamSource::kNode, bytes_.below(model_.nodes.size()));
    const std::size_t columns = model_.nodes[sequence.index].width(), length = bytes_.between(1, 4);
    if (columns % length != 0 || columns / length < 2) return;
    Node query = mlp_node(), node;
    query.layers.push_back(layer(query.layers.back().outputs(), columns / length - 1));
    node.kind = NodeKind::kAttention;
    node.input_width = query.layers.back().outputs();
    node.inputs = {StreamRef(StreamSource::kNode, model_.nodes.size()), sequence};
    node.attention.length = length;
    node.attention.masked = bytes_.chance(128);
    node.attention.softmax = bytes_.chance(128);
    node.attention.terms = {AttentionTerm::kDifference, AttentionTerm::kElement, AttentionTerm::kProduct};
    if (bytes_.chance(128)) node.attention.terms.push_back(AttentionTerm::kQuery);
    node.layers = test::random_mlp(node.attention.terms.size() * node.input_width, {any_width(bytes_), 1}, random_,
                                   ActivationKind::kRelu, ActivationKind::kIdentity);
    for (Node* each : {&query, &node}) {
      each->name = "node " + std::to_string(model_.nodes.size());
      each->level = level;
      model_.nodes.push_back(*each);
    }
  }

  Node mlp_node() {
    Node node;
    const std::size_t inputs = choose_input(node.input);
    node.layers = layers(inputs);
    return node;
  }

  // Layers for each element of what is read, or attention between its elements.
  Node elements_node() {
    Node node;
    StreamRef input;
    node.input_width = choose_input(input);
    node.group = bytes_.pick<std::size_t>({1, 2, 3, 4, 8});
    const std::size_t elements = node.input_width / node.group;
    if (elements == 0 || node.input_width % node.group != 0) return mlp_node();
    node.inputs = {input};
    if (bytes_.chance(128)) {
      node.kind = NodeKind::kEach;
      node.layers = layers(node.group);
      return node.width() > 4096 ? mlp_node() : node;
    }
    if (elements > 64) return mlp_node();
    node.kind = NodeKind::kScaledDot;
    node.inputs = {input, input, input};
    if (bytes_.chance(128)) {
      StreamRef mask;
      if (choose_input(mask) <= elements) node.inputs.push_back(mask);
    }
    node.query_width = node.input_width;
    node.value_width = node.group;
    node.heads = node.group % 2 == 0 && bytes_.chance(128) ? 2 : 1;
    node.causal = bytes_.chance(128);
    node.scale = random_.uniform(-1, 1);
    return node;
  }

  Node operation() {
    Node node;
    node.kind =
        bytes_.pick({NodeKind::kSum, NodeKind::kProduct, NodeKind::kDot, NodeKind::kLowerPairs, NodeKind::kUpperPairs,
                     NodeKind::kBiInteraction, NodeKind::kSumOfGroups, NodeKind::kSumWithinGroups, NodeKind::kSoftmax});
    StreamRef input;
    node.input_width = choose_input(input);
    if (node.input_width == 0) return mlp_node();
    node.inputs = {input};
    const bool by_element = node.kind == NodeKind::kSum || node.kind == NodeKind::kProduct;
    if (node.kind == NodeKind::kDot) node.inputs.push_back(input);
    for (std::size_t i = 0, count = by_element ? bytes_.below(4) : 0; i < count; ++i) {
      StreamRef other;
      const std::size_t width = choose_input(other);
      if (width == 0 || node.input_width % width != 0) continue;
      node.inputs.push_back(other);
    }
    if (!by_element && node.kind != NodeKind::kSoftmax) {
      const std::size_t group = bytes_.pick<std::size_t>({0, 1, 2, 3, 4, 8});
      if (group != 0 && node.input_width % group == 0) node.group = group;
    }
    if (node.kind != NodeKind::kSum && node.kind != NodeKind::kSoftmax) node.scale = random_.uniform(-1, 1);
    if (node.kind == NodeKind::kSum && bytes_.chance(80)) node.constant = random_.floats(node.input_width);
    if (node.kind != NodeKind::kSoftmax && bytes_.chance(100)) node.activation = plain_activation();
    return node;
  }

  void add_level(std::size_t number) {
    Level level;
    const std::size_t width = any_width(bytes_);
    const std::size_t num_experts = bytes_.between(1, 7);
    const bool alike = bytes_.chance(128);  // experts that can be laid side by side
    for (std::size_t e = 0; e < num_experts; ++e) {
      Expert expert;
      if (alike && e > 0) {
        expert = level.experts.front();
      } else {
        const std::size_t inputs = choose_input(expert.input);
        expert.layers = layers(inputs, width);
      }
      expert.name = "expert " + std::to_string(number) + "." + std::to_string(e);
      level.experts.push_back(std::move(expert));
    }
    const std::size_t num_gates = bytes_.between(1, 4);
    for (std::size_t g = 0; g < num_gates; ++g) level.gates.push_back(gate(num_experts, g));
    streams_.assign(num_gates, width);
    model_.levels.push_back(std::move(level));
  }

  Gate gate(std::size_t num_experts, std::size_t number) {
    Gate gate;
    gate.name = "gate " + std::to_string(number);
    for (std::size_t e = 0; e < num_experts; ++e) {
      if (!bytes_.chance(60)) gate.experts.push_back(e);
    }
    if (gate.experts.empty()) gate.experts.push_back(bytes_.below(num_experts));
    if (bytes_.chance(40)) {
      gate.constant_weights = random_.floats(gate.experts.size(), -1.5f, 1.5f);
      return gate;
    }
    std::size_t inputs = choose_input(gate.input);
    if (bytes_.chance(50)) {
      gate.hidden = layers(inputs);
      inputs = gate.hidden.back().outputs();
    }
    if (bytes_.chance(40) && gate.experts.size() > 1) {
      gate.function = GateFunction::kSmoothStep;
      gate.num_selectors = bytes_.between(1, 3);
      gate.gamma = bytes_.pick({1.0, 0.5, 4.0});
      const std::size_t outputs = gate.num_selectors * selector_outputs(gate.experts.size());
      gate.logits = test::random_layer(inputs, outputs, random_, ActivationKind::kIdentity);
      if (bytes_.chance(120)) gate.top_k = bytes_.between(1, gate.experts.size());
      if (bytes_.chance(40)) gate.weight_scales = random_.floats(gate.experts.size(), -1, 2);
      return gate;
    }
    gate.logits = test::random_layer(inputs, gate.experts.size(), random_, ActivationKind::kIdentity);
    if (bytes_.chance(50)) {
      gate.function = GateFunction::kActivation;
      gate.logits->activation = plain_activation();
    }
    if (bytes_.chance(40)) gate.logits->norm_before_activation = test::random_norm(gate.experts.size(), random_);
    if (bytes_.chance(120)) gate.top_k = bytes_.between(1, gate.experts.size());
    if (bytes_.chance(80) && gate.function == GateFunction::kSoftmax) gate.top_k_mode = TopKMode::kTopKOfSoftmax;
    if (bytes_.chance(40)) gate.weight_scales = random_.floats(gate.experts.size(), -1, 2);
    if (bytes_.chance(50)) gate.temperature = bytes_.pick({0.25, 0.7, 3.0});
    return gate;
  }

  // ------------------------------------------------------------------------------------ towers and tasks
  void add_towers() {
    const std::size_t count = bytes_.between(1, 4);
    for (std::size_t t = 0; t < count; ++t) {
      Tower tower;
      tower.name = "tower " + std::to_string(t);
      const std::size_t inputs = choose_input(tower.input);
      tower.layers = layers(inputs, bytes_.chance(60) ? bytes_.between(2, 5) : 1);
      model_.towers.push_back(std::move(tower));
    }
  }

  void add(Link link) {
    if (bytes_.chance(60)) {
      link.activation = plain_activation();
      if (bytes_.chance(40)) link.activation.kind = ActivationKind::kExp;
    }
    if (bytes_.chance(40)) link.scale = random_.uniform(-2, 2), link.shift = random_.uniform(-1, 1);
    if (bytes_.chance(30)) link.lower = -0.25f, link.upper = 0.75f;
    model_.tasks.push_back({"task " + std::to_string(model_.tasks.size()), std::move(link)});
    model_.tasks.back().output = !bytes_.chance(40);
  }

  Link tower_link(std::size_t tower, std::size_t outputs) {
    Link link = sigmoid_link(tower);
    if (outputs == 1) return bytes_.chance(100) ? identity_link(tower) : link;
    link = softmax_link(tower, bytes_.below(outputs));
    link.source = bytes_.pick({LinkSource::kSoftmaxColumn, LinkSource::kLogSoftmaxColumn, LinkSource::kExpectedValue});
    if (link.source == LinkSource::kExpectedValue) {
      link.column = 0;
      link.values = random_.floats(outputs, -5, 5);
    }
    return link;
  }

  void add_tasks() {
    for (std::size_t t = 0; t < model_.towers.size(); ++t) {
      const std::size_t outputs = model_.towers[t].layers.back().outputs();
      for (std::size_t i = 0, count = bytes_.between(1, 2); i < count; ++i) add(tower_link(t, outputs));
      if (!bytes_.chance(50)) continue;
      std::vector<std::size_t> factors(bytes_.between(1, 3));
      for (std::size_t& factor : factors) factor = bytes_.below(model_.tasks.size());
      add(product_link(std::move(factors)));
    }
    // Every task that is no output is a factor, and there is at least one output.
    std::vector<std::size_t> hidden;
    for (std::size_t t = 0; t < model_.tasks.size(); ++t) {
      if (!model_.tasks[t].output) hidden.push_back(t);
    }
    if (hidden.empty()) return;
    model_.tasks.push_back({"product", product_link(std::move(hidden))});
  }

  // ------------------------------------------------------------------------------------ features
  void add_features() {
    const std::size_t num_tables = bytes_.between(1, 3);
    for (std::size_t t = 0; t < num_tables; ++t) {
      const std::size_t ids = bytes_.between(2, 9), width = bytes_.between(1, 17);
      model_.embeddings.push_back({"table", {ids, width, random_.floats(ids * width)}});
    }
    const std::size_t count = bytes_.between(1, 6);
    for (std::size_t i = 0; i < count; ++i) model_.features.push_back(feature("feature " + std::to_string(i)));
    // A table that no feature reads is none of the model's.
    for (std::size_t t = 0; t < num_tables; ++t) model_.features.push_back(sparse("table " + std::to_string(t), t));
    for (const Feature& feature : model_.features) model_.input_dim += feature.width;
  }

  converter::Side side() {
    return bytes_.pick({converter::Side::kContext, converter::Side::kUser, converter::Side::kItem});
  }

  converter::Hashing hashing(std::size_t most_first) {
    using converter::BucketRule;
    using converter::HashedBytes;
    using converter::HashFunction;
    converter::Hashing hashing;
    hashing.function = bytes_.pick({HashFunction::kFarmHash64, HashFunction::kXXH64, HashFunction::kCRC32,
                                    HashFunction::kMurmur64, HashFunction::kSipHash24});
    hashing.bytes = bytes_.pick({HashedBytes::kText, HashedBytes::kInt64, HashedBytes::kInt32});
    hashing.rule = bytes_.pick({BucketRule::kUnsigned, BucketRule::kAbsolute, BucketRule::kFloored});
    if (hashing.bytes == HashedBytes::kText && bytes_.chance(60)) hashing.prefix = "prefix=";
    hashing.first_id = static_cast<std::uint32_t>(bytes_.between(0, most_first));
    if (bytes_.chance(128)) hashing.mask = "masked";
    return hashing;
  }

  Vocabulary vocabulary(std::size_t ids) {
    Vocabulary vocabulary;
    vocabulary.identity = bytes_.chance(200);
    vocabulary.size = bytes_.between(1, ids);
    if (!vocabulary.identity && vocabulary.size > 1 && bytes_.chance(128)) {
      vocabulary.bins = Bins{{}, bytes_.chance(128), bytes_.chance(128)};
      for (std::size_t i = 1; i < vocabulary.size; ++i) vocabulary.bins->bounds.push_back(static_cast<double>(i) / 3);
      for (std::size_t i = 0; i < vocabulary.size; ++i) vocabulary.ids.push_back(static_cast<std::uint32_t>(i));
    } else if (!vocabulary.identity) {
      vocabulary.hashing = hashing(ids - vocabulary.size);
    }
    vocabulary.unknown = bytes_.pick({UnknownRule::kError, UnknownRule::kId, UnknownRule::kZero});
    vocabulary.unknown_id = static_cast<std::uint32_t>(bytes_.below(ids));
    return vocabulary;
  }

  Feature sparse(const std::string& name, std::size_t table) {
    const converter::Table& matrix = model_.embeddings[table].table;
    return {name, side(), matrix.cols, SparseFeature{vocabulary(matrix.rows), table}};
  }

  Feature feature(const std::string& name) {
    const std::size_t table = bytes_.below(model_.embeddings.size());
    switch (bytes_.below(3)) {
      case 0: return dense(name);
      case 1: return sparse(name, table);
      default: break;
    }
    const converter::Table& matrix = model_.embeddings[table].table;
    SequenceFeature sequence;
    sequence.vocabulary = vocabulary(matrix.rows);
    sequence.embedding = table;
    sequence.length = bytes_.between(1, 6);
    sequence.pooling = bytes_.pick({Pooling::kSum, Pooling::kMean, Pooling::kMax, Pooling::kSqrtN});
    if (bytes_.chance(100)) sequence.padding_id = static_cast<std::uint32_t>(bytes_.below(matrix.rows));
    if (bytes_.chance(100)) sequence.empty_id = static_cast<std::uint32_t>(bytes_.below(matrix.rows));
    return {name, side(), matrix.cols, sequence};
  }

  Feature dense(const std::string& name) {
    DenseFeature dense;
    std::size_t width = bytes_.between(1, 5);
    if (bytes_.chance(128)) dense.scaling = {random_.uniform(-1, 1), random_.uniform(-2, 2), -1.5f, 1.0f, 0.25f};
    if (bytes_.chance(60)) {
      dense.scaling.function = bytes_.pick({NumberFunction::kLog1p, NumberFunction::kSqrt, NumberFunction::kAbs,
                                            NumberFunction::kSignedLog1p, NumberFunction::kPower});
      dense.scaling.exponent = bytes_.pick({0.5f, 2.0f, -1.0f, 3.0f});
    }
    if (bytes_.chance(60)) {
      const std::size_t inputs = width;
      width = bytes_.between(1, 9);
      dense.projection = Projection{{width, inputs, random_.floats(width * inputs)}, {}};
      if (bytes_.chance(128)) dense.projection->bias = random_.floats(width);
    }
    return {name, side(), width, dense};
  }

  ByteSource& bytes_;
  Random random_;
  TrainedModel model_;
  const std::vector<ActivationKind> plain_ = plain_kinds();
  std::vector<std::size_t> streams_;  // widths of the level before's outputs
};

}  // namespace

converter::TrainedModel random_model(ByteSource& bytes) { return Builder(bytes).build(); }

}  // namespace mmoe::fuzz
