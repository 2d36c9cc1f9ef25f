#include "tests/unit/kernels/compare.h"

namespace mmoe::test {
namespace {

using kernels::Activation;
using kernels::NormArgs;

// Rows of one layer whose panels end where the row does, and per-channel vectors.
struct Problem {
  std::size_t width, stride, num_rows = 5;
  std::vector<float> data, scale, shift, slopes;

  explicit Problem(std::size_t n) : width(n), stride(padded_outputs(n) + 16) {
    Random random(n);
    data = random.floats(num_rows * stride, -3, 3);
    scale = vector(random);
    shift = vector(random);
    slopes = vector(random);
  }
  std::vector<float> vector(Random& random) const {
    std::vector<float> values = random.floats(width, -1.5f, 1.5f);
    values.resize(padded_outputs(width));
    return values;
  }
  NormArgs args(std::vector<float>& output, bool over_row, bool dice, Activation activation) const {
    return {output.data(), stride,       nullptr,      num_rows,      width,      over_row, dice,
            1e-3f,         scale.data(), shift.data(), slopes.data(), activation, 0.3f,     0.7f};
  }
};

// Only the layer's outputs count: a kernel may write its padding.
std::vector<float> outputs_of(const Problem& problem, const std::vector<float>& data) {
  std::vector<float> outputs;
  for (std::size_t row = 0; row < problem.num_rows; ++row) {
    const auto begin = data.begin() + static_cast<std::ptrdiff_t>(row * problem.stride);
    outputs.insert(outputs.end(), begin, begin + static_cast<std::ptrdiff_t>(problem.width));
  }
  return outputs;
}

template <class Function>
void for_each_form(Function function) {
  for (const std::size_t width : {1, 15, 16, 17, 33, 100}) {
    for (const bool over_row : {false, true}) {
      function(width, over_row, true, Activation::kIdentity);
      for (const Activation activation :
           {Activation::kIdentity, Activation::kRelu, Activation::kPRelu, Activation::kElu}) {
        function(width, over_row, false, activation);
      }
    }
  }
}

TEST_CASE("normalise: every kernel set gives the reference's bits") {
  for (const kernels::KernelTable* table : tested_kernels()) {
    for_each_form([&](std::size_t width, bool over_row, bool dice, Activation activation) {
      CAPTURE(width);
      CAPTURE(over_row);
      CAPTURE(dice);
      const Problem problem(width);
      std::vector<float> expected = problem.data, found = problem.data;
      reference().normalise(problem.args(expected, over_row, dice, activation));
      table->normalise(problem.args(found, over_row, dice, activation));
      // Without fma one product more is rounded: values here are below 8, of which 2^-21 is an ulp.
      check_equal(*table, outputs_of(problem, found), outputs_of(problem, expected), 4 * 0x1p-21);
    });
  }
}

TEST_CASE("normalise: a list of rows, and nothing else is touched") {
  for (const kernels::KernelTable* table : tested_kernels()) {
    const Problem problem(17);
    std::vector<float> all = problem.data, some = problem.data;
    table->normalise(problem.args(all, true, false, Activation::kRelu));
    NormArgs args = problem.args(some, true, false, Activation::kRelu);
    const std::uint32_t rows[] = {1, 4};
    args.rows = rows;
    args.num_rows = 2;
    table->normalise(args);
    for (std::size_t row = 0; row < problem.num_rows; ++row) {
      const std::vector<float>& expected = row == 1 || row == 4 ? all : problem.data;
      for (std::size_t i = 0; i < problem.stride; ++i) {
        const std::size_t at = row * problem.stride + i;
        if (i < 17 || i >= 32) CHECK(same_bits(some[at], i < 17 ? expected[at] : problem.data[at]));
      }
    }
  }
}

TEST_CASE("normalise: the reference against the formulas in double") {
  const Problem problem(33);
  std::vector<float> layer = problem.data, dice = problem.data;
  reference().normalise(problem.args(layer, true, false, Activation::kIdentity));
  reference().normalise(problem.args(dice, false, true, Activation::kIdentity));
  WorstElement worst_normal, worst_gated;
  for (std::size_t row = 0; row < problem.num_rows; ++row) {
    const float* x = problem.data.data() + row * problem.stride;
    double mean = 0, variance = 0;
    for (std::size_t i = 0; i < 33; ++i) mean += x[i] / 33.0;
    for (std::size_t i = 0; i < 33; ++i) variance += (x[i] - mean) * (x[i] - mean) / 33;
    for (std::size_t i = 0; i < 33; ++i) {
      const double normal = (x[i] - mean) / std::sqrt(variance + 1e-3) * problem.scale[i] + problem.shift[i];
      const double p = 1 / (1 + std::exp(-(double{x[i]} * problem.scale[i] + problem.shift[i])));
      const double gated = p * x[i] + (1 - p) * problem.slopes[i] * x[i];
      // 33 roundings of the mean, of values below 3, scaled by at most 1.5 / 0.5.
      const std::size_t at = row * problem.stride + i;
      worst_normal.take(at, double{layer[at]}, normal, std::abs(layer[at] - normal) - 33 * 0x1p-24 * 3 * 3);
      worst_gated.take(at, double{dice[at]}, gated, std::abs(dice[at] - gated) - 8 * 0x1p-24 * 5);
    }
  }
  worst_normal.check("layer norm");
  worst_gated.check("dice");
}

}  // namespace
}  // namespace mmoe::test
