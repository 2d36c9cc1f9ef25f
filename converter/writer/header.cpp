#include "converter/writer/header.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>

#include "converter/error.h"
#include "converter/model/architecture.h"
#include "converter/quantise/quantise.h"
#include "schema/format.h"

#ifndef MMOE_VERSION
#error "MMOE_VERSION is set by the build"
#endif

namespace mmoe::converter {
namespace {

using flatbuffers::FlatBufferBuilder;
template <class T>
using Offset = flatbuffers::Offset<T>;

schema::Side to_schema(Side side) {
  return side == Side::kUser ? schema::Side_User : side == Side::kItem ? schema::Side_Item : schema::Side_Context;
}

schema::UnknownRule to_schema(UnknownRule rule) {
  return rule == UnknownRule::kId     ? schema::UnknownRule_Id
         : rule == UnknownRule::kZero ? schema::UnknownRule_Zero
                                      : schema::UnknownRule_Error;
}

// What is cast below is numbered alike.
template <auto ours, auto file>
constexpr bool kSame = static_cast<int>(ours) == static_cast<int>(file);
static_assert(kSame<ActivationKind::kExp, schema::ActivationKind_Exp>);  // as all are: kernels/activations.h
static_assert(kSame<NormUse::kBeforeActivation, schema::NormUse_BeforeActivation>);
static_assert(kSame<NormUse::kAfterActivation, schema::NormUse_AfterActivation>);
static_assert(kSame<NormUse::kDice, schema::NormUse_Dice>);
static_assert(kSame<Pooling::kSum, schema::Pooling_Sum>);
static_assert(kSame<Pooling::kMean, schema::Pooling_Mean>);
static_assert(kSame<Pooling::kMax, schema::Pooling_Max>);
static_assert(kSame<Pooling::kKept, schema::Pooling_Kept>);
static_assert(kSame<Pooling::kSqrtN, schema::Pooling_SqrtN>);
static_assert(kSame<NumberFunction::kNormalPoints, schema::NumberFunction_NormalPoints>);
static_assert(kSame<HashFunction::kValue, schema::HashFunction_Value>);
static_assert(kSame<HashedBytes::kJoined, schema::HashedBytes_Joined>);
static_assert(kSame<DatePart::kMonth, schema::DatePart_Month>);
static_assert(kSame<BucketRule::kSigned, schema::BucketRule_Signed>);
static_assert(kSame<NodeKind::kAttention, schema::NodeKind_Attention>);
static_assert(kSame<NodeKind::kScaledDot, schema::NodeKind_ScaledDot>);
static_assert(kSame<NodeKind::kLowerPairs, schema::NodeKind_LowerPairs>);

// Dice is a use of the layer's normalisation; softplus with a sharpness is a function of its own.
schema::ActivationKind to_schema(ActivationKind kind, float alpha) {
  if (kind == ActivationKind::kDice) return schema::ActivationKind_Identity;
  const bool scaled = kind == ActivationKind::kSoftplus && alpha != 1;
  return scaled ? schema::ActivationKind_ScaledSoftplus : static_cast<schema::ActivationKind>(kind);
}

// What readers of version 2.0 do not know of features.
bool has_transforms(const TrainedModel& model) {
  return std::any_of(model.features.begin(), model.features.end(), [](const Feature& feature) {
    const auto* dense = std::get_if<DenseFeature>(&feature.kind);
    if (dense) return dense->scaling.function != NumberFunction::kIdentity;
    const auto* sequence = std::get_if<SequenceFeature>(&feature.kind);
    if (sequence && (sequence->pooling == Pooling::kSqrtN || !sequence->weights.empty() || sequence->empty_id)) {
      return true;
    }
    const Vocabulary& vocabulary = *feature.vocabulary();
    return vocabulary.hashing || vocabulary.bins || vocabulary.dates || vocabulary.others;
  });
}

schema::Pooling pooling_of(const SequenceFeature& sequence) {
  if (sequence.weights.empty()) return static_cast<schema::Pooling>(sequence.pooling);
  switch (sequence.pooling) {
    case Pooling::kSum: return schema::Pooling_WeightedSum;
    case Pooling::kMean: return schema::Pooling_WeightedMean;
    case Pooling::kSqrtN: return schema::Pooling_WeightedSqrtN;
    case Pooling::kMax:
    case Pooling::kKept: break;
  }
  throw ConvertError("internal error: weights that are not summed");
}

schema::StreamSource to_schema(StreamSource source) {
  switch (source) {
    case StreamSource::kPrevious: return schema::StreamSource_Previous;
    case StreamSource::kModelInput: return schema::StreamSource_ModelInput;
    case StreamSource::kNode: return schema::StreamSource_Node;
  }
  throw ConvertError("internal error: unknown stream");
}

schema::LinkKind to_schema(LinkSource source) {
  switch (source) {
    case LinkSource::kLogit: return schema::LinkKind_Identity;
    case LinkSource::kSoftmaxColumn: return schema::LinkKind_Softmax;
    case LinkSource::kLogSoftmaxColumn: return schema::LinkKind_LogSoftmax;
    case LinkSource::kExpectedValue: return schema::LinkKind_Expected;
    case LinkSource::kProduct: return schema::LinkKind_Product;
  }
  throw ConvertError("internal error: unknown link");
}

bool is_scaled(const Link& link) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  return link.scale != 1 || link.shift != 0 || link.lower != -kInfinity || link.upper != kInfinity;
}

// Of the links that need no map; nullopt: it needs one.
std::optional<schema::LinkKind> plain_kind(const Link& link) {
  if (is_scaled(link)) return std::nullopt;
  if (link.activation.kind == ActivationKind::kIdentity) return to_schema(link.source);
  const bool sigmoid = link.source == LinkSource::kLogit && link.activation.kind == ActivationKind::kSigmoid;
  return sigmoid ? std::optional(schema::LinkKind_Sigmoid) : std::nullopt;
}

// The gates that version 2.0 has.
bool softmax_gates_alone(const TrainedModel& model) {
  for (const Level& level : model.levels) {
    for (const Gate& gate : level.gates) {
      if (gate.function != GateFunction::kSoftmax) return false;
    }
  }
  return true;
}

class HeaderWriter {
 public:
  explicit HeaderWriter(const HeaderContents& contents)
      : model_(contents.model),
        segments_(contents.segments),
        tensors_(contents.tensors),
        golden_(contents.golden),
        provenance_(contents.provenance) {
    // Fields that hold their default are written too, so that the header's size does not depend on values.
    out_.ForceDefaults(true);
  }

  std::vector<uint8_t> write(const Placement& placement) {
    const TrainedModel& description = model_.description;
    const auto name = out_.CreateString(description.name);
    const auto architecture = out_.CreateString(architecture_name(description));
    const auto features = write_features();
    const auto embeddings = write_embeddings();
    const auto trunk = write_mlp(model_.trunk);
    std::vector<Offset<schema::Level>> levels;
    for (size_t i = 0; i < model_.levels.size(); ++i) levels.push_back(write_level(i));
    const auto level_vector = out_.CreateVector(levels);
    const auto towers = write_towers();
    const auto tasks = write_tasks(description.tasks);
    Offset<flatbuffers::Vector<Offset<schema::Task>>> auxiliary;
    if (!model_.auxiliary.empty()) auxiliary = write_tasks(model_.auxiliary);
    const auto tensors = write_tensors();
    const auto segments = write_segments(placement);
    const auto golden = write_golden();
    const auto provenance = write_provenance();
    const auto header_checksum = static_cast<int32_t>(segments_.segments().size());
    const auto score_change = write_score_change();
    const auto nodes = write_nodes();
    const auto streams = write_streams();
    const bool as_first = is_f32(model_) && !has_transforms(description) && softmax_gates_alone(description) &&
                          parts_.empty() && description.nodes.empty();
    const auto minor = as_first ? schema::kVersionMinorOfFirst : schema::kVersionMinor;
    const auto root =
        schema::CreateModel(out_, schema::kVersionMajor, minor, name, architecture, u32(description.input_dim),
                            u32(model_.shared_dim), features, embeddings, trunk, level_vector, towers, tasks, tensors,
                            segments, header_checksum, golden, provenance, auxiliary, score_change, streams, nodes);
    schema::FinishSizePrefixedModelBuffer(out_, root);
    return {out_.GetBufferPointer(), out_.GetBufferPointer() + out_.GetSize()};
  }

 private:
  static uint32_t u32(size_t n) { return static_cast<uint32_t>(n); }
  static int32_t i32(size_t n) { return static_cast<int32_t>(n); }

  static std::vector<uint32_t> u32s(const std::vector<size_t>& numbers) {
    return std::vector<uint32_t>(numbers.begin(), numbers.end());
  }

  static schema::ActivationKind activation_of(const LoweredDense& layer) {
    return to_schema(layer.activation, layer.alpha);
  }

  Offset<schema::Norm> write_norm(const LoweredDense& layer) {
    const auto kind = layer.norm == NormKind::kLayer ? schema::NormKind_Layer : schema::NormKind_Channel;
    const auto use = static_cast<schema::NormUse>(layer.norm_use);
    const auto scale_shift = static_cast<uint32_t>(tensors_.fused_layers[layer.fused_layer].scale_shift);
    return schema::CreateNorm(out_, kind, use, scale_shift, layer.norm_epsilon);
  }

  Offset<schema::Dense> write_dense(const LoweredDense& layer) {
    const ModelTensors::FusedTensors& fused_layer = tensors_.fused_layers[layer.fused_layer];
    const bool slopes = layer.activation == ActivationKind::kPRelu || layer.activation == ActivationKind::kDice;
    Offset<schema::Norm> norm;
    if (layer.norm != NormKind::kNone) norm = write_norm(layer);
    return schema::CreateDense(out_, fused_layer.weight, fused_layer.bias, u32(layer.column), u32(layer.inputs),
                               u32(layer.outputs), activation_of(layer), layer.alpha, layer.beta,
                               slopes ? fused_layer.slopes : -1, norm);
  }

  Offset<flatbuffers::Vector<Offset<schema::Dense>>> write_mlp(const LoweredMlp& layers) {
    std::vector<Offset<schema::Dense>> offsets;
    for (const LoweredDense& layer : layers) offsets.push_back(write_dense(layer));
    return out_.CreateVector(offsets);
  }

  static schema::StreamSource source_of(const StreamRef& input) {
    return input.parts.empty() ? to_schema(input.source) : schema::StreamSource_Named;
  }

  static schema::GateKind kind_of(const Gate& gate) {
    if (!gate.logits) return schema::GateKind_Constant;
    switch (gate.function) {
      case GateFunction::kActivation: return schema::GateKind_Activated;
      case GateFunction::kSmoothStep: return schema::GateKind_SmoothStep;
      case GateFunction::kSoftmax: break;
    }
    return gate.weight_scales.empty() ? schema::GateKind_Softmax : schema::GateKind_ScaledSoftmax;
  }

  // Numbers lists of parts as they occur.
  uint32_t index_of(const StreamRef& input) {
    if (input.parts.empty()) return u32(input.index);
    return parts_.try_emplace(input.parts, u32(parts_.size())).first->second;
  }

  // All those that have been numbered; absent where there are none.
  Offset<flatbuffers::Vector<Offset<schema::Stream>>> write_streams() {
    std::vector<Offset<schema::Stream>> streams(parts_.size());
    for (const auto& [list, index] : parts_) streams[index] = write_stream(list);
    if (streams.empty()) return {};
    return out_.CreateVector(streams);
  }

  Offset<schema::Stream> write_stream(const std::vector<StreamPart>& list) {
    std::vector<Offset<schema::StreamPart>> parts;
    for (const StreamPart& part : list) {
      parts.push_back(schema::CreateStreamPart(out_, u32(part.columns.first), u32(part.columns.width),
                                               to_schema(part.source), u32(part.index)));
    }
    const auto vector = out_.CreateVector(parts);
    return schema::CreateStream(out_, vector);
  }

  // A node's operand: one that is a whole stream has it as its only part.
  Offset<schema::Stream> write_operand(const Node& node, const StreamRef& input) {
    if (!input.parts.empty()) return write_stream(input.parts);
    const TrainedModel& model = model_.description;
    const size_t width = input.source == StreamSource::kNode ? model.nodes[input.index].width()
                         : node.level == 0                   ? model.trunk.back().outputs()
                                                             : output_width(model.levels[node.level - 1], input.index);
    return write_stream({{input.source, input.index, {0, width}}});
  }

  static size_t output_width(const Level& level, size_t gate) {
    return level.experts[level.gates[gate].experts.front()].layers.back().outputs();
  }

  Offset<schema::Node> write_node(size_t index) {
    const Node& node = model_.description.nodes[index];
    const auto name = out_.CreateString(node.name);
    const auto kind = static_cast<schema::NodeKind>(node.kind);
    if (node.kind == NodeKind::kMlp) {
      const auto layers = write_mlp(model_.nodes[index]);
      return schema::CreateNode(out_, name, kind, u32(node.level), source_of(node.input), index_of(node.input), layers);
    }
    std::vector<Offset<schema::Stream>> inputs;
    for (const StreamRef& input : node.inputs) inputs.push_back(write_operand(node, input));
    const auto vector = out_.CreateVector(inputs);
    if (node.kind == NodeKind::kAttention) return write_attention(node, model_.nodes[index], name, vector);
    if (node.kind == NodeKind::kEach || node.kind == NodeKind::kScaledDot) {
      const auto layers = node.layers.empty() ? 0 : write_mlp(model_.nodes[index]);
      return schema::CreateNode(out_, name, kind, u32(node.level), schema::StreamSource_Previous, 0, layers, vector,
                                u32(node.group), node.scale, -1, schema::ActivationKind_Identity, 0, 0, 0, 0, 0, 0,
                                false, false, u32(node.heads), node.causal);
    }
    const Activation& activation = node.activation;
    return schema::CreateNode(out_, name, kind, u32(node.level), schema::StreamSource_Previous, 0, 0, vector,
                              u32(node.group), node.scale, tensors_.node_constants[index],
                              to_schema(activation.kind, activation.alpha), activation.alpha, activation.beta);
  }

  Offset<schema::Node> write_attention(const Node& node, const LoweredMlp& lowered, Offset<flatbuffers::String> name,
                                       Offset<flatbuffers::Vector<Offset<schema::Stream>>> inputs) {
    const auto query = write_dense(lowered[0]), keys = write_dense(lowered[1]), product = write_dense(lowered[2]);
    const auto layers = write_mlp({lowered.begin() + 3, lowered.end()});
    const Attention& attention = node.attention;
    return schema::CreateNode(out_, name, schema::NodeKind_Attention, u32(node.level), schema::StreamSource_Previous, 0,
                              layers, inputs, 0, 1, -1, schema::ActivationKind_Identity, 0, 0, query, keys, product,
                              u32(attention.length), attention.masked, attention.softmax);
  }

  // Absent where there are none.
  Offset<flatbuffers::Vector<Offset<schema::Node>>> write_nodes() {
    std::vector<Offset<schema::Node>> nodes;
    for (size_t i = 0; i < model_.description.nodes.size(); ++i) nodes.push_back(write_node(i));
    if (nodes.empty()) return {};
    return out_.CreateVector(nodes);
  }

  Offset<schema::Gate> write_gate(const Gate& gate, const LoweredGate& lowered, int32_t weights) {
    const auto name = out_.CreateString(gate.name);
    const auto hidden = write_mlp(lowered.hidden);
    Offset<schema::Dense> logits;
    if (gate.logits) logits = write_dense(lowered.logits);
    const auto experts = out_.CreateVector(u32s(gate.experts));
    const bool scaled = gate.logits && !gate.weight_scales.empty();
    const auto mode =
        gate.top_k_mode == TopKMode::kTopKOfSoftmax ? schema::TopKMode_TopKOfSoftmax : schema::TopKMode_SoftmaxOfTopK;
    return schema::CreateGate(out_, name, kind_of(gate), source_of(gate.input), index_of(gate.input), hidden, logits,
                              experts, u32(gate.top_k), mode, gate.logits ? -1 : weights, scaled ? weights : -1,
                              u32(gate.num_selectors));
  }

  Offset<schema::Level> write_level(size_t index) {
    const Level& level = model_.description.levels[index];
    const LoweredLevel& lowered = model_.levels[index];
    std::vector<Offset<schema::Expert>> experts;
    for (size_t e = 0; e < level.experts.size(); ++e) {
      const Expert& expert = level.experts[e];
      const auto name = out_.CreateString(expert.name);
      const auto layers = write_mlp(lowered.experts[e].layers);
      experts.push_back(schema::CreateExpert(out_, name, source_of(expert.input), index_of(expert.input), layers));
    }
    std::vector<Offset<schema::Gate>> gates;
    for (size_t g = 0; g < level.gates.size(); ++g) {
      gates.push_back(write_gate(level.gates[g], lowered.gates[g], tensors_.constants[index][g]));
    }
    const auto expert_vector = out_.CreateVector(experts);
    const auto gate_vector = out_.CreateVector(gates);
    return schema::CreateLevel(out_, expert_vector, gate_vector);
  }

  Offset<flatbuffers::Vector<Offset<schema::Tower>>> write_towers() {
    std::vector<Offset<schema::Tower>> towers;
    for (size_t t = 0; t < model_.towers.size(); ++t) {
      const Tower& tower = model_.description.towers[t];
      const auto name = out_.CreateString(tower.name);
      const auto layers = write_mlp(model_.towers[t]);
      towers.push_back(schema::CreateTower(out_, name, index_of(tower.input), layers, source_of(tower.input)));
    }
    return out_.CreateVector(towers);
  }

  static schema::LinkMap map_of(const Link& link) {
    const Activation& activation = link.activation;
    return {to_schema(link.source),
            to_schema(activation.kind, activation.alpha),
            activation.alpha,
            activation.beta,
            link.scale,
            link.shift,
            link.lower,
            link.upper};
  }

  Offset<schema::Link> write_link(const Link& link) {
    const auto kind = plain_kind(link);
    const schema::LinkMap map = map_of(link);
    Offset<flatbuffers::Vector<uint32_t>> factors;
    if (link.source == LinkSource::kProduct) factors = out_.CreateVector(u32s(link.factors));
    Offset<flatbuffers::Vector<float>> values;
    if (link.source == LinkSource::kExpectedValue) values = out_.CreateVector(link.values);
    const bool classes = link.source == LinkSource::kLogSoftmaxColumn || link.source == LinkSource::kSoftmaxColumn;
    const bool column = classes || link.source == LinkSource::kLogit;
    return schema::CreateLink(out_, kind.value_or(schema::LinkKind_Mapped), link.reads_tower() ? u32(link.tower) : 0,
                              column ? u32(link.column) : 0, factors, values, kind ? nullptr : &map);
  }

  Offset<flatbuffers::Vector<Offset<schema::Task>>> write_tasks(const std::vector<Task>& list) {
    std::vector<Offset<schema::Task>> tasks;
    for (const Task& task : list) {
      const auto name = out_.CreateString(task.name);
      const auto link = write_link(task.link);
      tasks.push_back(schema::CreateTask(out_, name, link));
    }
    return out_.CreateVector(tasks);
  }

  Offset<schema::Hashing> write_hashing(const Hashing& hashing) {
    Offset<flatbuffers::String> mask;
    if (hashing.mask) mask = out_.CreateString(*hashing.mask);
    std::vector<Offset<schema::HashedPart>> parts;
    for (const auto& [column, bytes] : hashing.parts) {
      const auto name = out_.CreateString(column);
      parts.push_back(schema::CreateHashedPart(out_, name, static_cast<schema::HashedBytes>(bytes)));
    }
    Offset<flatbuffers::Vector<Offset<schema::HashedPart>>> list;
    if (!parts.empty()) list = out_.CreateVector(parts);
    Offset<flatbuffers::String> separator;
    if (!hashing.separator.empty()) separator = out_.CreateString(hashing.separator);
    Offset<flatbuffers::String> prefix;
    if (!hashing.prefix.empty()) prefix = out_.CreateString(hashing.prefix);
    return schema::CreateHashing(out_, static_cast<schema::HashFunction>(hashing.function), hashing.seed,
                                 static_cast<schema::HashedBytes>(hashing.bytes),
                                 static_cast<schema::BucketRule>(hashing.rule), hashing.first_id, mask, list,
                                 hashing.seed_high, separator, u32(hashing.buckets), prefix);
  }

  Offset<schema::Vocabulary> write_vocabulary(const Vocabulary& vocabulary, const VocabularyTensors& tensors) {
    const bool strings = std::holds_alternative<StringList>(vocabulary.keys);
    const auto kind = vocabulary.identity  ? schema::VocabularyKind_Identity
                      : vocabulary.hashing ? schema::VocabularyKind_Hash
                      : vocabulary.bins    ? schema::VocabularyKind_Bins
                      : vocabulary.dates   ? schema::VocabularyKind_Date
                      : strings            ? schema::VocabularyKind_Strings
                                           : schema::VocabularyKind_Integers;
    const size_t size = vocabulary.ids.empty() ? vocabulary.size : vocabulary.ids.size();
    Offset<schema::Hashing> hashing;
    if (vocabulary.hashing) hashing = write_hashing(*vocabulary.hashing);
    if (vocabulary.others) hashing = write_hashing(*vocabulary.others);
    const Dates dates = vocabulary.dates.value_or(Dates());
    return schema::CreateVocabulary(
        out_, kind, u32(size), tensors.keys, tensors.offsets, tensors.ids, to_schema(vocabulary.unknown),
        vocabulary.unknown_id, hashing,
        vocabulary.bins && vocabulary.bins->right ? schema::BoundSide_Right : schema::BoundSide_Left, tensors.buckets,
        static_cast<schema::DatePart>(vocabulary.dates ? dates.part : DatePart::kMinute), dates.ticks, dates.offset,
        dates.first_id);
  }

  Offset<flatbuffers::Vector<Offset<schema::Feature>>> write_features() {
    std::vector<Offset<schema::Feature>> features;
    for (size_t i = 0; i < model_.description.features.size(); ++i) {
      const Feature& feature = model_.description.features[i];
      const auto name = out_.CreateString(feature.name);
      Offset<flatbuffers::String> source;
      if (!feature.source.empty() && feature.source != feature.name) source = out_.CreateString(feature.source);
      Offset<flatbuffers::String> weights;
      if (const auto* pooled = std::get_if<SequenceFeature>(&feature.kind); pooled && !pooled->weights.empty()) {
        weights = out_.CreateString(pooled->weights);
      }
      Offset<schema::Scaling> scaling;
      Offset<schema::Vocabulary> vocabulary;
      if (const auto* dense = std::get_if<DenseFeature>(&feature.kind)) {
        const Scaling& s = dense->scaling;
        scaling =
            schema::CreateScaling(out_, s.offset, s.factor, s.lower, s.upper, s.missing,
                                  static_cast<schema::NumberFunction>(s.function), s.exponent, tensors_.points[i]);
      } else {
        vocabulary = write_vocabulary(*feature.vocabulary(), tensors_.vocabularies[i]);
      }
      const auto* sparse = std::get_if<SparseFeature>(&feature.kind);
      const SequenceFeature none;
      const auto* found = std::get_if<SequenceFeature>(&feature.kind);
      const SequenceFeature& sequence = found ? *found : none;
      const auto kind = found    ? schema::FeatureKind_Sequence
                        : sparse ? schema::FeatureKind_Sparse
                                 : schema::FeatureKind_Dense;
      const int32_t embedding = found ? i32(sequence.embedding) : sparse ? i32(sparse->embedding) : -1;
      features.push_back(schema::CreateFeature(out_, name, kind, to_schema(feature.side),
                                               u32(model_.feature_columns[i]), u32(feature.width), scaling, vocabulary,
                                               embedding, found ? u32(sequence.length) : 0, pooling_of(sequence),
                                               sequence.padding_id ? i32(*sequence.padding_id) : -1, source, weights,
                                               sequence.empty_id ? i32(*sequence.empty_id) : -1));
    }
    return out_.CreateVector(features);
  }

  Offset<flatbuffers::Vector<Offset<schema::Embedding>>> write_embeddings() {
    std::vector<Offset<schema::Embedding>> embeddings;
    for (size_t i = 0; i < model_.description.embeddings.size(); ++i) {
      const auto name = out_.CreateString(model_.description.embeddings[i].name);
      embeddings.push_back(schema::CreateEmbedding(out_, name, tensors_.embeddings[i]));
    }
    return out_.CreateVector(embeddings);
  }

  Offset<flatbuffers::Vector<Offset<schema::Tensor>>> write_tensors() {
    std::vector<Offset<schema::Tensor>> tensors;
    for (const TensorEntry& t : segments_.tensors()) {
      const auto name = out_.CreateString(t.name);
      tensors.push_back(schema::CreateTensor(out_, name, t.segment, t.offset, t.bytes, t.rows, t.cols, t.dtype,
                                             t.layout, t.scales, t.row_sums, t.shared_cols));
    }
    return out_.CreateVector(tensors);
  }

  Offset<flatbuffers::Vector<Offset<schema::Segment>>> write_segments(const Placement& placement) {
    std::vector<Offset<schema::Segment>> segments;
    for (size_t i = 0; i < placement.offsets.size(); ++i) {
      const bool header = i == segments_.segments().size();
      const auto name = out_.CreateString(header ? "header checksum" : segments_.segments()[i].name);
      const uint64_t bytes = header ? sizeof(uint64_t) : segments_.segments()[i].bytes;
      segments.push_back(schema::CreateSegment(out_, name, placement.offsets[i], bytes, placement.checksums[i]));
    }
    return out_.CreateVector(segments);
  }

  Offset<schema::GoldenRows> write_golden() {
    const auto values = out_.CreateVector(golden_.values);
    const auto ids = out_.CreateVector(golden_.ids);
    const auto scores = out_.CreateVector(golden_.scores);
    Offset<flatbuffers::Vector<float>> f32_scores;
    if (!golden_.f32_scores.empty()) f32_scores = out_.CreateVector(golden_.f32_scores);
    return schema::CreateGoldenRows(out_, u32(golden_.num_rows), values, ids, scores, f32_scores);
  }

  Offset<schema::ScoreChange> write_score_change() {
    const ScoreChange& change = golden_.change;
    if (change.largest.empty()) return {};
    Offset<flatbuffers::String> rows_file;
    if (!change.rows_file.empty()) rows_file = out_.CreateString(change.rows_file);
    const auto largest = out_.CreateVector(change.largest);
    const auto mean = out_.CreateVector(change.mean);
    if (change.num_labels.empty()) return schema::CreateScoreChange(out_, change.num_rows, rows_file, largest, mean);
    const auto num_labels = out_.CreateVector(change.num_labels);
    const auto f32_quality = out_.CreateVector(change.f32_quality);
    const auto quality = out_.CreateVector(change.quality);
    return schema::CreateScoreChange(out_, change.num_rows, rows_file, largest, mean, num_labels, f32_quality, quality);
  }

  Offset<schema::Provenance> write_provenance() {
    const auto converter = out_.CreateString("mmoe-convert " MMOE_VERSION);
    const auto weights = out_.CreateString(provenance_.weights_file);
    return schema::CreateProvenance(out_, converter, weights, provenance_.weights_xxh64, provenance_.description_xxh64);
  }

  const LoweredModel& model_;
  const SegmentBuilder& segments_;
  const ModelTensors& tensors_;
  const Golden& golden_;
  const ProvenanceInfo& provenance_;
  std::map<std::vector<StreamPart>, uint32_t> parts_;
  FlatBufferBuilder out_;
};

}  // namespace

std::vector<uint8_t> write_header(const HeaderContents& contents, const Placement& placement) {
  return HeaderWriter(contents).write(placement);
}

}  // namespace mmoe::converter
