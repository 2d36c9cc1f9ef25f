// The weights of a gate of smooth steps, in double precision.
#include <algorithm>
#include <cmath>

#include "converter/model/model.h"

namespace mmoe::converter {

size_t selector_outputs(size_t num_experts) {
  size_t bits = 0;
  while ((size_t{1} << bits) < num_experts) ++bits;
  return bits + 1;
}

double smooth_step(double x) {
  const double u = std::min(0.5, std::max(-0.5, x));
  return u * (1.5 - 2 * u * u) + 0.5;
}

std::vector<double> smooth_step_weights(const std::vector<double>& logits, size_t num_selectors, double gamma,
                                        size_t num_experts) {
  const size_t bits = selector_outputs(num_experts) - 1;
  const auto shares = logits.begin() + static_cast<std::ptrdiff_t>(num_selectors * bits);
  const double largest = *std::max_element(shares, logits.end());
  double sum = 0;
  for (auto share = shares; share != logits.end(); ++share) sum += std::exp(*share - largest);
  std::vector<double> weights(num_experts, 0.0);
  for (size_t e = 0; e < num_experts; ++e) {
    for (size_t i = 0; i < num_selectors; ++i) {
      double part = std::exp(logits[num_selectors * bits + i] - largest) / sum;
      for (size_t bit = 0; bit < bits; ++bit) {
        const double step = smooth_step(logits[i * bits + bit] / gamma);
        part *= (e >> (bits - 1 - bit)) % 2 == 1 ? step : 1 - step;
      }
      weights[e] += part;
    }
  }
  return weights;
}

}  // namespace mmoe::converter
