#include "kernels/scaled_dot.h"

#include "tests/unit/kernels/compare.h"

namespace mmoe::test {
namespace {

using kernels::ScaledDotArgs;

struct Problem {
  std::size_t queries, keys, heads, head_width, value_width;
  bool causal;
  std::vector<float> query, key, value, mask;

  Problem(std::size_t num_queries, std::size_t num_keys, std::size_t num_heads, std::size_t width, std::size_t values,
          bool is_causal, std::vector<float> its_mask)
      : queries(num_queries),
        keys(num_keys),
        heads(num_heads),
        head_width(width),
        value_width(values),
        causal(is_causal),
        mask(std::move(its_mask)) {
    Random random(num_queries * 100 + num_keys);
    query = random.floats(queries * heads * head_width, -2, 2);
    key = random.floats(keys * heads * head_width, -2, 2);
    value = random.floats(keys * heads * value_width, -2, 2);
  }

  std::vector<float> run(const kernels::KernelTable& table) const {
    constexpr float kUntouched = 77;
    const std::size_t size = queries * heads * value_width;
    std::vector<float> weights(padded_outputs(keys)), transposed(key.size()), output(size + 1, kUntouched);
    kernels::scaled_dot(
        table, {query.data(), key.data(), value.data(), mask.data(), queries, keys, mask.size(), heads * head_width,
                heads * value_width, heads, 0.6f, causal, weights.data(), transposed.data(), output.data()});
    CHECK(output.back() == kUntouched);
    output.pop_back();
    return output;
  }

  bool attends(std::size_t i, std::size_t j) const { return (!causal || j <= i) && (j >= mask.size() || mask[j] != 0); }

  // Weights by the reference's softmax; sums and products as the header says.
  float expected(std::size_t i, std::size_t head, std::size_t column) const {
    std::vector<float> logits;
    for (std::size_t j = 0; j < keys; ++j) {
      if (!attends(i, j)) continue;
      const float* q = query.data() + (i * heads + head) * head_width;
      const float* k = key.data() + (j * heads + head) * head_width;
      float sum = q[0] * k[0];
      for (std::size_t c = 1; c < head_width; ++c) sum += q[c] * k[c];
      logits.push_back(sum * 0.6f);
    }
    if (logits.empty()) return 0;
    std::vector<float> weights(padded_outputs(logits.size()));
    kernels::GateArgs args{};
    args.num_rows = 1;
    args.num_experts = logits.size();
    args.weights_stride = weights.size();
    args.weights = weights.data();
    logits.resize(weights.size());
    args.logits = logits.data();
    reference().gate(args);
    float sum = 0;
    for (std::size_t j = 0, kept = 0; j < keys; ++j) {
      if (attends(i, j)) sum += weights[kept++] * value[(j * heads + head) * value_width + column];
    }
    return sum;
  }

  void check(const kernels::KernelTable& table) const {
    const std::vector<float> found = run(table);
    std::vector<float> wanted;
    for (std::size_t i = 0; i < queries; ++i) {
      for (std::size_t h = 0; h < heads; ++h) {
        for (std::size_t c = 0; c < value_width; ++c) wanted.push_back(expected(i, h, c));
      }
    }
    // Without fma the weights differ by 6 units in the last place of 1, and are multiplied by values up to 2.
    check_equal(table, found, wanted, static_cast<double>(keys) * 2 * 6 * 0x1p-24);
  }
};

TEST_CASE("scaled dot: one version, with every set's softmax") {
  for (const kernels::KernelTable* table : all_kernels()) {
    Problem(1, 1, 1, 1, 1, false, {}).check(*table);
    Problem(5, 5, 2, 3, 4, true, {}).check(*table);
    Problem(3, 17, 1, 4, 7, false, {1, 0, 0, 2, 0}).check(*table);
    Problem(4, 33, 3, 2, 1, true, {0, 1}).check(*table);
    Problem(2, 256, 1, 8, 3, false, {}).check(*table);
  }
}

TEST_CASE("scaled dot: who may attend to nobody gets zeros") {
  const Problem problem(3, 2, 2, 2, 3, true, {0});
  for (const kernels::KernelTable* table : all_kernels()) {
    const std::vector<float> found = problem.run(*table);
    for (std::size_t i = 0; i < 6; ++i) CHECK(found[i] == 0);
    for (std::size_t i = 6; i < 12; ++i) CHECK(found[i] == problem.value[6 + i % 6]);  // the second alone
  }
}

TEST_CASE("scaled dot: a NaN stays with the queries that see it") {
  Problem problem(3, 3, 1, 2, 2, true, {});
  problem.key[4] = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> found = problem.run(reference());
  for (std::size_t i = 0; i < 4; ++i) CHECK(std::isfinite(found[i]));
  for (std::size_t i = 4; i < 6; ++i) CHECK(std::isnan(found[i]));
}

}  // namespace
}  // namespace mmoe::test
