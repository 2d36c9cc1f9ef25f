#include "converter/recognise/dice.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace mmoe::converter {
namespace {

constexpr size_t kMaxProducts = 16, kMaxSteps = 48;

/// A sum of products of numbers that are no sums or products themselves: the factors, ascending, and what multiplies
/// them.
using Products = std::map<Vector, double>;

class Expansion {
 public:
  explicit Expansion(const Expressions& expressions) : expressions_(expressions) {}

  /// Nothing where there are more than a few.
  std::optional<Products> of(const std::vector<Term>& terms) {
    Products sum;
    for (const Term& term : terms) {
      std::optional<Products> product = of(term.a);
      if (product && term.product) product = multiplied(*product, of(term.b));
      if (!product) return std::nullopt;
      for (const auto& [factors, coefficient] : *product) sum[factors] += double{term.coefficient} * coefficient;
    }
    return sum.size() <= kMaxProducts ? std::optional(std::move(sum)) : std::nullopt;
  }

 private:
  std::optional<Products> of(Ref ref) {
    if (++steps_ > kMaxSteps) return std::nullopt;
    const Scaled scaled = expressions_.scaled(ref);
    const Expression& source = expressions_.of(scaled.of);
    std::optional<Products> result =
        source.kind == ExpressionKind::kSum ? of(source.terms[scaled.of.column]) : Products{{{scaled.of}, 1.0}};
    if (!result) return std::nullopt;
    for (auto& entry : *result) entry.second *= scaled.scale;
    if (scaled.shift != 0) (*result)[{}] += scaled.shift;
    return result;
  }

  static std::optional<Products> multiplied(const Products& a, const std::optional<Products>& b) {
    if (!b || a.size() * b->size() > kMaxProducts) return std::nullopt;
    Products result;
    for (const auto& [left, c] : a) {
      for (const auto& [right, d] : *b) {
        Vector factors = left;
        factors.insert(factors.end(), right.begin(), right.end());
        std::sort(factors.begin(), factors.end());
        result[factors] += c * d;
      }
    }
    return result;
  }

  const Expressions& expressions_;
  size_t steps_ = 0;
};

struct Dice {
  Ref x;
  double slope = 0, scale = 1, shift = 0;  // of the norm
};

/// slope x + (1 - slope) x p. x is itself an affine map where its batch norm is of that.
std::optional<Dice> dice_of(const Expressions& expressions, const std::vector<Term>& terms) {
  const std::optional<Products> products = Expansion(expressions).of(terms);
  if (!products || products->empty() || products->size() > 2) return std::nullopt;
  Dice dice;
  double of_both = 0;
  Vector both;
  for (const auto& [factors, coefficient] : *products) {
    if (factors.size() == 1) dice.x = factors[0], dice.slope = coefficient;
    if (factors.size() == 2) both = factors, of_both = coefficient;
    if (factors.empty() || factors.size() > 2) return std::nullopt;
  }
  if (both.empty() || std::fabs(dice.slope + of_both - 1) > 1e-6) return std::nullopt;
  for (const size_t i : {size_t{0}, size_t{1}}) {
    const Expression& sigmoid = expressions.of(both[i]);
    if (sigmoid.kind != ExpressionKind::kActivation || sigmoid.activation.kind != ActivationKind::kSigmoid) continue;
    const Scaled norm = expressions.scaled(sigmoid.inputs[both[i].column]);
    if (norm.of != both[1 - i] || (products->size() == 2 && dice.x != norm.of)) continue;
    dice.x = norm.of;
    dice.scale = norm.scale;
    dice.shift = norm.shift;
    return dice;
  }
  return std::nullopt;
}

}  // namespace

std::optional<TensorValue> find_dice(const NodeCall& call, const Expression& sums, const TensorValue& like) {
  Expression activated;
  activated.kind = ExpressionKind::kActivation;
  activated.activation.kind = ActivationKind::kDice;
  activated.activation.dice_norm = BatchNorm{{}, {}, {}, {}, 0};
  BatchNorm& norm = *activated.activation.dice_norm;
  for (const std::vector<Term>& terms : sums.terms) {
    const std::optional<Dice> dice = dice_of(call.expressions, terms);
    if (!dice) return std::nullopt;
    activated.inputs.push_back(dice->x);
    activated.activation.slopes.push_back(static_cast<float>(dice->slope));
    norm.gamma.push_back(static_cast<float>(dice->scale));
    norm.beta.push_back(static_cast<float>(dice->shift));
    norm.mean.push_back(0);
    norm.variance.push_back(1);
  }
  activated.columns = activated.inputs.size();
  if (activated.columns == 0) return std::nullopt;
  return call.rows_of(std::move(activated), like);
}

}  // namespace mmoe::converter
