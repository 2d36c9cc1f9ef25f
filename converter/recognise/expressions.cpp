#include "converter/recognise/expressions.h"

#include <cmath>

#include "converter/error.h"

namespace mmoe::converter {

uint32_t Expressions::add(Expression expression) {
  charge(expression.columns + expression.inputs.size());
  expressions_.push_back(std::make_unique<Expression>(std::move(expression)));
  return static_cast<uint32_t>(expressions_.size() - 1);
}

Vector Expressions::all(uint32_t expression) const {
  Vector refs;
  for (size_t i = 0; i < expressions_[expression]->columns; ++i) refs.push_back({expression, static_cast<uint32_t>(i)});
  return refs;
}

Scaled Expressions::scaled(Ref ref) const {
  Scaled result{1, 0, ref};
  while (of(result.of).kind == ExpressionKind::kAffine) {
    const Expression& affine = of(result.of);
    const size_t i = result.of.column;
    const double scale =
        double{affine.norm.gamma[i]} / std::sqrt(double{affine.norm.variance[i]} + affine.norm.epsilon);
    result.shift += result.scale * (affine.norm.beta[i] - scale * affine.norm.mean[i]);
    result.scale *= scale;
    result.of = affine.inputs[i];
  }
  return result;
}

void Expressions::charge(size_t count) {
  if (count > limit_ - charged_) {
    throw ConvertError("the graph computes more than " + std::to_string(limit_) +
                       " numbers per row, the most for a file of its size; no model of the MMoE family does");
  }
  charged_ += count;
}

}  // namespace mmoe::converter
