// Scalars as linear combinations of what a model reads.
#pragma once

#include <map>
#include <optional>

#include "converter/recognise/expressions.h"

namespace mmoe::converter {

/// constant + the sum of weights[ref] * ref
struct LinearForm {
  std::map<Ref, double> weights;
  double constant = 0;
  bool through_layers = false;  ///< dense layers are part of it

  /// Is `ref` itself.
  bool is_plain() const { return weights.size() == 1 && weights.begin()->second == 1 && constant == 0; }
  void add(const LinearForm& other, double factor);
};

/// Finds the linear forms of scalars in columns of the graph's inputs and in embeddings; or in whatever is no linear
/// form itself: results of activations, norms and softmaxes, sums of products. Remembers those of the layers on the
/// way.
class LinearForms {
 public:
  enum class Of { kInputs, kAnything };
  explicit LinearForms(const Expressions& expressions, Of of = Of::kInputs) : expressions_(expressions), of_(of) {}

  /// Nothing when the scalar is no linear form, or one of more than 2^16 inputs; and when all forms together would have
  /// more than 2^21 weights or took more than 2^24 additions.
  std::optional<LinearForm> of(Ref ref);

 private:
  std::optional<LinearForm> calculate(Ref ref, size_t depth);
  std::optional<LinearForm> find(Ref ref, size_t depth);

  bool is_product(const Expression& source, Ref ref) const;

  const Expressions& expressions_;
  const Of of_;
  size_t weights_ = 0;                              // of known_
  size_t work_ = 0;                                 // how many weights have been added to forms
  std::map<Ref, std::optional<LinearForm>> known_;  // of layers' outputs and sums
};

/// The layer, which reads vectors of these forms, as one that reads `base`: weights and bias are calculated in double.
/// `base` becomes all that the forms read, in the order in which they name it. Throws ConvertError where that would
/// take more than 2^28 multiplications.
DenseLayer compose(const DenseLayer& layer, const std::vector<LinearForm>& forms, Vector& base);

}  // namespace mmoe::converter
