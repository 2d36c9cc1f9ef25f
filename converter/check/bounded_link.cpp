// From towers' logits, or other scores, to a task's score.
#include <algorithm>

#include "converter/check/bounded.h"
#include "converter/error.h"

namespace mmoe::converter {
namespace {

Number product(const Link& link, const Numbers& scores) {
  Number result = scores[link.factors.front()];
  for (size_t i = 1; i < link.factors.size(); ++i) {
    const Number& factor = scores[link.factors[i]];
    const double value = result.value * factor.value;
    const double carried =
        std::abs(result.value) * factor.error + result.error * (std::abs(factor.value) + factor.error);
    result = plain(value, carried + kUnit * (std::abs(value) + carried) + kTiny);
  }
  return result;
}

Number softplus(const Number& z) {
  Activation activation;
  activation.kind = ActivationKind::kSoftplus;
  return activate(activation, 0, z);
}

// -log(1 + e^l), l = log(sum of e^d) over the other classes' d = x_i - x_c, class by class as the runtime does it. The
// logarithm of a sum moves by no more than the largest of what its terms move by. Each class adds the rounding of
// d, d - l, softplus and the sum.
Number log_softmax(const Numbers& logits, size_t column) {
  const Number& own = logits[column];
  Number l;
  bool first = true;
  for (size_t i = 0; i < logits.size(); ++i) {
    if (i == column) continue;
    const double distance = logits[i].value - own.value;
    const double error = logits[i].error + own.error + kUnit * std::abs(distance) + kTiny;
    if (first) {
      l = plain(distance, error);
      first = false;
      continue;
    }
    const double apart = distance - l.value;
    const Number added = softplus({apart, kUnit * (std::abs(apart) + error + l.error), 0});
    const double value = l.value + added.value;
    l = plain(value, std::max(l.error, error) + added.error + kUnit * (std::abs(value) + l.error + error));
  }
  const Number result = softplus(l);
  return plain(-result.value, result.error);
}

// The sum over the classes of probability times value, ascending; products and sums are rounded.
Number expected_value(const Link& link, const Numbers& probabilities) {
  double value = 0, carried = 0, terms = 0;
  for (size_t i = 0; i < probabilities.size(); ++i) {
    const double size = std::abs(static_cast<double>(link.values[i]));
    value += probabilities[i].value * link.values[i];
    carried += probabilities[i].error * size;
    terms += (probabilities[i].value + probabilities[i].error) * size;
  }
  const double roundings = static_cast<double>(probabilities.size()) + 1;
  return plain(value, carried + rounding(roundings) * terms + roundings * kTiny);
}

Number source(const Link& link, const std::vector<Numbers>& logits, const Numbers& earlier) {
  switch (link.source) {
    case LinkSource::kLogit: return logits[link.tower][link.column];
    case LinkSource::kSoftmaxColumn: return softmax(logits[link.tower])[link.column];
    case LinkSource::kLogSoftmaxColumn: return log_softmax(logits[link.tower], link.column);
    case LinkSource::kExpectedValue: return expected_value(link, softmax(logits[link.tower]));
    case LinkSource::kProduct: return product(link, earlier);
  }
  throw ConvertError("internal error: unknown link");
}

}  // namespace

Number score(const Link& link, const std::vector<Numbers>& logits, const Numbers& earlier) {
  Number a = activate(link.activation, 0, source(link, logits, earlier));
  if (link.scale != 1 || link.shift != 0) a = scale_and_shift(a, link.scale, link.shift);
  return clamp(a, link.lower, link.upper);
}

}  // namespace mmoe::converter
