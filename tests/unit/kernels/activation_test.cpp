#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/unit/kernels/compare.h"

namespace mmoe::test {
namespace {

using kernels::Activation;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Values around every branch of the elementary functions, and a sweep.
std::vector<float> interesting_values() {
  std::vector<float> values = {0.0f,      -0.0f,    1.0f,      -1.0f,      0.625f,     -0.625f, 0.62499f, 0.62501f,
                               -0.62501f, 87.3f,    -87.3f,    -87.3365f,  -87.33655f, 88.0f,   -88.0f,   88.8f,
                               100.0f,    -100.0f,  1e-30f,    -1e-30f,    1e30f,      -1e30f,  1e-40f,   -1e-40f,
                               3.4e38f,   -3.4e38f, kInfinity, -kInfinity, kNan};
  for (float x = -90; x < 90; x += 0.0137f) values.push_back(x);
  for (float x = -1; x < 1; x += 0.00037f) values.push_back(x);
  values.resize(padded_outputs(values.size()));
  return values;
}

double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }

constexpr float kAlpha = 0.3f, kBeta = 0.7f;

double exact(Activation activation, double x) {
  constexpr double alpha = kAlpha, beta = kBeta;
  constexpr double kSeluAlpha = 1.6732632423543772, kSeluScale = 1.0507009873554805;
  constexpr double kPi = 3.14159265358979323846;
  switch (activation) {
    case Activation::kIdentity: return x;
    case Activation::kRelu: return x < 0 ? 0 : x;
    case Activation::kLeakyRelu:
    case Activation::kPRelu: return x < 0 ? alpha * x : x;
    case Activation::kElu: return x < 0 ? alpha * std::expm1(x) : x;
    case Activation::kSelu: return kSeluScale * (x < 0 ? kSeluAlpha * std::expm1(x) : x);
    case Activation::kSigmoid: return 1 / (1 + std::exp(-x));
    case Activation::kTanh: return std::tanh(x);
    case Activation::kSilu: return x / (1 + std::exp(-x));
    case Activation::kGelu: return x * std::erfc(-x / std::sqrt(2.0)) / 2;
    case Activation::kGeluTanh: return x * (1 + std::tanh(std::sqrt(2 / kPi) * (x + 0.044715 * x * x * x))) / 2;
    case Activation::kSoftplus: return softplus(x);
    case Activation::kCelu: return x < 0 ? alpha * std::expm1(x / alpha) : x;
    case Activation::kMish: return x * std::tanh(softplus(x));
    case Activation::kHardSwish: return x * std::clamp(x / 6 + 0.5, 0.0, 1.0);
    case Activation::kHardSigmoid: return std::clamp(alpha * x + beta, 0.0, 1.0);
    case Activation::kClamp: return std::clamp(x, alpha, beta);
    case Activation::kSwish: return x / (1 + std::exp(-alpha * x));
    case Activation::kSoftsign: return x / (1 + std::abs(x));
    case Activation::kLogSigmoid: return -softplus(-x);
    case Activation::kThreshold: return x > alpha ? x : beta;
    case Activation::kSquaredRelu: return x < 0 ? 0 : x * x;
    case Activation::kExp: return std::exp(x);
    case Activation::kScaledSoftplus: return softplus(alpha * x) / alpha;
  }
  return 0;
}

TEST_CASE("activations: the reference is within a few units in the last place of the true function") {
  for (unsigned a = 0; a < kernels::kNumActivations; ++a) {
    const auto activation = static_cast<Activation>(a);
    const std::vector<float> inputs = interesting_values();
    std::vector<float> outputs = inputs;
    reference().activate(activation, kAlpha, kBeta, outputs.data(), outputs.size());
    WorstElement worst;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (std::isnan(inputs[i])) {
        worst.take(i, double{outputs[i]}, double{kNan}, std::isnan(outputs[i]) ? 0 : double{kInfinity});
        continue;
      }
      if (std::isinf(inputs[i]) || std::abs(inputs[i]) > 1e30f) continue;
      const double expected = exact(activation, inputs[i]);
      // exp is good to about 1 ulp; the sums and quotients around it add a few roundings of at most half an ulp of
      // 1 (elu subtracts from 1) or of the result. 4 * 2^-24 of max(1, |result|) covers them.
      // Softplus with a sharpness divides its error by that; the rounding of alpha x is within the same bound.
      const double stretch = activation == Activation::kScaledSoftplus ? 1 / static_cast<double>(kAlpha) : 1;
      const double tolerance = 4 * 0x1p-24 * std::max(stretch, std::abs(expected));
      // Beyond the float's range, and where 1 / e^-x is infinite before that.
      const bool infinite = std::abs(expected) > 3.4e38 || (activation == Activation::kExp && inputs[i] > 87.33f);
      if (infinite) continue;
      worst.take(i, double{outputs[i]}, expected, std::abs(outputs[i] - expected) - tolerance);
    }
    worst.check(name_of(activation));
  }
}

TEST_CASE("activations: every kernel set gives the reference's bits") {
  for (const kernels::KernelTable* table : tested_kernels()) {
    for (unsigned a = 0; a < kernels::kNumActivations; ++a) {
      INFO(std::string(name_of(static_cast<Activation>(a))));
      std::vector<float> expected = interesting_values();
      std::vector<float> found = expected;
      reference().activate(static_cast<Activation>(a), kAlpha, kBeta, expected.data(), expected.size());
      table->activate(static_cast<Activation>(a), kAlpha, kBeta, found.data(), found.size());
      // Without fma the same sequence rounds each product once more: both are within the bound of the first
      // test of the true value.
      const bool stretched = static_cast<Activation>(a) == Activation::kScaledSoftplus;
      make_relative(*table, found, expected);
      check_equal(*table, found, expected, 2 * 4 * 0x1p-24 / (stretched ? double{kAlpha} : 1));
    }
  }
}

TEST_CASE("activations: limits at infinity") {
  for (unsigned i = 0; const kernels::KernelTable* table = kernels::available_kernels(i); ++i) {
    std::vector<float> values(16, -kInfinity);
    values[1] = kInfinity;
    std::vector<float> sigmoid = values;
    table->activate(Activation::kSigmoid, 0, 0, sigmoid.data(), 16);
    CHECK(sigmoid[0] == 0.0f);
    CHECK(sigmoid[1] == 1.0f);
    std::vector<float> tanh = values;
    table->activate(Activation::kTanh, 0, 0, tanh.data(), 16);
    CHECK(tanh[0] == -1.0f);
    CHECK(tanh[1] == 1.0f);
  }
}

}  // namespace
}  // namespace mmoe::test
