#include <algorithm>
#include <cmath>

#include "converter/check/bounded.h"
#include "kernels/kernels.h"

namespace mmoe::converter {
namespace {

// A part of a row's inputs as the kernels round it: the integers of the exact inputs, and by how many the runtime's may
// differ.
struct RoundedPart {
  size_t first = 0, end = 0;
  double scale = 0, scale_error = 0;  // amax / 127
  std::vector<double> codes, slacks;
};

// q = x * inv rounded, inv = 127 / amax. With inputs wrong by e and the largest, a, by at most e_a, the product before
// rounding is off by 127 e / a' + |q| e_a / a', a' = a - e_a the least that it can be, and by two roundings.
RoundedPart round_part(const Numbers& x, size_t first, size_t end) {
  RoundedPart part;
  part.first = first;
  part.end = end;
  double amax = 0, amax_error = 0;
  for (size_t i = first; i < end; ++i) {
    amax = std::max(amax, std::abs(x[i].value));
    amax_error = std::max(amax_error, x[i].error);
  }
  const double least = amax - amax_error, least_amax = kernels::kLeastAmax;
  part.scale = amax / 127;
  part.scale_error = amax_error / 127 + kUnit * (amax + amax_error) / 127;
  for (size_t i = first; i < end; ++i) {
    if (!(least >= least_amax)) {  // zeros, or nothing is known but the largest
      const bool zeros = amax + amax_error < least_amax;
      part.codes.push_back(0);
      part.slacks.push_back(zeros ? 0 : amax_error < kInfinity ? 128 : kInfinity);
      continue;
    }
    const double exact = x[i].value * (127 / amax);
    const double off = 127 * x[i].error / least + std::abs(exact) * (amax_error / least + rounding(3));
    const double code = std::nearbyint(exact);
    part.codes.push_back(code);
    part.slacks.push_back(std::max(std::nearbyint(exact + off) - code, code - std::nearbyint(exact - off)));
  }
  return part;
}

// float(sum) * (amax / 127 * scale) + ...: 4 roundings behind the exact sum, and one per part of the addition.
Number output_of(const DenseLayer& layer, size_t output, const std::vector<RoundedPart>& parts) {
  const double bias = layer.bias.empty() ? 0 : layer.bias[output];
  const double unit = layer.storage.scales[output];
  double value = bias, error = 0, terms = std::abs(bias);
  for (const RoundedPart& part : parts) {
    double sum = 0, slack = 0;
    for (size_t i = part.first; i < part.end; ++i) {
      const double weight = layer.weight.at(output, i);
      sum += weight * part.codes[i - part.first];
      if (weight != 0) slack += std::abs(weight) * part.slacks[i - part.first];
    }
    const double most = std::abs(sum) + slack;
    value += sum * part.scale * unit;
    error += unit * (slack * part.scale + part.scale_error * most);
    terms += unit * (part.scale + part.scale_error) * most;
  }
  return plain(value,
               error + rounding(8) * terms + 8 * kTiny * (1 + 127.0 * 127.0 * static_cast<double>(layer.inputs())));
}

}  // namespace

Numbers run_w8a8(const DenseLayer& layer, const Numbers& x) {
  std::vector<RoundedPart> parts;
  const size_t shared = layer.storage.shared_inputs;
  if (shared != 0) parts.push_back(round_part(x, 0, shared));
  parts.push_back(round_part(x, shared, x.size()));
  Numbers y;
  for (size_t output = 0; output < layer.outputs(); ++output) y.push_back(output_of(layer, output, parts));
  return y;
}

}  // namespace mmoe::converter
