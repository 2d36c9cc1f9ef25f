#include <limits>

#include "tests/unit/kernels/compare.h"

namespace mmoe::test {
namespace {

using kernels::ExpertOutput;
using kernels::MixArgs;

TEST_CASE("mix_experts: every size and kernel set gives the reference's bits") {
  Random random(1);
  constexpr std::size_t kRows = 5;
  for (const kernels::KernelTable* table : tested_kernels()) {
    for (const std::size_t num_experts : {1, 2, 8, 17}) {
      for (const std::size_t dim : {16, 48, 256}) {
        const std::size_t stride = num_experts * dim + 16;
        const std::vector<float> data = random.floats(kRows * stride);
        std::vector<ExpertOutput> experts;
        for (std::size_t e = 0; e < num_experts; ++e) experts.push_back({data.data() + e * dim, stride});
        const std::vector<float> weights = random.floats(kRows * 32, 0, 1);
        std::vector<float> expected(kRows * (dim + 16), 7.0f);
        std::vector<float> found = expected;
        MixArgs args{experts.data(), num_experts, weights.data(),  32,      nullptr, nullptr,
                     kRows,          dim,         expected.data(), dim + 16};
        reference().mix_experts(args);
        args.output = found.data();
        table->mix_experts(args);
        // Each of at most 17 products of numbers below 1 is rounded once more without fma.
        check_equal(*table, found, expected, 2 * 17 * 17 * 0x1p-24);
      }
    }
  }
}

TEST_CASE("mix_experts: a selection has the bits of mixing just the selected, and does not read the others") {
  Random random(2);
  for (std::size_t i = 0; const kernels::KernelTable* table = kernels::available_kernels(i); ++i) {
    std::vector<float> data = random.floats(4 * 16);
    for (std::size_t d = 0; d < 16; ++d) data[16 + d] = std::numeric_limits<float>::quiet_NaN();
    const std::vector<ExpertOutput> experts = {{&data[0], 16}, {&data[16], 16}, {&data[32], 16}, {&data[48], 16}};
    const std::vector<ExpertOutput> chosen = {experts[0], experts[2]};
    const std::vector<float> weights = {0.3f, 0.7f};
    const std::vector<std::uint16_t> selected = {0, 2};
    std::vector<float> found(16), expected(16);
    table->mix_experts({experts.data(), 2, weights.data(), 2, selected.data(), nullptr, 1, 16, found.data(), 16});
    table->mix_experts({chosen.data(), 2, weights.data(), 2, nullptr, nullptr, 1, 16, expected.data(), 16});
    CHECK(found == expected);
    CHECK(std::isfinite(found[0]));
  }
}

TEST_CASE("threshold, then mix_experts: each row its own number of experts, the reference's bits") {
  Random random(3);
  constexpr std::size_t kRows = 50, kExperts = 9;
  const std::vector<float> data = random.floats(kRows * kExperts * 16);
  std::vector<ExpertOutput> experts;
  for (std::size_t e = 0; e < kExperts; ++e) experts.push_back({data.data() + e * 16, kExperts * 16});
  const std::vector<float> softmax = random.floats(kRows * 16, 0, 0.3f);
  for (const kernels::KernelTable* table : tested_kernels()) {
    for (const bool renormalise : {false, true}) {
      const auto run = [&](const kernels::KernelTable& kernels, std::vector<std::uint16_t>& selected) {
        std::vector<float> weights = softmax;
        std::vector<std::uint16_t> counts(kRows);
        std::vector<float> output(kRows * 16);
        kernels.threshold({weights.data(), 16, kRows, kExperts, 0.2f, renormalise, selected.data(), counts.data()});
        kernels.mix_experts({experts.data(), kExperts, weights.data(), 16, selected.data(), counts.data(), kRows, 16,
                             output.data(), 16});
        return output;
      };
      std::vector<std::uint16_t> expected_choice(kRows * kExperts), found_choice(kRows * kExperts);
      const std::vector<float> expected = run(reference(), expected_choice);
      const std::vector<float> found = run(*table, found_choice);
      CHECK(found_choice == expected_choice);
      check_equal(*table, found, expected, 2 * 9 * 9 * 0x1p-24);
    }
  }
}

TEST_CASE("threshold: NaN is kept beside finite weights, so that the score is NaN") {
  for (const kernels::KernelTable* table : tested_kernels()) {
    std::vector<float> weights(16);
    weights[0] = 0.9f, weights[1] = 0.1f, weights[2] = std::numeric_limits<float>::quiet_NaN();
    std::vector<std::uint16_t> selected(3), counts(1);
    table->threshold({weights.data(), 16, 1, 3, 0.25f, false, selected.data(), counts.data()});
    REQUIRE(counts[0] == 2);
    CHECK(selected[0] == 0);
    CHECK(selected[1] == 2);
    CHECK(std::isnan(weights[1]));
  }
}

TEST_CASE("threshold: keeps what reaches it, at least the largest, and renormalises on request") {
  for (std::size_t i = 0; const kernels::KernelTable* table = kernels::available_kernels(i); ++i) {
    std::vector<float> weights(32, 0.0f);
    const float rows[2][4] = {{0.5f, 0.1f, 0.25f, 0.15f}, {0.2f, 0.3f, 0.25f, 0.25f}};
    for (std::size_t e = 0; e < 4; ++e) {
      weights[e] = rows[0][e];
      weights[16 + e] = rows[1][e];
    }
    std::vector<std::uint16_t> selected(8, 99), counts(2);
    std::vector<float> kept = weights;
    table->threshold({kept.data(), 16, 2, 4, 0.25f, false, selected.data(), counts.data()});
    CHECK(counts == std::vector<std::uint16_t>{2, 3});
    CHECK(selected == std::vector<std::uint16_t>{0, 2, 99, 99, 1, 2, 3, 99});
    CHECK(kept[0] == 0.5f);
    CHECK(kept[1] == 0.25f);
    kept = weights;
    table->threshold({kept.data(), 16, 2, 4, 0.9f, true, selected.data(), counts.data()});
    CHECK(counts == std::vector<std::uint16_t>{1, 1});
    CHECK(selected[4] == 1);
    CHECK(kept[16] == 1.0f);
  }
}

TEST_CASE("mix_experts: one expert of weight 1 passes unchanged, negative zero included") {
  for (std::size_t i = 0; const kernels::KernelTable* table = kernels::available_kernels(i); ++i) {
    std::vector<float> data(16, -0.0f);
    const ExpertOutput expert = {data.data(), 16};
    const float one = 1.0f;
    std::vector<float> found(16, 5.0f);
    table->mix_experts({&expert, 1, &one, 0, nullptr, nullptr, 1, 16, found.data(), 16});
    CHECK(same_bits(found[3], -0.0f));
  }
}

}  // namespace
}  // namespace mmoe::test
