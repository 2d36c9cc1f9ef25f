#include <limits>

#include "tests/unit/kernels/compare.h"

namespace mmoe::test {
namespace {

using kernels::GateArgs;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct GateResult {
  std::vector<float> weights;  // [rows, top_k or experts]
  std::vector<std::uint16_t> selected;
};

GateResult run_gate(const kernels::KernelTable& table, std::vector<float> logits, std::size_t rows, std::size_t experts,
                    std::size_t top_k, bool of_softmax) {
  logits.resize(logits.size() + kPanelWidth - 1);  // a kernel may read so far
  const std::size_t stride = padded_outputs(experts);
  std::vector<float> weights(rows * stride);
  GateResult result;
  result.selected.resize(rows * top_k);
  GateArgs args{};
  args.logits = logits.data();
  args.logits_stride = experts;
  args.num_rows = rows;
  args.num_experts = experts;
  args.top_k = top_k;
  args.top_k_of_softmax = of_softmax;
  args.weights = weights.data();
  args.weights_stride = stride;
  args.selected = result.selected.data();
  table.gate(args);
  const std::size_t count = top_k ? top_k : experts;
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t j = 0; j < count; ++j) result.weights.push_back(weights[row * stride + j]);
  }
  return result;
}

TEST_CASE("gate: every kernel set gives the reference's bits and choices") {
  constexpr std::size_t kRows = 37;  // whole registers of rows, and some left over
  Random random(1);
  for (const kernels::KernelTable* table : tested_kernels()) {
    for (const std::size_t experts : {1, 2, 7, 8, 15, 16, 17, 32, 33, 64, 256}) {
      // Few distinct values, so that there are ties.
      std::vector<float> logits = random.floats(kRows * experts, -4, 4);
      for (std::size_t i = 0; i < logits.size(); i += 3) logits[i] = std::floor(logits[i]);
      for (const std::size_t top_k : {0, 1, 2, 5, 16, 33}) {
        if (top_k > experts) continue;
        for (const bool of_softmax : {false, true}) {
          CAPTURE(experts);
          CAPTURE(top_k);
          const GateResult expected = run_gate(reference(), logits, kRows, experts, top_k, of_softmax);
          const GateResult found = run_gate(*table, logits, kRows, experts, top_k, of_softmax);
          CHECK(found.selected == expected.selected);
          // Without fma exp differs by 2 ulp at most, and so do weights of at most 1.
          check_equal(*table, found.weights, expected.weights, 6 * 0x1p-24);
        }
      }
    }
  }
}

TEST_CASE("gate: softmax against the definition, and the two kinds of top-k") {
  const std::vector<float> logits = {1.0f, 3.0f, 2.0f, 3.0f};
  double sum = 0;
  for (const float logit : logits) sum += std::exp(double{logit});
  for (std::size_t i = 0; const kernels::KernelTable* table = kernels::available_kernels(i); ++i) {
    const GateResult all = run_gate(*table, logits, 1, 4, 0, false);
    for (std::size_t e = 0; e < 4; ++e) CHECK(all.weights[e] == doctest::Approx(std::exp(double{logits[e]}) / sum));
    const GateResult renormalised = run_gate(*table, logits, 1, 4, 2, false);
    CHECK(renormalised.selected == std::vector<std::uint16_t>{1, 3});
    CHECK(renormalised.weights == std::vector<float>{0.5f, 0.5f});
    const GateResult kept = run_gate(*table, logits, 1, 4, 3, true);
    CHECK(kept.selected == std::vector<std::uint16_t>{1, 2, 3});
    CHECK(kept.weights == std::vector<float>{all.weights[1], all.weights[2], all.weights[3]});
  }
}

struct Weights {
  std::vector<float> all;
  std::vector<std::uint16_t> selected;
};

Weights run_function(const kernels::KernelTable& table, kernels::GateFunction function, std::vector<float> logits,
                     std::size_t rows, std::size_t experts, std::size_t selectors, std::size_t top_k) {
  const std::size_t width = logits.size() / rows, stride = padded_outputs(experts);
  logits.resize(logits.size() + kPanelWidth - 1);  // a kernel may read so far
  std::vector<float> weights(rows * stride);
  Weights result;
  result.selected.resize(rows * top_k);
  GateArgs args{};
  args.function = function;
  args.num_selectors = selectors;
  args.logits = logits.data();
  args.logits_stride = width;
  args.num_rows = rows;
  args.num_experts = experts;
  args.top_k = top_k;
  args.weights = weights.data();
  args.weights_stride = stride;
  args.selected = result.selected.data();
  table.gate(args);
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t j = 0; j < (top_k ? top_k : experts); ++j) result.all.push_back(weights[row * stride + j]);
  }
  return result;
}

TEST_CASE("gate: smooth steps and weights as they are have the reference's bits and choices in every set") {
  constexpr std::size_t kRows = 7;
  Random random(3);
  for (const kernels::KernelTable* table : tested_kernels()) {
    for (const std::size_t experts : {2, 3, 4, 5, 8, 16, 17, 64, 256}) {
      for (const std::size_t selectors : {0, 1, 2, 5, 64}) {
        const bool steps = selectors != 0;
        const std::size_t width = steps ? selectors * (kernels::selector_bits(experts) + 1) : experts;
        std::vector<float> logits = random.floats(kRows * width, -0.8f, 0.8f);
        for (std::size_t i = 0; i < logits.size(); i += 5) logits[i] = 0.5f;  // ties, and ends of steps
        for (const std::size_t top_k : {0, 1, 2}) {
          CAPTURE(experts);
          CAPTURE(selectors);
          CAPTURE(top_k);
          const auto function = steps ? kernels::GateFunction::kSmoothStep : kernels::GateFunction::kIdentity;
          const Weights expected = run_function(reference(), function, logits, kRows, experts, selectors, top_k);
          const Weights found = run_function(*table, function, logits, kRows, experts, selectors, top_k);
          // Without fma, weights of at most 1 differ by the roundings of 8 factors, of the steps and of the shares.
          check_equal(*table, found.all, expected.all, 32 * 0x1p-24);
          if (table->fma) CHECK(found.selected == expected.selected);
        }
      }
    }
  }
}

TEST_CASE("gate: smooth steps against the definition") {
  // Two selectors of two bits: the first is certain of expert 2 (1, 0), the second half way between 0 and 1.
  const std::vector<float> logits = {0.5f, -7.0f, -0.5f, 0.0f, 0.0f, 0.0f};
  // -0.25 is 0.15625 of a step, by -2 t^3 + 1.5 t + 0.5.
  const std::vector<float> quarter = {-0.25f, 0.0f, 3.0f, 3.0f, 40.0f, -40.0f};
  for (std::size_t i = 0; const kernels::KernelTable* table = kernels::available_kernels(i); ++i) {
    const auto run = [&](const std::vector<float>& row, std::size_t experts, std::size_t top_k) {
      return run_function(*table, kernels::GateFunction::kSmoothStep, row, 1, experts, 2, top_k);
    };
    CHECK(run(logits, 4, 0).all == std::vector<float>{0.25f, 0.25f, 0.5f, 0.0f});
    CHECK(run(logits, 3, 0).all == std::vector<float>{0.25f, 0.25f, 0.5f});
    CHECK(run(logits, 4, 1).all == std::vector<float>{0.5f});
    CHECK(run(logits, 4, 2).selected == std::vector<std::uint16_t>{0, 2});
    const std::vector<float> found = run(quarter, 4, 0).all;
    CHECK(found == std::vector<float>{0.421875f, 0.421875f, 0.078125f, 0.078125f});
    const std::vector<float> nan = run({0.1f, kNan, 0.1f, 0.1f, 0.0f, 0.0f}, 4, 0).all;
    for (const float weight : nan) CHECK(std::isnan(weight));
  }
}

TEST_CASE("gate: ties go to the lower index, a NaN counts as the largest") {
  for (std::size_t i = 0; const kernels::KernelTable* table = kernels::available_kernels(i); ++i) {
    CHECK(run_gate(*table, {1, 1, 1, 1}, 1, 4, 2, false).selected == std::vector<std::uint16_t>{0, 1});
    CHECK(run_gate(*table, {0, 5, kNan, 6}, 1, 4, 2, false).selected == std::vector<std::uint16_t>{2, 3});
    CHECK(run_gate(*table, {kNan, 5, kNan, kNan}, 1, 4, 2, false).selected == std::vector<std::uint16_t>{0, 2});
    CHECK(run_gate(*table, {-kInfinity, -kInfinity, 3, -kInfinity}, 1, 4, 2, false).selected ==
          std::vector<std::uint16_t>{0, 2});
    for (const float weight : run_gate(*table, {kNan, kNan, kNan, kNan}, 1, 4, 2, false).weights) {
      CHECK(std::isnan(weight));
    }
  }
}

}  // namespace
}  // namespace mmoe::test
