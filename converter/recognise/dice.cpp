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

/// Of x = scale * of + shift.
struct Dice {
  Ref of;
  double scale = 1, shift = 0;
  double slope = 0, norm_scale = 1, norm_shift = 0;  // of x
};

/// The number that the norm within a sigmoid is of; nothing where `ref` is none.
std::optional<Scaled> sigmoid_of(const Expressions& expressions, Ref ref) {
  const Expression& source = expressions.of(ref);
  const bool sigmoid = source.kind == ExpressionKind::kActivation && source.activation.kind == ActivationKind::kSigmoid;
  return sigmoid ? std::optional(expressions.scaled(source.inputs[ref.column])) : std::nullopt;
}

/// slope x + (1 - slope) x p is, of a number that x is an affine map of, a sum of up to four products.
std::optional<Dice> dice_of(const Expressions& expressions, const std::vector<Term>& terms) {
  const std::optional<Products> products = Expansion(expressions).of(terms);
  if (!products || products->empty() || products->size() > 4 || products->rbegin()->first.empty()) return std::nullopt;
  const auto pair = std::find_if(products->begin(), products->end(), [](const auto& p) { return p.first.size() == 2; });
  if (pair == products->end()) return std::nullopt;
  for (const size_t i : {size_t{0}, size_t{1}}) {
    const Ref p = pair->first[i], of = pair->first[1 - i];
    const std::optional<Scaled> norm = sigmoid_of(expressions, p);
    if (!norm || norm->of != of) continue;
    const auto coefficient = [&](const Vector& factors) {
      const auto found = products->find(factors);
      return found != products->end() ? found->second : 0.0;
    };
    const size_t known = products->count({}) + products->count({p}) + products->count({of}) + 1;
    if (known != products->size()) return std::nullopt;
    Dice dice{of, coefficient({of}) + pair->second, coefficient({}) + coefficient({p})};
    if (std::fabs(dice.scale) < 1e-12) return std::nullopt;
    dice.slope = coefficient({of}) / dice.scale;
    // The slope is that of the shift too.
    if (std::fabs(coefficient({}) - dice.slope * dice.shift) > 1e-6 * (1 + std::fabs(dice.shift))) return std::nullopt;
    if (std::fabs(dice.scale - 1) < 1e-6 && dice.shift == 0) dice.scale = 1;
    dice.norm_scale = norm->scale / dice.scale;
    dice.norm_shift = norm->shift - dice.norm_scale * dice.shift;
    return dice;
  }
  return std::nullopt;
}

void add(BatchNorm& norm, double scale, double shift) {
  norm.gamma.push_back(static_cast<float>(scale));
  norm.beta.push_back(static_cast<float>(shift));
  norm.mean.push_back(0);
  norm.variance.push_back(1);
}

}  // namespace

std::optional<TensorValue> find_dice(const NodeCall& call, const Expression& sums, const TensorValue& like) {
  Expression activated;
  activated.kind = ExpressionKind::kActivation;
  activated.activation.kind = ActivationKind::kDice;
  activated.activation.dice_norm = BatchNorm{{}, {}, {}, {}, 0};
  BatchNorm& norm = *activated.activation.dice_norm;
  Expression affine;
  affine.kind = ExpressionKind::kAffine;
  affine.norm.epsilon = 0;
  bool plain = true;
  for (const std::vector<Term>& terms : sums.terms) {
    const std::optional<Dice> dice = dice_of(call.expressions, terms);
    if (!dice) return std::nullopt;
    activated.activation.slopes.push_back(static_cast<float>(dice->slope));
    add(norm, dice->norm_scale, dice->norm_shift);
    affine.inputs.push_back(dice->of);
    add(affine.norm, dice->scale, dice->shift);
    plain = plain && dice->scale == 1 && dice->shift == 0;
  }
  if (affine.inputs.empty()) return std::nullopt;
  activated.columns = affine.inputs.size();
  affine.columns = activated.columns;
  activated.inputs = plain ? affine.inputs : call.rows_of(std::move(affine), like).refs;
  return call.rows_of(std::move(activated), like);
}

}  // namespace mmoe::converter
