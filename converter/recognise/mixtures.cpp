#include "converter/recognise/mixtures.h"

#include <algorithm>

#include "converter/description/limits.h"
#include "converter/error.h"

namespace mmoe::converter {
namespace {

class MixtureFinder {
 public:
  MixtureFinder(const Chains& chains, const Expressions& expressions, const Vector& vector)
      : chains_(chains), expressions_(expressions), vector_(vector) {}

  Mixture find() {
    const std::vector<Term>& terms = terms_of(vector_.front());
    if (terms.empty()) fail("is an empty sum");
    if (terms.size() > kMaxExpertsPerLevel) fail("mixes more than 256 vectors");
    mixture_.node = expressions_.of(vector_.front()).node;
    const bool gated = terms.front().product;
    for (const Ref ref : vector_) {
      if (terms_of(ref).size() != terms.size()) fail("its sums have different numbers of terms");
      for (const Term& term : terms_of(ref)) {
        if (term.product != gated) fail("mixes some vectors by a gate and others without");
      }
    }
    gated ? find_gated() : find_constant();
    return std::move(mixture_);
  }

 private:
  [[noreturn]] void fail(const std::string& why) const { chains_.fail(vector_.front(), why); }

  const std::vector<Term>& terms_of(Ref ref) const { return expressions_.of(ref).terms[ref.column]; }

  bool is_softmax(Ref ref) const { return expressions_.of(ref).kind == ExpressionKind::kSoftmax; }

  /// The gate's weight of a term, and what it weighs.
  std::pair<Ref, Ref> split(const Term& term) const {
    if (term.coefficient != 1) fail("scales what a gate mixes");
    if (is_softmax(term.a) == is_softmax(term.b)) {
      fail(is_softmax(term.a) ? "multiplies two softmaxes"
                              : "multiplies two results of which neither is a softmax: no gate and expert");
    }
    return is_softmax(term.a) ? std::make_pair(term.a, term.b) : std::make_pair(term.b, term.a);
  }

  void find_gated() {
    const uint32_t softmax = split(terms_of(vector_.front()).front()).first.expression;
    const Expression& gate = expressions_[softmax];
    mixture_.logits = gate.inputs;
    mixture_.experts.assign(gate.columns, Vector());
    for (size_t i = 0; i < vector_.size(); ++i) {
      for (const Term& term : terms_of(vector_[i])) {
        const auto [weight, value] = split(term);
        if (weight.expression != softmax) fail("mixes by the weights of two softmaxes");
        mixture_.experts[weight.column].push_back(value);
      }
      for (const Vector& expert : mixture_.experts) {
        if (expert.size() != i + 1) fail("does not use every weight of the gate's softmax exactly once");
      }
    }
  }

  /// Terms are in the order of the experts.
  void find_constant() {
    const std::vector<Term>& first = terms_of(vector_.front());
    mixture_.experts.assign(first.size(), Vector());
    for (const Term& term : first) mixture_.constant_weights.push_back(term.coefficient);
    for (const Ref ref : vector_) {
      for (size_t i = 0; i < first.size(); ++i) {
        const Term& term = terms_of(ref)[i];
        if (term.coefficient != first[i].coefficient) fail("its sums have different coefficients");
        mixture_.experts[i].push_back(term.a);
      }
    }
  }

  const Chains& chains_;
  const Expressions& expressions_;
  const Vector& vector_;
  Mixture mixture_;
};

}  // namespace

Mixture find_mixture(const Chains& chains, const Expressions& expressions, const Vector& vector) {
  return MixtureFinder(chains, expressions, vector).find();
}

}  // namespace mmoe::converter
