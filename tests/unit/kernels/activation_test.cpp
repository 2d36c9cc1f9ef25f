#include <limits>

#include "tests/unit/kernels/compare.h"

namespace mmoe::test {
namespace {

using kernels::Activation;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Values around every branch of the elementary functions, and a sweep.
std::vector<float> interesting_values() {
  std::vector<float> values = {0.0f, -0.0f, 1.0f, -1.0f, 0.625f, -0.625f, 0.62499f, 0.62501f, -0.62501f, 87.3f, -87.3f,
                               -87.3365f, -87.33655f, 88.0f, -88.0f, 88.8f, 100.0f, -100.0f, 1e-30f, -1e-30f, 1e30f,
                               -1e30f, 1e-40f, -1e-40f, 3.4e38f, -3.4e38f, kInfinity, -kInfinity, kNan};
  for (float x = -90; x < 90; x += 0.0137f) values.push_back(x);
  for (float x = -1; x < 1; x += 0.00037f) values.push_back(x);
  values.resize(padded_outputs(values.size()));
  return values;
}

double exact(Activation activation, float alpha, double x) {
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
    case Activation::kSoftplus: return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x)));
  }
  return 0;
}

TEST_CASE("activations: the reference is within a few units in the last place of the true function") {
  for (unsigned a = 0; a < kernels::kNumActivations; ++a) {
    const auto activation = static_cast<Activation>(a);
    const std::vector<float> inputs = interesting_values();
    std::vector<float> outputs = inputs;
    reference().activate(activation, 0.3f, outputs.data(), outputs.size());
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (std::isnan(inputs[i])) {
        CHECK(std::isnan(outputs[i]));
        continue;
      }
      if (std::isinf(inputs[i]) || std::abs(inputs[i]) > 1e30f) continue;
      const double expected = exact(activation, 0.3f, inputs[i]);
      // exp is good to about 1 ulp; the sums and quotients around it add a few roundings of at most half an ulp of
      // 1 (elu subtracts from 1) or of the result. 4 * 2^-24 of max(1, |result|) covers them.
      const double tolerance = 4 * 0x1p-24 * std::max(1.0, std::abs(expected));
      INFO("activation ", a, " of ", inputs[i], " is ", outputs[i], ", expected ", expected);
      CHECK(std::abs(outputs[i] - expected) <= tolerance);
    }
  }
}

TEST_CASE("activations: every kernel set gives the reference's bits") {
  for (const kernels::KernelTable* table : tested_kernels()) {
    for (unsigned a = 0; a < kernels::kNumActivations; ++a) {
      CAPTURE(a);
      std::vector<float> expected = interesting_values();
      std::vector<float> found = expected;
      reference().activate(static_cast<Activation>(a), 0.3f, expected.data(), expected.size());
      table->activate(static_cast<Activation>(a), 0.3f, found.data(), found.size());
      // Without fma the same sequence rounds each product once more: both are within the bound of the first
      // test of the true value. Results are at most 1 in size wherever fma is used.
      check_equal(*table, found, expected, 2 * 4 * 0x1p-24);
    }
  }
}

TEST_CASE("activations: limits at infinity") {
  for (unsigned i = 0; const kernels::KernelTable* table = kernels::available_kernels(i); ++i) {
    std::vector<float> values(16, -kInfinity);
    values[1] = kInfinity;
    std::vector<float> sigmoid = values;
    table->activate(Activation::kSigmoid, 0, sigmoid.data(), 16);
    CHECK(sigmoid[0] == 0.0f);
    CHECK(sigmoid[1] == 1.0f);
    std::vector<float> tanh = values;
    table->activate(Activation::kTanh, 0, tanh.data(), 16);
    CHECK(tanh[0] == -1.0f);
    CHECK(tanh[1] == 1.0f);
  }
}

}  // namespace
}  // namespace mmoe::test
