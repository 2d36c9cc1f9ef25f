#include <limits>
#include <numeric>

#include "tests/unit/kernels/compare.h"

namespace mmoe::test {
namespace {

using kernels::Activation;
using kernels::DenseArgs;

// A layer with random weights, and rows for it with a stride beyond their length.
struct Problem {
  std::size_t num_rows, inputs, outputs, input_stride, output_stride;
  std::vector<float> x, weights, bias, slopes;

  Problem(std::size_t rows, std::size_t in, std::size_t out, Random& random)
      : num_rows(rows),
        inputs(in),
        outputs(out),
        input_stride(in + 3),
        output_stride(padded_outputs(out) + 16),
        x(random.floats(rows * (in + 3))),
        weights(random.floats(panel16_size(out, in))),
        bias(random.floats(padded_outputs(out))),
        slopes(random.floats(padded_outputs(out))) {}

  DenseArgs args(std::vector<float>& output, Activation activation) const {
    DenseArgs args{};
    args.input = x.data();
    args.input_stride = input_stride;
    args.num_rows = num_rows;
    args.weights = weights.data();
    args.panel_stride = kPanelWidth * inputs;
    args.num_inputs = inputs;
    args.num_panels = num_panels(outputs);
    args.start = bias.data();
    args.output = output.data();
    args.output_stride = output_stride;
    args.activation = activation;
    args.num_activated = args.num_panels;
    args.alpha = 0.2f;
    args.beta = 0.7f;
    args.slopes = slopes.data();
    return args;
  }
};

// Without fma each of the n products is rounded: the two sums differ by at most n * 2^-24 * (sum of |terms|),
// twice for the two roundings of each step; |terms| <= 1, and activations do not steepen by more than 1.76.
double no_fma_tolerance(std::size_t inputs) {
  const double n = static_cast<double>(inputs + 1);
  return 2 * 1.76 * n * 0x1p-24 * n + 8 * 0x1p-24;
}

void compare(const kernels::KernelTable& table, const Problem& problem, Activation activation,
             const std::vector<std::uint32_t>* rows = nullptr) {
  std::vector<float> expected(problem.num_rows * problem.output_stride, 7.0f);
  std::vector<float> found = expected;
  DenseArgs args = problem.args(expected, activation);
  if (rows) {
    args.rows = rows->data();
    args.num_rows = rows->size();
  }
  reference().dense(args);
  args.output = found.data();
  table.dense(args);
  INFO(problem.num_rows, " rows, ", problem.inputs, " inputs, ", problem.outputs, " outputs, activation ",
       std::string(name_of(activation)));
  if (activation == Activation::kExp) make_relative(table, found, expected);
  check_equal(table, found, expected, no_fma_tolerance(problem.inputs));
}

TEST_CASE("dense: every size and kernel set gives the reference's bits") {
  Random random(1);
  for (const kernels::KernelTable* table : tested_kernels()) {
    for (const std::size_t rows : {1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 16, 25, 48}) {
      for (const std::size_t inputs : {1, 2, 15, 16, 17, 33, 100}) {
        for (const std::size_t outputs : {1, 15, 16, 17, 33, 64, 100, 144}) {
          compare(*table, Problem(rows, inputs, outputs, random), Activation::kRelu);
        }
      }
    }
  }
}

TEST_CASE("dense: every activation") {
  Random random(2);
  for (const kernels::KernelTable* table : tested_kernels()) {
    for (unsigned a = 0; a < kernels::kNumActivations; ++a) {
      compare(*table, Problem(13, 40, 33, random), static_cast<Activation>(a));
    }
  }
}

TEST_CASE("dense: panels behind the activated ones stay linear") {
  Random random(7);
  for (const kernels::KernelTable* table : tested_kernels()) {
    for (unsigned a = 0; a < kernels::kNumActivations; ++a) {
      for (std::size_t num_activated = 0; num_activated <= 7; ++num_activated) {
        const Problem problem(13, 21, 100, random);
        std::vector<float> expected(problem.num_rows * problem.output_stride), found = expected, linear = expected;
        DenseArgs args = problem.args(expected, static_cast<Activation>(a));
        args.num_activated = num_activated;
        reference().dense(args);
        args.output = found.data();
        table->dense(args);
        std::vector<float> relative = found;
        if (static_cast<Activation>(a) == Activation::kExp) make_relative(*table, relative, expected);
        check_equal(*table, relative, expected, no_fma_tolerance(problem.inputs));
        table->dense(problem.args(linear, Activation::kIdentity));
        WorstElement worst;
        for (std::size_t o = num_activated * kPanelWidth; o < 7 * kPanelWidth; ++o) {
          worst.take(o, double{found[o]}, double{linear[o]}, std::abs(double{found[o]} - double{linear[o]}));
        }
        worst.check("linear outputs of " + std::string(table->name));
      }
    }
  }
}

TEST_CASE("dense: listed rows are read and written in place, others are left alone") {
  Random random(3);
  for (const kernels::KernelTable* table : tested_kernels()) {
    const Problem problem(40, 21, 50, random);
    const std::vector<std::uint32_t> rows = {0, 3, 4, 5, 9, 17, 18, 19, 20, 21, 22, 30, 31, 39};
    compare(*table, problem, Activation::kRelu, &rows);
    compare(*table, problem, Activation::kPRelu, &rows);
  }
}

TEST_CASE("dense: a product continued from a prefix has the bits of the whole") {
  Random random(4);
  for (std::size_t i = 0; const kernels::KernelTable* table = kernels::available_kernels(i); ++i) {
    const Problem problem(1, 60, 32, random);
    std::vector<float> whole(problem.output_stride), prefix(problem.output_stride), continued(problem.output_stride);
    table->dense(problem.args(whole, Activation::kRelu));
    DenseArgs args = problem.args(prefix, Activation::kIdentity);
    args.num_inputs = 41;
    table->dense(args);
    args = problem.args(continued, Activation::kRelu);
    args.start = prefix.data();
    args.input += 41;
    args.weights = problem.weights.data() + 41 * kPanelWidth;
    args.num_inputs -= 41;
    table->dense(args);
    CHECK(whole == continued);
  }
}

TEST_CASE("dense: NaN and infinity stay in their row and pass relu") {
  Random random(5);
  for (std::size_t i = 0; const kernels::KernelTable* table = kernels::available_kernels(i); ++i) {
    Problem problem(14, 20, 16, random);
    problem.x[5 * problem.input_stride + 7] = std::numeric_limits<float>::quiet_NaN();
    std::vector<float> output(problem.num_rows * problem.output_stride);
    table->dense(problem.args(output, Activation::kRelu));
    std::size_t num_wrong = 0;
    for (std::size_t row = 0; row < problem.num_rows; ++row) {
      for (std::size_t o = 0; o < 16; ++o)
        num_wrong += std::isnan(output[row * problem.output_stride + o]) != (row == 5);
    }
    CAPTURE(std::string(table->name));
    CHECK(num_wrong == 0);
  }
}

}  // namespace
}  // namespace mmoe::test
