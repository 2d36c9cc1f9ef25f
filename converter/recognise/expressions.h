// What an ONNX graph computes, number by number: the scalars of a row of the batch, and the operations they come from.
//
// Reshaping, stacking, transposing, slicing and so on only move scalars about, so they leave no trace here; that is
// what makes the many ways of writing one model alike.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "converter/model/model.h"

namespace mmoe::converter {

/// One scalar of a row: output `column` of an expression.
struct Ref {
  uint32_t expression = 0;
  uint32_t column = 0;

  friend bool operator==(Ref a, Ref b) { return a.expression == b.expression && a.column == b.column; }
  friend bool operator!=(Ref a, Ref b) { return !(a == b); }
  friend bool operator<(Ref a, Ref b) {
    return a.expression != b.expression ? a.expression < b.expression : a.column < b.column;
  }
};

using Vector = std::vector<Ref>;

enum class ExpressionKind {
  kInput,       ///< of the graph: its columns
  kNumber,      ///< column i: what a feature makes of the number inputs[i], a column of a kInput, by scalings[i]
  kConstant,    ///< column i: bias[i]
  kShiftedId,   ///< column i: inputs[i] + shifts[i], of whole numbers: where a field begins in a table of several
  kEmbedding,   ///< a row of a table: `inputs` is the one id
  kPooled,      ///< rows of a table by the ids `inputs`, pooled
  kIdEquals,    ///< column i: 1 where the id inputs[i] is shifts[i], else 0
  kDense,       ///< weight [columns, inputs] times the vector `inputs`, plus bias
  kAffine,      ///< column i: inputs[i], normalised (scaled and shifted)
  kActivation,  ///< column i: of inputs[i]
  kFunction,    ///< column i: of arguments inputs[i], inputs[columns + i], ...; a part of an activation that is written
                ///< out
  kLayerNorm,   ///< of the vector `inputs`, by its own mean and variance
  kSoftmax,     ///< over the vector `inputs`; with top_k, that of a gate which selects
  kLogSoftmax,  ///< its logarithm
  kTopKValue,   ///< the top_k largest of the vector `inputs`, the largest first
  kTopKIndex,   ///< where in the vector they are
  kTopKMask,    ///< 1 for those of the vector `inputs` that are among the top_k largest, 0 for the others
  kTopKTaken,  ///< column i: of the numbers inputs[i], inputs[columns + i], ... that which an index, the last one, says
  kTopKMasked,  ///< the vector `inputs`, with minus infinity for those that are not
  kSum          ///< column i: the sum of terms[i]
};

/// What is no activation by itself. kIsNan is of a softmax's columns, or of the graph's inputs. Comparisons give 1 or
/// 0; kSelect is of a comparison, and of what is taken where it is 1 and where it is 0.
enum class FunctionKind {
  kAbs,
  kErf,
  kSqrt,
  kLog,
  kReciprocal,
  kMaximum,
  kMinimum,
  kGreater,
  kGreaterOrEqual,
  kIsNan,
  kSelect
};

/// coefficient * a, or coefficient * a * b.
struct Term {
  float coefficient = 1;
  Ref a;
  bool product = false;
  Ref b;
};

struct Expression {
  ExpressionKind kind = ExpressionKind::kInput;
  size_t node = 0;  ///< of the graph; kInput: the graph's input
  size_t columns = 0;
  bool whole_numbers = false;  ///< kInput, kEmbedding: the graph's input, or the table, is of integers
  Vector inputs;
  std::string name;                                ///< kDense, kEmbedding, kPooled: of the constant, for messages
  std::shared_ptr<const Matrix> weight;            ///< kDense; kEmbedding, kPooled: the table
  bool zero_beyond = false;                        ///< kEmbedding: of ids that are not in the table
  bool truths = false;                             ///< each column is 1 or 0
  bool coded = false;                              ///< kDense: the weight is whole numbers times a scale in the file
  std::vector<float> bias;                         ///< kDense, where it may be empty; kConstant
  std::vector<int64_t> shifts;                     ///< kShiftedId, kIdEquals
  std::vector<Scaling> scalings;                   ///< kNumber
  BatchNorm norm;                                  ///< kAffine
  Activation activation;                           ///< kActivation; prelu's slopes are one per column
  FunctionKind function = FunctionKind::kAbs;      ///< kFunction
  LayerNorm layer_norm;                            ///< kLayerNorm
  Pooling pooling = Pooling::kSum;                 ///< kPooled
  std::optional<uint32_t> padding_id;              ///< kPooled: is left out
  size_t top_k = 0;                                ///< kSoftmax, where 0 is all; kTopK...
  bool zero_without_numbers = false;               ///< kSoftmax: zeros where all numbers are minus infinity, not NaN
  TopKMode top_k_mode = TopKMode::kSoftmaxOfTopK;  ///< kSoftmax
  std::vector<std::vector<Term>> terms;            ///< kSum
};

/// scale * of + shift
struct Scaled {
  double scale = 1, shift = 0;
  Ref of;
};

/// All expressions of a graph. What one graph may make of itself is limited: past it, ConvertError.
class Expressions {
 public:
  /// A graph may make this many numbers, and some for each number that its file has: memory and time are bounded by the
  /// file's size.
  static constexpr size_t kAlwaysAllowed = size_t{1} << 21, kAllowedPerNumber = 8;

  /// `numbers`: how many constants and nodes the file has.
  explicit Expressions(size_t numbers = 0) : limit_(kAlwaysAllowed + kAllowedPerNumber * numbers) {}

  uint32_t add(Expression expression);
  const Expression& operator[](size_t index) const { return *expressions_[index]; }
  const Expression& of(Ref ref) const { return *expressions_[ref.expression]; }
  size_t size() const { return expressions_.size(); }
  /// The scalar without the affine maps that were done to it last.
  Scaled scaled(Ref ref) const;
  /// All columns of an expression.
  Vector all(uint32_t expression) const;

  /// Counts scalars, weights or terms that are made; throws past the limit.
  void charge(size_t count);

  /// That a number of the graph's inputs is an id, which no row has below 0: what the graph would do with others was
  /// left out. Whoever makes the model of it must make it a feature that refuses them.
  void assume_id(Ref input) { assumed_ids_.insert(input); }
  const std::set<Ref>& assumed_ids() const { return assumed_ids_; }

  /// That the graph asks whether a number of its inputs is infinite; a file takes no such number.
  void ask_infinite(Ref input) { asked_infinite_.insert(input); }
  bool is_asked_infinite(Ref input) const { return asked_infinite_.count(input) != 0; }

  /// That the graph itself fails for an id, a number of its inputs, of `end` or more: one that says a place.
  void assume_below(Ref input, size_t end) {
    const auto [at, fresh] = ends_of_ids_.emplace(input, end);
    if (!fresh) at->second = std::min(at->second, end);
  }
  std::optional<size_t> end_of_id(Ref input) const {
    const auto found = ends_of_ids_.find(input);
    return found != ends_of_ids_.end() ? std::optional(found->second) : std::nullopt;
  }

 private:
  std::vector<std::unique_ptr<Expression>> expressions_;
  std::set<Ref> assumed_ids_, asked_infinite_;
  std::map<Ref, size_t> ends_of_ids_;
  size_t charged_ = 0, limit_;
};

}  // namespace mmoe::converter
