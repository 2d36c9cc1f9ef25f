// The converter's intermediate representation: a trained multi-task model as the training framework meant it,
// in plain row-major matrices, before anything is folded, fused or packed. Every architecture of the MMoE
// family is a case of it (Ma et al., KDD 2018, and what followed):
//
//   features -> input x -> [trunk] -> level 1 -> ... -> level L -> towers -> links -> scores
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "converter/model/string_list.h"
#include "converter/model/table.h"
#include "kernels/activations.h"
#include "kernels/number_functions.h"
#include "kernels/number_types.h"

namespace mmoe::converter {

using kernels::NumberFunction;
using kernels::TableType;
using kernels::WeightType;

/// Row-major [rows, cols].
struct Matrix {
  size_t rows = 0;
  size_t cols = 0;
  std::vector<float> data;

  float at(size_t row, size_t col) const { return data[row * cols + col]; }
};

/// y = gamma * (x - mean) / sqrt(variance + epsilon) + beta, per channel, with the trained running statistics
/// (torch.nn.BatchNorm1d and keras.layers.BatchNormalization in inference).
struct BatchNorm {
  std::vector<float> gamma, beta, mean, variance;
  double epsilon = 1e-5;
};

/// The same with mean and (biased) variance of the row's own outputs (torch.nn.LayerNorm over the last dimension).
struct LayerNorm {
  std::vector<float> gamma, beta;
  double epsilon = 1e-5;
};

/// schema/mmoe.fbs says what each computes and what it takes: alpha, beta, slopes. kSoftplus has an alpha too, the
/// sharpness that torch calls beta; 0 stands for 1.
enum class ActivationKind : unsigned char {
#define MMOE_KIND(name) k##name = static_cast<unsigned char>(kernels::Activation::k##name),
#define MMOE_NO_KIND(name)
  MMOE_ACTIVATIONS(MMOE_KIND, MMOE_NO_KIND)
#undef MMOE_NO_KIND
#undef MMOE_KIND

      kDice = 255  ///< in the file a normalisation of the layer; slopes, dice_norm or dice_epsilon
};

/// Dice (Zhou et al., KDD 2018) is p x + (1 - p) slope x, p = sigmoid(N(x)): N is a batch norm without or with scale
/// and shift, or over the row (x - mean) / sqrt(sum of ((x - mean)^2 + epsilon)) (torch-rechub), or the same of the
/// mean of these squares (layer norm).
struct Activation {
  ActivationKind kind = ActivationKind::kIdentity;
  float alpha = 0;                     ///< as schema/mmoe.fbs says
  std::vector<float> slopes;           ///< prelu, dice: one per output
  std::optional<BatchNorm> dice_norm;  ///< dice; none: over the row
  double dice_epsilon = 0;             ///< dice over the row
  float beta = 0;                      ///< as schema/mmoe.fbs says
  bool dice_deviation = false;         ///< dice over the row: divide by the root of the variance, not of the sum
};

/// How the file has a layer's weights.
struct Storage {
  std::optional<WeightType> type;  ///< none: as the conversion's options say
  // Of a layer as the file has it:
  std::vector<float> scales;  ///< i8, w8a8: one per output; a weight is its scale times the matrix's whole number
  size_t shared_inputs = 0;   ///< w8a8: leading inputs that are rounded by themselves; 0: all are one part
  // Of a layer as the weights file has it:
  bool made = false;         ///< by the converter, not by training: its type is no choice
  bool coded = false;        ///< it has whole numbers and scales, of which the matrix has the products
  bool while_exact = false;  ///< the type holds only where lowering has left such numbers; else it is f32
};

/// [batch norm] -> linear -> [batch norm] -> [layer norm] -> activation -> [layer norm] -> [batch norm]. Weight is
/// [outputs, inputs].
struct DenseLayer {
  std::string name;  ///< of the tensors it came from, for messages
  Storage storage{};
  Matrix weight;
  std::vector<float> bias;  ///< empty: none
  std::optional<BatchNorm> norm_of_inputs;
  std::optional<BatchNorm> norm_before_activation;
  std::optional<LayerNorm> layer_norm_before_activation;
  Activation activation;
  std::optional<LayerNorm> layer_norm_after_activation;
  std::optional<BatchNorm> norm_after_activation;

  size_t inputs() const { return weight.cols; }
  size_t outputs() const { return weight.rows; }
};

/// A layer that hands its inputs on.
DenseLayer identity_layer(size_t width, const std::string& name);

using Mlp = std::vector<DenseLayer>;

/// Columns of x that lie side by side.
struct ColumnRange {
  size_t first = 0;
  size_t width = 0;

  friend bool operator==(const ColumnRange& a, const ColumnRange& b) {
    return a.first == b.first && a.width == b.width;
  }
  friend bool operator<(const ColumnRange& a, const ColumnRange& b) {
    return std::tie(a.first, a.width) < std::tie(b.first, b.width);
  }
};

/// Where a stream comes from.
enum class StreamSource {
  kPrevious,    ///< an output of the level before: for the first level 0, the trunk's output; for towers of the last
  kModelInput,  ///< x itself, whatever the level
  kNode,        ///< what a node gives that comes before the reader
};

/// Columns of a stream.
struct StreamPart {
  StreamSource source = StreamSource::kModelInput;
  size_t index = 0;  ///< of the output, or the node
  ColumnRange columns;

  bool is_input() const { return source == StreamSource::kModelInput; }

  friend bool operator==(const StreamPart& a, const StreamPart& b) { return a.key() == b.key(); }
  friend bool operator<(const StreamPart& a, const StreamPart& b) { return a.key() < b.key(); }

 private:
  std::tuple<const StreamSource&, const size_t&, const ColumnRange&> key() const {
    return std::tie(source, index, columns);
  }
};

/// What an expert, a gate, a tower or a node reads: a stream, or parts of streams side by side.
struct StreamRef {
  StreamSource source = StreamSource::kPrevious;
  size_t index = 0;               ///< of the output, or the node
  std::vector<StreamPart> parts;  ///< in this order, no column of x twice; empty: the whole stream

  StreamRef() = default;
  StreamRef(size_t output) : index(output) {}  // NOLINT(google-explicit-constructor): most streams are outputs
  StreamRef(StreamSource from, size_t number) : source(from), index(number) {}

  bool is_input() const { return source == StreamSource::kModelInput; }
  size_t width_of_parts() const;
  /// Whether it is x, or has parts of it. The first level's output 0 may be x too.
  bool reads_x() const;

  friend bool operator==(const StreamRef& a, const StreamRef& b) { return a.key() == b.key(); }
  friend bool operator<(const StreamRef& a, const StreamRef& b) { return a.key() < b.key(); }

 private:
  std::tuple<const StreamSource&, const size_t&, const std::vector<StreamPart>&> key() const {
    return std::tie(source, index, parts);
  }
};

/// x, or parts of it.
StreamRef input_stream(const std::vector<ColumnRange>& columns = {});

struct Expert {
  std::string name;
  StreamRef input;
  Mlp layers;  ///< at least one
};

enum class TopKMode {
  kSoftmaxOfTopK,  ///< softmax over the k largest logits (Shazeer et al. 2017)
  kTopKOfSoftmax   ///< the k largest of the full softmax, as they are
};

/// How a gate's weights come from its logits; `top_k_mode` and `temperature` are a softmax's.
enum class GateFunction {
  kSoftmax,
  kActivation,  ///< the outputs of `logits`, behind its activation, are the weights
  kSmoothStep   ///< DSelect-k (Hazimeh et al., NeurIPS 2021): see Gate::num_selectors
};

/// One output stream: the weighted sum of `experts` (indices into the level's experts), in their order.
struct Gate {
  std::string name;
  StreamRef input;
  Mlp hidden;
  GateFunction function = GateFunction::kSoftmax;
  /// None: constant weights. One output per entry of `experts`; kSmoothStep: see num_selectors.
  std::optional<DenseLayer> logits;
  std::vector<float> constant_weights;  ///< constant gate: one per entry of `experts`
  /// With logits: what each expert's weight is multiplied by when it is mixed, after the function and top-k; one per
  /// entry of `experts`.
  std::vector<float> weight_scales;  ///< empty: none
  std::vector<size_t> experts;
  size_t top_k = 0;  ///< 0: all
  TopKMode top_k_mode = TopKMode::kSoftmaxOfTopK;
  double temperature = 1;  ///< logits are divided by it
  /// kSmoothStep: for n experts `logits` has ceil(log2 n) outputs for each selector, then one for its share. A selector
  /// gives an expert the product of the smooth steps, or 1 minus them, that the bits of its number choose, the highest
  /// bit first. Weights are the sum of that times the softmax of the shares.
  size_t num_selectors = 0;
  double gamma = 1;  ///< kSmoothStep: the width of the step; divides the selectors' outputs
};

/// Outputs of a gate's logits for so many experts; of kSmoothStep for each selector, with its share.
size_t selector_outputs(size_t num_experts);

/// From 0 at -1/2 to 1 at 1/2, level at both ends.
double smooth_step(double x);

/// The weights of a kSmoothStep gate; `logits` as Gate::num_selectors says, not divided by gamma yet.
std::vector<double> smooth_step_weights(const std::vector<double>& logits, size_t num_selectors, double gamma,
                                        size_t num_experts);

struct Level {
  std::vector<Expert> experts;
  std::vector<Gate> gates;
};

struct Tower {
  std::string name;
  StreamRef input;
  Mlp layers;  ///< at least one; the last gives the logits
};

/// What a node computes; numbered and described as schema/mmoe.fbs does.
enum class NodeKind {
  kMlp,
  kSum,
  kProduct,
  kDot,
  kLowerPairs,
  kUpperPairs,
  kBiInteraction,
  kSumOfGroups,
  kSumWithinGroups,
  kSoftmax,
  kAttention,
  kEach,
  kScaledDot
};

/// What an attention's first layer reads of the query q and an element k: q, k, q - k, q k, and the products of each
/// number of q with each of k, as q0 k0, q0 k1, ...
enum class AttentionTerm { kQuery, kElement, kDifference, kProduct, kOuter };

/// A query attends to the elements of a sequence (DIN; Zhou et al., KDD 2018): the sum of weight times element.
struct Attention {
  std::vector<AttentionTerm> terms;  ///< side by side, none twice; of the file: empty
  size_t length = 1;                 ///< of the sequences
  bool masked = true;                ///< elements that the first sequence leaves out have no weight
  bool softmax = false;              ///< over the elements
  /// Of the file: what the first layer makes of q, k and q k, linear; the node's activation is that of their sum.
  Mlp parts;
};

/// What stands beside the levels: an MLP, or an operation on streams. Whatever comes later may read what it gives.
struct Node {
  std::string name;
  NodeKind kind = NodeKind::kMlp;
  size_t level = 0;  ///< it is computed behind so many levels, and behind the trunk
  StreamRef input;   ///< kMlp
  Mlp layers;        ///< kMlp, kEach: at least one. kAttention: two; the last has one output. Of the file without the
                     ///< first
  std::vector<StreamRef> inputs;  ///< not kMlp; parts of x in any order. kAttention: the query, then sequences.
                                  ///< kScaledDot: query, keys, values and perhaps a mask
  size_t input_width = 0;         ///< not kMlp: of the widest input; kAttention: of the query
  size_t group = 0;               ///< columns of a group; 0: the input is one. kEach, kScaledDot: of an element
  size_t heads = 0;               ///< kScaledDot: divides the elements' widths
  bool causal = false;            ///< kScaledDot: an element attends to those up to itself
  size_t value_width = 0;         ///< kScaledDot: of an element of the values
  size_t query_width = 0;         ///< kScaledDot: of all of the query
  float scale = 1;
  std::vector<float> constant;  ///< kSum: added last; empty: none
  Activation activation;  ///< not kMlp, kSoftmax: of the result; any kind without slopes. kAttention: see Attention
  Attention attention;    ///< kAttention

  /// How many numbers it gives.
  size_t width() const;
};

/// What a link starts from: a number a.
enum class LinkSource {
  kLogit,             ///< an output of a tower
  kSoftmaxColumn,     ///< of the softmax over a tower's outputs
  kLogSoftmaxColumn,  ///< its logarithm
  kExpectedValue,     ///< the sum of softmax times `values`
  kProduct            ///< of the scores of earlier tasks, in order
};

/// score = clamp(scale * activation(a) + shift, lower, upper).
struct Link {
  LinkSource source = LinkSource::kLogit;
  size_t tower = 0;             ///< all but kProduct
  size_t column = 0;            ///< kLogit, kSoftmaxColumn, kLogSoftmaxColumn: which of the tower's outputs
  std::vector<float> values;    ///< kExpectedValue: one per output of the tower
  std::vector<size_t> factors;  ///< kProduct: indices of tasks that come before this one
  Activation activation;        ///< any kind without slopes
  float scale = 1;
  float shift = 0;
  float lower = -std::numeric_limits<float>::infinity();
  float upper = std::numeric_limits<float>::infinity();

  bool reads_tower() const { return source != LinkSource::kProduct; }
};

Link identity_link(size_t tower);
Link sigmoid_link(size_t tower);
Link softmax_link(size_t tower, size_t column);
Link product_link(std::vector<size_t> factors);

struct Task {
  std::string name;
  Link link;
  bool output = true;  ///< false: only a factor of products; no score of its own, not numbered or named in the file
};

enum class Side { kContext, kUser, kItem };

/// x = (function(clamp(value, lower, upper)) - offset) * factor, in float, in this order; NaN is replaced by `missing`
/// first.
struct Scaling {
  float offset = 0;
  float factor = 1;
  float lower = -std::numeric_limits<float>::infinity();
  float upper = std::numeric_limits<float>::infinity();
  float missing = std::numeric_limits<float>::quiet_NaN();
  NumberFunction function = NumberFunction::kIdentity;
  float exponent = 1;  ///< kPower, kYeoJohnson, kBoxCox
  /// kPoints, kNormalPoints: ascending numbers, floats, and what they become.
  std::vector<std::pair<double, double>> points{};
};

/// A linear map that training puts between a feature's values and x: y = weight v + bias. A number that multiplies an
/// embedding is the case of one value.
struct Projection {
  Matrix weight;            ///< [columns in x, raw values]
  std::vector<float> bias;  ///< empty: none
};

struct DenseFeature {
  Scaling scaling;
  std::optional<Projection> projection;
};

enum class UnknownRule { kId, kZero, kError };

// In the order of the file's.
enum class HashFunction { kFarmHash64, kXXH64, kMurmur3, kCRC32, kMurmur64, kSipHash24, kValue };
enum class HashedBytes { kText, kInt64, kInt32, kCrossed, kJoined };
enum class BucketRule { kUnsigned, kAbsolute, kFloored, kSigned };

/// How a value becomes a bucket (schema/mmoe.fbs); its id is the bucket's number, counted from first_id.
struct Hashing {
  HashFunction function = HashFunction::kFarmHash64;
  uint64_t seed = 0;
  HashedBytes bytes = HashedBytes::kText;
  BucketRule rule = BucketRule::kUnsigned;
  uint32_t first_id = 0;
  std::optional<std::string> mask;  ///< the text of a value that is unknown
  /// kCrossed: the raw data's columns, and of each kText or kInt64; `seed` is what the first part is joined to.
  /// kJoined: the same, all kText.
  std::vector<std::pair<std::string, HashedBytes>> parts{};
  uint64_t seed_high = 0;   ///< kSipHash24: the other half of the key
  std::string separator{};  ///< kJoined
  size_t buckets = 0;       ///< Vocabulary::others
  std::string prefix{};     ///< kText, kJoined: hashed in front of the text; a longer one than kMaxJoined is unknown
};

enum class DatePart { kMinute, kHour, kDayOfWeek, kDay, kMonth };

/// Parts of dates (schema/mmoe.fbs).
struct Dates {
  DatePart part = DatePart::kHour;
  uint32_t ticks = 1;  ///< of the integers, in a second
  int32_t offset = 0;  ///< seconds
  uint32_t first_id = 0;
};

/// Bins of numbers. schema/mmoe.fbs says what a side is.
struct Bins {
  std::vector<double> bounds;  ///< ascending; one bin more
  bool right = false;          ///< a number that equals a bound is in the bin above it
  bool f32 = true;             ///< bounds and numbers are rounded to float
};

/// Keys and ids go together; for an identity vocabulary both are empty and ids are 0 .. size - 1. So they are where
/// values are hashed into `size` buckets, and of dates. Bins have ids and no keys.
struct Vocabulary {
  std::variant<StringList, std::vector<int64_t>> keys;
  std::vector<uint32_t> ids;
  bool unsigned_keys = false;  ///< the integers are the bits of unsigned ones
  bool identity = false;
  std::optional<Hashing> hashing;
  std::optional<Bins> bins;
  std::optional<Dates> dates;
  std::optional<Hashing> others;  ///< with keys: what is none of them; with `parts`, of which keys are the joined texts
  size_t size = 0;
  UnknownRule unknown = UnknownRule::kError;
  uint32_t unknown_id = 0;

  bool has_keys() const { return !identity && !hashing && !bins && !dates; }

  /// Of the entry-th key, identity or bucket. REQUIRES: entry < size.
  uint32_t id_of(size_t entry) const {
    if (identity) return static_cast<uint32_t>(entry);
    if (dates) return dates->first_id + static_cast<uint32_t>(entry);
    return hashing ? hashing->first_id + static_cast<uint32_t>(entry) : ids[entry];
  }
};

/// Of a vocabulary that is no identity.
inline size_t num_keys(const Vocabulary& vocabulary) {
  return std::visit([](const auto& keys) { return keys.size(); }, vocabulary.keys);
}

struct SparseFeature {
  Vocabulary vocabulary;
  size_t embedding = 0;  ///< index into TrainedModel::embeddings
};

enum class Pooling { kSum, kMean, kMax, kKept, kSqrtN };

/// Several categories of one vocabulary, whose embeddings are pooled; zeros where there is none. Elements of the
/// padding id, and unknown ones with the rule kZero, are left out. kKept: schema/mmoe.fbs says what x has.
struct SequenceFeature {
  Vocabulary vocabulary;
  size_t embedding = 0;  ///< index into TrainedModel::embeddings
  size_t length = 1;     ///< most elements of a row
  Pooling pooling = Pooling::kSum;
  std::optional<uint32_t> padding_id;
  /// The raw data's column of the elements' weights, which schema/mmoe.fbs explains; empty: none. Not with kMax.
  std::string weights{};
  std::optional<uint32_t> empty_id{};  ///< the element, with weight 1, of a row in which none is left
};

struct Feature {
  std::string name;
  Side side = Side::kContext;
  size_t width = 1;  ///< columns in x
  std::variant<DenseFeature, SparseFeature, SequenceFeature> kind;
  std::string source{};  ///< the raw data's column; empty: the name

  /// How many ids a raw row has for it.
  size_t num_ids() const {
    const auto* sequence = std::get_if<SequenceFeature>(&kind);
    return sequence != nullptr ? sequence->length : std::holds_alternative<SparseFeature>(kind) ? 1 : 0;
  }

  /// Null for a dense feature.
  const Vocabulary* vocabulary() const {
    const auto* sequence = std::get_if<SequenceFeature>(&kind);
    if (sequence != nullptr) return &sequence->vocabulary;
    const auto* sparse = std::get_if<SparseFeature>(&kind);
    return sparse == nullptr ? nullptr : &sparse->vocabulary;
  }

  /// How many numbers a raw row has for it; of categories the elements' weights.
  size_t num_values() const {
    const auto* sequence = std::get_if<SequenceFeature>(&kind);
    if (sequence != nullptr) return sequence->weights.empty() ? 0 : sequence->length;
    const auto* dense = std::get_if<DenseFeature>(&kind);
    return dense == nullptr ? 0 : dense->projection ? dense->projection->weight.cols : width;
  }
};

/// The table of categories; none of a dense feature.
inline std::optional<size_t> embedding_of(const Feature& feature) {
  if (const auto* sequence = std::get_if<SequenceFeature>(&feature.kind)) return sequence->embedding;
  const auto* sparse = std::get_if<SparseFeature>(&feature.kind);
  return sparse == nullptr ? std::nullopt : std::optional(sparse->embedding);
}

struct Embedding {
  std::string name;
  Table table;                      ///< [ids, width]; read when it is written, so that it may be larger than memory
  std::optional<TableType> type{};  ///< how the file has it; none: as the conversion's options say. A table that is
                                    ///< stored as codes begins with their type
  bool made = false;                ///< written out in the description: training has not learned it
};

struct TrainedModel {
  std::string name;
  std::string architecture;  ///< what it claims to be; empty: what the structure says
  size_t input_dim = 0;
  size_t shared_dim = 0;          ///< without features: leading columns of x that a request's candidates share
  std::vector<Feature> features;  ///< empty, or in the order in which they are concatenated into x
  std::vector<Embedding> embeddings;
  Mlp trunk;
  std::vector<Level> levels;  ///< at least one
  std::vector<Node> nodes;    ///< by levels, ascending; a node reads those before it
  std::vector<Tower> towers;
  std::vector<Task> tasks;  ///< at least one, of which at least one is an output

  /// Of the tasks that are outputs, in their order: the columns of scores.
  std::vector<std::string> output_names() const;
};

}  // namespace mmoe::converter
