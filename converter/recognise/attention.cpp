#include "converter/recognise/attention.h"

#include <algorithm>
#include <limits>

#include "converter/model/limits.h"

namespace mmoe::converter {
namespace {

constexpr size_t kMaxWeightFactors = 8;
// exp() of it is 0 beside that of any score of a trained attention.
constexpr float kLeavesOut = -1e4f;

bool is_supported(const Mlp& layers) {
  if (layers.size() < 2 || layers.back().outputs() != 1) return false;
  const DenseLayer& first = layers.front();
  return !first.layer_norm_before_activation && !first.layer_norm_after_activation &&
         first.activation.kind != ActivationKind::kPRelu;
}

}  // namespace

// ------------------------------------------------------------------------------------ weights and elements

bool AttentionFinder::add_factors(Ref ref, size_t depth, Vector& factors) const {
  const Scaled scaled = expressions_.scaled(ref);
  const Expression& expression = expressions_.of(scaled.of);
  const bool sum = expression.kind == ExpressionKind::kSum && scaled.of == ref && depth < kMaxWeightFactors;
  const std::vector<Term>* terms = sum ? &expression.terms[ref.column] : nullptr;
  const bool product = terms != nullptr && terms->size() == 1 && terms->front().product;
  if (!product) {
    factors.push_back(ref);
    return factors.size() <= kMaxWeightFactors;
  }
  return terms->front().coefficient == 1 && add_factors(terms->front().a, depth + 1, factors) &&
         add_factors(terms->front().b, depth + 1, factors);
}

std::optional<Vector> AttentionFinder::factors_of(const Term& term) const {
  Vector factors;
  const bool plain = term.coefficient == 1 && add_factors(term.a, 0, factors);
  if (!plain || (term.product && !add_factors(term.b, 0, factors))) return std::nullopt;
  return factors;
}

/// Of the factors of each sum's term one differs from sum to sum, an element's number. Of the others one is its weight.
bool AttentionFinder::split_factors(const std::vector<Vector>& factors, Element& element) const {
  const auto is_in = [](const Vector& vector, Ref ref) {
    return std::find(vector.begin(), vector.end(), ref) != vector.end();
  };
  Vector common;
  for (const Ref ref : factors[0]) {
    if (is_in(factors[1], ref)) common.push_back(ref);
  }
  for (const Vector& own : factors) {
    Vector rest;
    std::copy_if(own.begin(), own.end(), std::back_inserter(rest), [&](Ref ref) { return !is_in(common, ref); });
    if (rest.size() != 1 || own.size() != common.size() + 1) return false;
    element.numbers.push_back(rest.front());
  }
  size_t weights = 0;
  for (const Ref ref : common) {
    const std::optional<IdMask> mask = mask_of(expressions_, ref);
    if (mask && !take_mask(element, *mask)) return false;
    if (!mask) element.weight = ref, ++weights;
  }
  return weights == 1;
}

std::optional<AttentionFinder::Elements> AttentionFinder::elements_of(const Vector& sums) const {
  const size_t length = expressions_.of(sums.front()).terms[sums.front().column].size();
  if (length < 2 || sums.size() < 2) return std::nullopt;
  Elements elements(length);
  for (size_t t = 0; t < length; ++t) {
    std::vector<Vector> factors;
    for (const Ref sum : sums) {
      const std::vector<Term>& terms = expressions_.of(sum).terms[sum.column];
      std::optional<Vector> own = terms.size() == length ? factors_of(terms[t]) : std::nullopt;
      if (!own) return std::nullopt;
      factors.push_back(std::move(*own));
    }
    if (!split_factors(factors, elements[t])) return std::nullopt;
  }
  return elements;
}

bool AttentionFinder::take_mask(Element& element, const IdMask& mask) const {
  if (element.mask && (element.mask->id != mask.id || element.mask->padding != mask.padding)) return false;
  element.mask = mask;
  return true;
}

/// Where an element is left out, its weight is a constant from `least` to `most`; false where it is another.
bool AttentionFinder::take_selected(Element& element, float least, float most) const {
  const Expression& expression = expressions_.of(element.weight);
  if (expression.kind != ExpressionKind::kFunction || expression.function != FunctionKind::kSelect) return true;
  const auto argument = [&](size_t which) {
    return expression.inputs[which * expression.columns + element.weight.column];
  };
  const Ref condition = argument(0);
  const Scaled scaled = expressions_.scaled(condition);
  const Expression& equal = expressions_.of(scaled.of);
  const bool is_padding = scaled.scale == 1 && scaled.shift == 0;
  const bool is_mask = equal.kind == ExpressionKind::kIdEquals && (is_padding || mask_of(expressions_, condition));
  if (!is_mask) return false;
  const Ref left_out = argument(is_padding ? 1 : 2), weight = argument(is_padding ? 2 : 1);
  const Expression& constant = expressions_.of(left_out);
  if (constant.kind != ExpressionKind::kConstant) return false;
  const float value = constant.bias[left_out.column];
  if (!(value >= least && value <= most)) return false;
  element.weight = weight;
  return take_mask(element, {equal.inputs[scaled.of.column], equal.shifts[scaled.of.column]});
}

/// To a score, a large negative number is added where the element is left out.
void AttentionFinder::take_added(Element& element) const {
  const Expression& sum = expressions_.of(element.weight);
  if (sum.kind != ExpressionKind::kSum) return;
  const std::vector<Term>& terms = sum.terms[element.weight.column];
  if (terms.size() != 2 || terms[0].product || terms[1].product) return;
  for (const size_t i : {size_t{0}, size_t{1}}) {
    const Scaled scaled = expressions_.scaled(terms[i].a);
    const Expression& equal = expressions_.of(scaled.of);
    const double added = scaled.scale * double{terms[i].coefficient};
    const bool masks = equal.kind == ExpressionKind::kIdEquals && scaled.shift == 0 && added <= double{kLeavesOut};
    if (!masks || terms[1 - i].coefficient != 1) continue;
    element.weight = terms[1 - i].a;
    element.mask = IdMask{equal.inputs[scaled.of.column], equal.shifts[scaled.of.column]};
    return;
  }
}

/// Where the weights are all of one softmax: its logits instead.
bool AttentionFinder::take_softmax(Elements& elements) const {
  const uint32_t softmax = elements.front().weight.expression;
  const Expression& expression = expressions_[softmax];
  if (expression.kind != ExpressionKind::kSoftmax || expression.top_k != 0 || expression.columns != elements.size())
    return false;
  for (size_t i = 0; i < elements.size(); ++i) {
    if (elements[i].weight != Ref{softmax, static_cast<uint32_t>(i)}) return false;
  }
  for (size_t i = 0; i < elements.size(); ++i) elements[i].weight = expression.inputs[i];
  return true;
}

// ------------------------------------------------------------------------------------ sequences

/// Each element is the embeddings of the ids at its place, side by side.
std::optional<std::vector<AttentionFinder::Piece>> AttentionFinder::pieces_of(const Elements& elements) const {
  std::vector<Piece> pieces;
  for (size_t t = 0; t < elements.size(); ++t) {
    const Vector& numbers = elements[t].numbers;
    size_t piece = 0;
    for (size_t i = 0; i < numbers.size(); ++piece) {
      const Expression& row = expressions_.of(numbers[i]);
      if (row.kind != ExpressionKind::kEmbedding || row.columns > numbers.size() - i) return std::nullopt;
      const Vector all = expressions_.all(numbers[i].expression);
      if (!std::equal(all.begin(), all.end(), numbers.begin() + static_cast<std::ptrdiff_t>(i))) return std::nullopt;
      const Ref id = row.inputs.front();
      const Expression& ids = expressions_.of(id);
      const bool in_order = ids.kind == ExpressionKind::kInput && id.column == t && ids.columns == elements.size();
      if (!in_order) return std::nullopt;
      if (t == 0) pieces.push_back({numbers[i].expression, id.expression, i});
      const bool same = piece < pieces.size() && expressions_[pieces[piece].row].weight == row.weight &&
                        pieces[piece].ids == id.expression && pieces[piece].first == i;
      if (!same) return std::nullopt;
      i += row.columns;
    }
  }
  return pieces;
}

/// None has one, or each is that of its own id in the first sequence.
bool AttentionFinder::masks_fit(const Elements& elements, const Piece& first) const {
  const std::optional<IdMask>& mask = elements.front().mask;
  const size_t rows = expressions_[first.row].weight->rows;
  if (mask && (mask->padding < 0 || static_cast<size_t>(mask->padding) >= rows)) return false;
  for (size_t t = 0; t < elements.size(); ++t) {
    const std::optional<IdMask>& own = elements[t].mask;
    if (own.has_value() != mask.has_value()) return false;
    if (own && (own->padding != mask->padding || own->id != Ref{first.ids, static_cast<uint32_t>(t)})) return false;
  }
  return true;
}

/// The sequence as x has it when it is not pooled.
Vector AttentionFinder::keep(const Piece& piece, const Elements& elements) {
  const Expression& row = expressions_[piece.row];
  Expression kept;
  kept.kind = ExpressionKind::kPooled;
  kept.node = row.node;
  kept.inputs = expressions_.all(piece.ids);
  kept.weight = row.weight;
  kept.name = row.name;
  kept.columns = elements.size() * (row.columns + 1);
  kept.pooling = Pooling::kKept;
  if (elements.front().mask && piece.first == 0)
    kept.padding_id = static_cast<uint32_t>(elements.front().mask->padding);
  expressions_.charge(kept.columns);
  return expressions_.all(expressions_.add(std::move(kept)));
}

// ------------------------------------------------------------------------------------ what the layers read

/// A product or a difference of the element's number and another.
std::optional<AttentionFinder::Block> AttentionFinder::pair_of(Ref number, Ref element, Ref& other) const {
  const Expression& expression = expressions_.of(number);
  if (expression.kind != ExpressionKind::kSum) return std::nullopt;
  const std::vector<Term>& terms = expression.terms[number.column];
  if (terms.size() == 1 && terms[0].product && terms[0].coefficient == 1) {
    if (terms[0].a != element && terms[0].b != element) return std::nullopt;
    other = terms[0].a == element ? terms[0].b : terms[0].a;
    return Block{AttentionTerm::kProduct, false};
  }
  const bool difference = terms.size() == 2 && !terms[0].product && !terms[1].product &&
                          std::abs(terms[0].coefficient) == 1 && terms[0].coefficient == -terms[1].coefficient;
  if (!difference || (terms[0].a != element && terms[1].a != element)) return std::nullopt;
  const Term& own = terms[0].a == element ? terms[0] : terms[1];
  other = terms[0].a == element ? terms[1].a : terms[0].a;
  return Block{AttentionTerm::kDifference, own.coefficient == 1};
}

std::optional<AttentionFinder::Block> AttentionFinder::block_of(const Vector& block, const Vector& element,
                                                                Vector& query) const {
  if (block == element) return Block{AttentionTerm::kElement, false};
  Vector others;
  Block found;
  for (size_t i = 0; i < block.size(); ++i) {
    Ref other = block[i];
    const Block own = pair_of(block[i], element[i], other).value_or(Block());
    if (i == 0) found = own;
    if (own.term != found.term || own.reversed != found.reversed) return std::nullopt;
    others.push_back(other);
  }
  if (query.empty()) query = others;
  return query == others ? std::optional(found) : std::nullopt;
}

/// The blocks of as many numbers as an element has, none twice.
std::optional<std::vector<AttentionFinder::Block>> AttentionFinder::blocks_of(const Chain& chain, const Vector& element,
                                                                              Vector& query) const {
  const size_t width = element.size();
  if (chain.base.size() % width != 0) return std::nullopt;
  std::vector<Block> blocks;
  for (auto at = chain.base.begin(); at != chain.base.end(); at += static_cast<std::ptrdiff_t>(width)) {
    const std::optional<Block> block = block_of({at, at + static_cast<std::ptrdiff_t>(width)}, element, query);
    const auto same = [&](const Block& other) { return other.term == block->term; };
    if (!block || std::any_of(blocks.begin(), blocks.end(), same)) return std::nullopt;
    blocks.push_back(*block);
  }
  return blocks;
}

bool AttentionFinder::read_layers(const Elements& elements, const Chains::Ends& ends, FoundAttention& found) const {
  std::optional<std::vector<Block>> blocks;
  for (const Element& element : elements) {
    Chain chain = chains_.follow_layers({element.weight}, ends);
    if (!is_supported(chain.layers)) return false;
    const auto own = blocks_of(chain, element.numbers, found.query);
    if (!own) return false;
    const auto same = [](const Block& a, const Block& b) { return a.term == b.term && a.reversed == b.reversed; };
    const bool first = !blocks;
    if (first) blocks = own, found.layers = chain.layers;
    if (!std::equal(own->begin(), own->end(), blocks->begin(), blocks->end(), same)) return false;
    if (!first && !same_layers(chain.layers, found.layers)) return false;
  }
  if (found.query.empty()) return false;
  Matrix& weight = found.layers.front().weight;
  const size_t width = elements.front().numbers.size();
  for (size_t b = 0; b < blocks->size(); ++b) {
    found.attention.terms.push_back((*blocks)[b].term);
    for (size_t i = 0; (*blocks)[b].reversed && i < weight.rows * width; ++i) {
      float& number = weight.data[i / width * weight.cols + b * width + i % width];
      number = -number;
    }
  }
  return true;
}

std::optional<FoundAttention> AttentionFinder::find(const Vector& sums, const Chains::Ends& ends) {
  std::optional<Elements> elements = elements_of(sums);
  const std::optional<std::vector<Piece>> pieces = elements ? pieces_of(*elements) : std::nullopt;
  if (!pieces) return std::nullopt;
  FoundAttention found;
  const bool masked_again = elements->front().mask.has_value();
  const bool zero_without_numbers = expressions_.of(elements->front().weight).zero_without_numbers;
  found.attention.softmax = take_softmax(*elements);
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (Element& element : *elements) {
    const std::optional<IdMask> behind = element.mask;
    if (found.attention.softmax) element.mask.reset();
    const bool fits =
        found.attention.softmax ? take_selected(element, -kInfinity, kLeavesOut) : take_selected(element, 0, 0);
    if (!fits) return std::nullopt;
    if (found.attention.softmax) take_added(element);
    // The softmax must leave out what has no weight behind it.
    if (behind && (!element.mask || !take_mask(element, *behind))) return std::nullopt;
  }
  const bool too_long = found.attention.softmax && elements->size() > kMaxExpertsPerLevel;
  if (too_long || !masks_fit(*elements, pieces->front()) || !read_layers(*elements, ends, found)) return std::nullopt;
  found.attention.length = elements->size();
  found.attention.masked = elements->front().mask.has_value();
  if (found.attention.softmax && found.attention.masked && !masked_again && !zero_without_numbers &&
      !is_zero_without_elements(*pieces, *elements))
    return std::nullopt;
  for (const Piece& piece : *pieces) found.sequences.push_back(keep(piece, *elements));
  return found;
}

/// A softmax over padding alone spreads its weight over it: without elements the graph gives the padding's embedding.
bool AttentionFinder::is_zero_without_elements(const std::vector<Piece>& pieces, const Elements& elements) const {
  const Expression& row = expressions_[pieces.front().row];
  const auto padding = static_cast<size_t>(elements.front().mask->padding);
  bool zero = pieces.size() == 1;
  for (size_t i = 0; zero && i < row.columns; ++i) zero = row.weight->at(padding, i) == 0;
  return zero;
}

}  // namespace mmoe::converter
