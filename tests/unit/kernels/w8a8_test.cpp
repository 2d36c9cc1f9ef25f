// The product of i8 weights and inputs that are rounded to i8 row by row.
#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "kernels/stored.h"
#include "tests/unit/kernels/compare.h"

namespace mmoe::test {
namespace {

using kernels::Activation;
using kernels::DenseArgs;
using kernels::KernelTable;
using kernels::quads_of;
using kernels::W8A8Args;

// Operations of float, rounded once, by double arithmetic, which a compiler cannot fuse to another result: twice the
// bits of a float and two more are enough that rounding twice is rounding once.
float times(float a, float b) { return static_cast<float>(double{a} * double{b}); }
float over(float a, float b) { return static_cast<float>(double{a} / double{b}); }
float plus(float a, float b) { return static_cast<float>(double{a} + double{b}); }

std::int64_t half_to_even(double x) {
  const double below = std::floor(x);
  const auto whole = static_cast<std::int64_t>(below);
  if (x - below == 0.5) return whole + (whole % 2 != 0);
  return whole + (x - below > 0.5);
}

// A layer of two parts (first == 0: one part), its weights as they are and as the kernels read them.
struct W8A8Problem {
  std::size_t num_rows, inputs, first, outputs, columns;
  std::vector<float> x, bias, scales, slopes;
  std::vector<std::int8_t> weights;  // [columns, inputs]
  std::vector<std::int8_t> packed;
  std::vector<std::int32_t> row_sums;  // [parts, columns]
  std::vector<std::uint32_t> rows;
  Activation activation = Activation::kIdentity;
  std::size_t num_activated = 0;
  bool backwards = false;

  W8A8Problem(std::size_t its_rows, std::size_t its_first, std::size_t its_rest, std::size_t its_outputs,
              Random& random)
      : num_rows(its_rows),
        inputs(its_first + its_rest),
        first(its_first),
        outputs(its_outputs),
        columns(padded_outputs(its_outputs)),
        x(random.floats(num_rows * inputs, -3, 3)),
        bias(random.floats(columns)),
        scales(random.floats(columns, 0.001f, 0.02f)),
        slopes(random.floats(columns)),
        weights(columns * inputs) {
    for (std::size_t c = 0; c < outputs; ++c) {
      for (std::size_t k = 0; k < inputs; ++k)
        weights[c * inputs + k] = static_cast<std::int8_t>(random.below(255) - 127);
    }
    pack();
  }

  std::size_t num_parts() const { return first != 0 && first < inputs ? 2 : 1; }
  std::size_t first_of(std::size_t part) const { return part == 0 ? 0 : first; }
  std::size_t end_of(std::size_t part) const { return num_parts() == 2 && part == 0 ? first : inputs; }
  std::size_t num_quads() const { return quads_of(first) + quads_of(inputs - first); }

  void pack() {
    packed.assign(columns * 4 * num_quads(), 0);
    row_sums.assign(2 * columns, 0);
    for (std::size_t c = 0; c < columns; ++c) {
      for (std::size_t k = 0; k < inputs; ++k) {
        const bool second = first != 0 && k >= first;
        const std::size_t quad = second ? quads_of(first) + (k - first) / 4 : k / 4;
        const std::size_t within = second ? (k - first) % 4 : k % 4;
        const std::int8_t weight = weights[c * inputs + k];
        packed[((c / 16 * num_quads() + quad) * 16 + c % 16) * 4 + within] = weight;
        row_sums[second * columns + c] += weight;
      }
    }
  }

  // The contract, apart from kernels/.
  float expected(std::size_t row, std::size_t column) const {
    float y = bias[column];
    for (std::size_t part = 0; part < num_parts() && inputs != 0; ++part) {
      float amax = 0;
      bool finite = true;
      for (std::size_t k = first_of(part); k < end_of(part); ++k) {
        finite = finite && std::isfinite(x[row * inputs + k]);
        amax = std::max(amax, std::abs(x[row * inputs + k]));
      }
      if (!finite) return NAN;
      const bool zeros = amax < 0x1p-100f;
      std::int64_t sum = 0;
      for (std::size_t k = first_of(part); k < end_of(part) && !zeros; ++k) {
        const std::int64_t rounded = half_to_even(double{times(x[row * inputs + k], over(127, amax))});
        if (std::abs(rounded) > 127) FAIL("rounded to ", rounded);
        sum += rounded * weights[column * inputs + k];
      }
      const float scale = zeros ? 0.0f : over(amax, 127);
      y = plus(times(static_cast<float>(sum), times(scale, scales[column])), y);
    }
    const bool activated = column < num_activated * kPanelWidth;
    if (activated && activation == Activation::kRelu) return y < 0 ? 0.0f : y;
    if (activated && activation == Activation::kPRelu) return y < 0 ? times(slopes[column], y) : y;
    return y;
  }

  std::vector<float> expected() const {
    std::vector<float> all;
    for (std::size_t row = 0; row < num_rows; ++row) {
      for (std::size_t c = 0; c < columns; ++c) all.push_back(expected(row, c));
    }
    return all;
  }
};

// Room as the plan gives it: aligned to 64, not larger than it must be, with bytes behind it that nobody may write.
class Room {
 public:
  explicit Room(std::size_t bytes) : bytes_(bytes), memory_(bytes + 128, 0x5a) {}
  std::uint8_t* begin() { return memory_.data() + (64 - reinterpret_cast<std::uintptr_t>(memory_.data()) % 64) % 64; }
  ~Room() {
    std::size_t wrong = 0;
    for (const std::uint8_t* p = memory_.data(); p < memory_.data() + memory_.size(); ++p) {
      if (p < begin() || p >= begin() + bytes_) wrong += *p != 0x5a;
    }
    CHECK(wrong == 0);
  }

 private:
  std::size_t bytes_;
  std::vector<std::uint8_t> memory_;
};

// Runs a product, all of it or a part.
class Call {
 public:
  explicit Call(const W8A8Problem& problem, std::size_t num_rows)
      : room_(num_rows * kernels::w8a8_room_bytes(problem.first, problem.inputs)) {
    args.input = problem.x.data();
    args.input_stride = problem.inputs;
    args.rows = problem.rows.empty() ? nullptr : problem.rows.data();
    args.num_rows = num_rows;
    args.type = kernels::WeightType::kW8A8;
    args.weights = problem.packed.data();
    args.panel_stride = 64 * problem.num_quads();
    args.num_inputs = problem.inputs;
    args.num_panels = problem.columns / kPanelWidth;
    args.start = problem.bias.data();
    args.scales = problem.scales.data();
    args.w8a8 = &parts;
    args.output_stride = problem.columns;
    args.activation = problem.activation;
    args.num_activated = problem.num_activated;
    args.slopes = problem.slopes.data();
    args.backwards = problem.backwards;
    parts = {problem.first, problem.row_sums.data(), problem.columns, room_.begin()};
  }

  void run(const KernelTable& table, float* output) {
    args.output = output;
    table.dense(args);
  }

  DenseArgs args{};
  W8A8Args parts{};

 private:
  Room room_;
};

// Nothing of W8A8 is fused: the bits are those of every set, also of those without fma.
void check_bits(const KernelTable& table, const std::vector<float>& found, const std::vector<float>& expected) {
  REQUIRE(found.size() == expected.size());
  WorstElement worst;
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (same_bits(found[i], expected[i]) || flushed(table, found[i], expected[i])) continue;
    worst.take(i, double{found[i]}, double{expected[i]}, INFINITY);
  }
  worst.check("kernel set " + std::string(table.name));
}

void check_problem(const W8A8Problem& problem) {
  const std::vector<float> expected = problem.expected();
  for (const KernelTable* table : all_kernels()) {
    std::vector<float> found(expected.size(), 7.0f);
    Call call(problem, problem.num_rows);
    call.run(*table, found.data());
    INFO(problem.num_rows, " rows, ", problem.first, " + ", problem.inputs - problem.first, " inputs, ",
         problem.outputs, " outputs");
    check_bits(*table, found, expected);
  }
}

TEST_CASE("w8a8: every size gives the contract's bits in every kernel set" * doctest::skip(!kernels::kHasW8A8)) {
  Random random(5);
  for (const std::size_t rows : {1, 2, 3, 4, 5, 7, 8, 9, 15, 25}) {
    for (const std::size_t inputs : {1, 3, 4, 5, 8, 9, 31, 33, 128, 301}) {
      for (const std::size_t outputs : {1, 16, 33, 70, 100, 144}) {
        W8A8Problem problem(rows, 0, inputs, outputs, random);
        problem.activation = Activation::kRelu;
        problem.num_activated = 1 + problem.columns / 32;
        problem.backwards = rows % 2 == 0;
        check_problem(problem);
      }
    }
  }
}

TEST_CASE("w8a8: two parts have a scale each" * doctest::skip(!kernels::kHasW8A8)) {
  Random random(6);
  for (const std::size_t rows : {1, 3, 9}) {
    for (const std::size_t first : {1, 4, 7, 40}) {
      for (const std::size_t rest : {0, 1, 4, 6, 90}) {
        W8A8Problem problem(rows, first, rest, 40, random);
        for (std::size_t row = 0; row < rows; ++row) {
          for (std::size_t k = 0; k < first; ++k) problem.x[row * problem.inputs + k] *= 1000;
        }
        problem.activation = Activation::kPRelu;
        problem.num_activated = 2;
        check_problem(problem);
      }
    }
  }
}

TEST_CASE("w8a8: without inputs what the sum begins with stays, -0 too" * doctest::skip(!kernels::kHasW8A8)) {
  Random random(7);
  W8A8Problem problem(2, 0, 0, 16, random);
  problem.bias[3] = -0.0f;
  check_problem(problem);
}

TEST_CASE("w8a8: listed rows alone are read and written" * doctest::skip(!kernels::kHasW8A8)) {
  Random random(8);
  W8A8Problem problem(20, 5, 30, 50, random);
  const std::vector<float> all = problem.expected();
  problem.rows = {0, 3, 4, 5, 9, 12, 13, 14, 15, 19};
  for (const KernelTable* table : all_kernels()) {
    std::vector<float> expected(all.size(), 7.0f), found(all.size(), 7.0f);
    for (const std::uint32_t row : problem.rows) {
      std::copy_n(all.begin() + static_cast<std::ptrdiff_t>(row * problem.columns), problem.columns,
                  expected.begin() + static_cast<std::ptrdiff_t>(row * problem.columns));
    }
    Call call(problem, problem.rows.size());
    call.run(*table, found.data());
    check_bits(*table, found, expected);
  }
}

// As a session does: the first part once, from the bias and without an activation; the second from what that left.
TEST_CASE("w8a8: the second part goes on from the first with the bits of whole rows" *
          doctest::skip(!kernels::kHasW8A8)) {
  Random random(9);
  for (const std::size_t first : {3, 16, 50}) {
    for (const std::size_t rest : {0, 1, 33}) {
      W8A8Problem problem(7, first, rest, 70, random);
      problem.activation = Activation::kRelu;
      problem.num_activated = 4;
      problem.bias[2] = -0.0f;
      std::fill_n(problem.weights.begin() + static_cast<std::ptrdiff_t>(2 * problem.inputs), problem.inputs,
                  std::int8_t{0});
      problem.pack();
      const std::vector<float> expected = problem.expected();
      for (const KernelTable* table : all_kernels()) {
        std::vector<float> found(expected.size()), prefix(problem.columns);
        for (std::size_t row = 0; row < problem.num_rows; ++row) {
          Call shared(problem, 1);
          shared.args.input += row * problem.inputs;
          shared.args.num_inputs = first;
          shared.args.activation = Activation::kIdentity;
          shared.run(*table, prefix.data());
          Call own(problem, 1);
          own.args.input += row * problem.inputs + first;
          own.args.num_inputs = rest;
          own.args.weights = problem.packed.data() + 64 * quads_of(first);
          own.args.start = prefix.data();
          own.parts.first_inputs = 0;
          own.parts.row_sums += own.parts.row_sums_stride;
          own.run(*table, found.data() + row * problem.columns);
        }
        check_bits(*table, found, expected);
      }
    }
  }
}

TEST_CASE("w8a8: rows of zeros, NaN, infinity, tiny and huge numbers" * doctest::skip(!kernels::kHasW8A8)) {
  Random random(10);
  constexpr std::size_t kInputs = 37;
  W8A8Problem problem(14, 0, kInputs, 20, random);
  float* x = problem.x.data();
  const auto row = [&](std::size_t r) { return x + r * kInputs; };
  std::fill_n(row(0), kInputs, 0.0f);
  std::fill_n(row(1), kInputs, -0.0f);
  row(2)[36] = NAN;
  row(3)[0] = -INFINITY;
  row(4)[20] = INFINITY;
  row(4)[3] = -NAN;
  for (std::size_t k = 0; k < kInputs; ++k) {
    row(5)[k] *= 0x1p-130f;  // subnormal
    row(6)[k] *= 0x1p-104f;  // below kLeastAmax
    row(7)[k] *= 0x1p-100f;
    row(8)[k] *= 0x1p125f;
    row(9)[k] = k % 2 == 0 ? 1.0f : -1.0f;
    row(10)[k] = static_cast<float>(k) - 18.5f;  // halves, where amax is 127
  }
  row(6)[1] = 0x1.fffffep-101f;  // the largest that counts as zero
  row(7)[0] = 0x1p-100f;
  row(8)[5] = FLT_MAX;
  row(10)[0] = 127;
  row(11)[7] = -1e20f;  // all others round to 0
  row(12)[0] = -0.0f;
  check_problem(problem);
  const std::vector<float> expected = problem.expected();
  CHECK(expected[6 * problem.columns] == problem.bias[0]);
  CHECK(expected[7 * problem.columns] == problem.bias[0] + 0.0f);
  CHECK(std::isnan(expected[2 * problem.columns + 31]));  // padding, too
}

// 127 * 127 twice, or 127 * -128, is what sums of pairs in 16 bits must bear.
TEST_CASE("w8a8: the largest sums neither saturate nor overflow" * doctest::skip(!kernels::kHasW8A8)) {
  Random random(11);
  for (const std::size_t inputs : {64, 1000, 131072}) {
    W8A8Problem problem(3, 0, inputs, 16, random);
    for (std::size_t k = 0; k < inputs; ++k) {
      const bool odd = k % 2 != 0;
      problem.x[k] = 2;
      problem.x[inputs + k] = -2;
      problem.x[2 * inputs + k] = odd ? 2.0f : -2.0f;
      const int weights[] = {127, -127, -128, odd ? 127 : -127, odd ? -128 : 127};
      for (std::size_t c = 0; c < 16; ++c) problem.weights[c * inputs + k] = static_cast<std::int8_t>(weights[c % 5]);
    }
    problem.pack();
    check_problem(problem);
  }
}

// The bits of these NaN, taken for a rounded number, would be -128, of which 131,072 products with -128 are 2^31.
TEST_CASE("w8a8: a row of NaN is multiplied as zeros" * doctest::skip(!kernels::kHasW8A8)) {
  Random random(13);
  W8A8Problem problem(1, 0, kernels::kMaxW8A8Inputs, 16, random);
  for (float& x : problem.x) {
    const std::uint32_t bits = 0x7fc00080;
    std::memcpy(&x, &bits, sizeof x);
  }
  for (std::int8_t& weight : problem.weights) weight = -128;
  problem.pack();
  check_problem(problem);
}

// As behind relu: some sets multiply tiles of such rows, and only those, without regard to signs.
TEST_CASE("w8a8: rows without negative inputs, alone and beside others" * doctest::skip(!kernels::kHasW8A8)) {
  Random random(13);
  for (const std::size_t first : {0, 20}) {
    W8A8Problem problem(33, first, 70, 40, random);
    for (std::size_t row = 0; row < problem.num_rows; ++row) {
      for (std::size_t k = 0; k < problem.inputs; ++k) {
        float& x = problem.x[row * problem.inputs + k];
        if (row < 18) x = x < 0 ? -0.0f : x;
        if (row == 17 && k == problem.inputs - 1) x = -3;
        if (row >= 18 && row < 26) x = k % 3 == 0 ? 127.0f : 0.0f;
      }
    }
    for (std::size_t k = 0; k < problem.inputs; ++k) problem.weights[3 * problem.inputs + k] = -128;
    problem.pack();
    check_problem(problem);
  }
}

TEST_CASE("w8a8: a row's bits depend on no other row, and activations are those of the set" *
          doctest::skip(!kernels::kHasW8A8)) {
  Random random(12);
  W8A8Problem problem(13, 0, 60, 48, random);
  problem.activation = Activation::kGelu;
  problem.num_activated = 2;
  for (const KernelTable* table : all_kernels()) {
    std::vector<float> whole(13 * problem.columns), alone(whole.size()), linear(whole.size());
    Call all(problem, 13);
    all.run(*table, whole.data());
    for (std::size_t row = 0; row < 13; ++row) {
      Call one(problem, 1);
      one.args.input += row * problem.inputs;
      one.run(*table, alone.data() + row * problem.columns);
    }
    check_bits(*table, alone, whole);
    all.args.activation = Activation::kIdentity;
    all.run(*table, linear.data());
    for (std::size_t row = 0; row < 13; ++row) {
      table->activate(Activation::kGelu, 0, 0, linear.data() + row * problem.columns, 32);
    }
    check_bits(*table, whole, linear);
  }
}

}  // namespace
}  // namespace mmoe::test
