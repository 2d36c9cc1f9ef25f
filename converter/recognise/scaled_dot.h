// Attention between elements: softmax(scale Q K^T) V (Vaswani et al., NeurIPS 2017), of one head or several.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "converter/recognise/chains.h"
#include "converter/recognise/pooling.h"

namespace mmoe::converter {

/// What a kScaledDot node computes. All of it lies element by element, and within an element head by head.
struct FoundScaledDot {
  Vector results;  ///< in the node's order; some of the vector, where its queries attend to different keys
  Vector query, keys, values;
  Vector mask;  ///< of a kPooled of kKept: a number for each of the first keys; empty: none
  size_t group = 0, heads = 1, value_width = 0;
  double scale = 1;
  bool causal = false;
  bool without_keys = false;  ///< a query may have none to attend to, and the graph then gives what no such node does
};

class ScaledDotFinder {
 public:
  ScaledDotFinder(Chains& chains, Expressions& expressions) : chains_(chains), expressions_(expressions) {}

  /// Of sums of values that the columns of softmaxes weigh, whose logits are dot products. Nothing where they are
  /// none. Throws ConvertError where a mask of ids is one that a model file cannot have.
  std::optional<FoundScaledDot> find(const Vector& sums);

  /// Whether the scalar may be one of find()'s sums.
  bool may_be(Ref ref) const;

  /// 1 where the id is not the padding, as x has it beside a sequence; nothing where no sequence's embeddings are read.
  /// Throws ConvertError where their table does not have the padding; `at` is named.
  std::optional<Ref> number_of(const IdMask& mask, Ref at);

 private:
  /// A key's logit in one softmax.
  struct Logit {
    bool left_out = false;  ///< by a constant
    std::optional<IdMask> mask;
    bool mask_is_infinite = true;  ///< what is left out has no weight even beside others that are left out
    double scale = 1;
    Vector a, b;  ///< the factors
  };
  /// One softmax: the query of one head.
  struct Row {
    Vector results;
    std::vector<Vector> values;  ///< of each key; a number for each result
    std::vector<Logit> logits;
    bool zero_without_keys = false;
  };
  struct Head {
    std::vector<Vector> keys, values;  ///< empty: of a key that no query attends to
    std::vector<size_t> rows;
  };

  bool add_result(Ref sum, std::map<uint32_t, size_t>& known, std::vector<Row>& rows) const;
  bool read_logits(uint32_t softmax, Row& row) const;
  std::optional<Logit> logit_of(Ref ref) const;
  bool take_added(const std::vector<Term>& terms, Logit& logit, Ref& rest) const;
  bool take_select(Ref select, Logit& logit, Ref& rest) const;
  bool take_mask(Logit& logit, const IdMask& mask, double value) const;
  std::optional<Vector> query_of(const Row& row, bool swapped) const;
  std::optional<std::vector<Head>> heads_of(const std::vector<Row>& rows, bool swapped) const;
  bool add_to_head(const std::vector<Row>& rows, size_t row, bool swapped, std::vector<Head>& heads) const;
  bool take_keys(const std::vector<Row>& rows, std::vector<Head>& heads, FoundScaledDot& found,
                 std::vector<size_t>& keys) const;
  Vector mask_of_keys(const std::vector<Row>& rows, std::vector<size_t>& keys, bool ordered, Ref at);
  static bool lacks_keys(const std::vector<Row>& rows, const std::vector<size_t>& keys);
  std::optional<uint32_t> keep(const IdMask& mask, Ref at);

  Chains& chains_;
  Expressions& expressions_;
  std::map<uint32_t, uint32_t> lookups_;                   // of ids of an input: an embedding that looks one up
  size_t searched_ = 0;                                    // expressions for these
  std::map<std::pair<uint32_t, int64_t>, uint32_t> kept_;  // by ids and padding
};

}  // namespace mmoe::converter
