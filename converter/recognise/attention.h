// Attention of a query to the elements of a sequence (DIN; Zhou et al., KDD 2018).
#pragma once

#include <optional>
#include <vector>

#include "converter/recognise/chains.h"
#include "converter/recognise/pooling.h"

namespace mmoe::converter {

/// The sum of weight times element.
struct FoundAttention {
  Attention attention;
  Mlp layers;  ///< as Node's
  Vector query;
  std::vector<Vector> sequences;  ///< kPooled of kKept each, all columns; the first has the padding
};

/// Finds it in vectors of sums of as many products as a sequence of ids has elements.
class AttentionFinder {
 public:
  AttentionFinder(Chains& chains, Expressions& expressions) : chains_(chains), expressions_(expressions) {}

  /// Nothing where the weights are not what the same layers make of each element and a query.
  std::optional<FoundAttention> find(const Vector& sums, const Chains::Ends& ends);

 private:
  /// What a sum has of one place of the sequence.
  struct Element {
    Vector numbers;
    Ref weight;
    std::optional<IdMask> mask;
  };
  /// An embedding within the elements.
  struct Piece {
    uint32_t row = 0;  // the first element's, an expression
    uint32_t ids = 0;  // the expression whose columns are the sequence
    size_t first = 0;
  };
  /// A block of what the first layer reads: q, k, q - k (`reversed`: k - q) or q k.
  struct Block {
    AttentionTerm term = AttentionTerm::kQuery;
    bool reversed = false;
  };
  using Elements = std::vector<Element>;

  bool add_factors(Ref ref, size_t depth, Vector& factors) const;
  std::optional<Vector> factors_of(const Term& term) const;
  std::optional<Elements> elements_of(const Vector& sums) const;
  bool split_factors(const std::vector<Vector>& factors, Element& element) const;
  bool take_mask(Element& element, const IdMask& mask) const;
  bool take_selected(Element& element, float least, float most) const;
  void take_added(Element& element) const;
  bool take_softmax(Elements& elements) const;
  std::optional<std::vector<Piece>> pieces_of(const Elements& elements) const;
  bool masks_fit(const Elements& elements, const Piece& first) const;
  std::optional<Block> block_of(const Vector& block, const Vector& element, Vector& query) const;
  std::optional<Block> pair_of(Ref number, Ref element, Ref& other) const;
  std::optional<std::vector<Block>> blocks_of(const Chain& chain, const Vector& element, Vector& query) const;
  bool read_layers(const Elements& elements, const Chains::Ends& ends, FoundAttention& found) const;
  Vector keep(const Piece& piece, const Elements& elements);
  bool is_zero_without_elements(const std::vector<Piece>& pieces, const Elements& elements) const;

  Chains& chains_;
  Expressions& expressions_;
};

}  // namespace mmoe::converter
