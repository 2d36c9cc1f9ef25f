// Weights and tables that are stored in fewer bits than f32.
#include "kernels/stored.h"

#include <cmath>
#include <cstdint>
#include <cstring>

#include "kernels/fused.h"
#include "tests/unit/kernels/compare.h"

namespace mmoe::test {
namespace {

using kernels::Activation;
using kernels::DenseArgs;
using kernels::TableType;
using kernels::WeightType;

// The definition of binary16, apart from infinity and NaN.
double value_of_f16(std::uint32_t half) {
  const int exponent = static_cast<int>(half >> 10 & 31);
  const double fraction = static_cast<double>(half & 1023) / 1024;
  const double magnitude = exponent == 0 ? std::ldexp(fraction, -14) : std::ldexp(1 + fraction, exponent - 15);
  return (half & 0x8000) != 0 ? -magnitude : magnitude;
}

bool is_finite_f16(std::uint32_t half) { return (half & 0x7c00) != 0x7c00; }

TEST_CASE("widen: every f16 is its f32") {
  for (std::uint32_t half = 0; half < 0x10000; ++half) {
    const float found = kernels::widen(kernels::F16{}, static_cast<std::uint16_t>(half));
    if (is_finite_f16(half)) {
      if (!same_bits(found, static_cast<float>(value_of_f16(half)))) FAIL("f16 ", half, " becomes ", found);
    } else if ((half & 1023) != 0) {
      REQUIRE(std::isnan(found));
    } else {
      REQUIRE(found == ((half & 0x8000) != 0 ? -INFINITY : INFINITY));
    }
  }
}

// One input of 1: the output is the weight.
TEST_CASE("dense: every finite f16 and bf16, and every i8, is widened exactly by every kernel set") {
  for (const WeightType type : {WeightType::kF16, WeightType::kBF16, WeightType::kI8}) {
    std::vector<std::uint16_t> halves;
    std::vector<std::int8_t> bytes;
    std::vector<float> expected;
    for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
      if (type == WeightType::kI8 && bits == 256) break;
      const auto half = static_cast<std::uint16_t>(bits);
      const float value = type == WeightType::kF16    ? kernels::widen(kernels::F16{}, half)
                          : type == WeightType::kBF16 ? kernels::widen(kernels::BF16{}, half)
                                                      : static_cast<float>(static_cast<std::int8_t>(bits));
      if (!std::isfinite(value)) continue;
      halves.push_back(half);
      bytes.push_back(static_cast<std::int8_t>(bits & 0xff));
      expected.push_back(value);
    }
    while (expected.size() % kPanelWidth != 0) halves.push_back(0), bytes.push_back(0), expected.push_back(0);
    const float one = 1;
    const std::vector<float> zeros(expected.size(), 0.0f);
    for (std::size_t i = 0; const kernels::KernelTable* table = kernels::available_kernels(i); ++i) {
      std::vector<float> found(expected.size());
      DenseArgs args{};
      args.input = &one;
      args.num_rows = args.num_inputs = 1;
      args.type = type;
      args.weights = type == WeightType::kI8 ? static_cast<const void*>(bytes.data()) : halves.data();
      args.panel_stride = kPanelWidth;
      args.num_panels = expected.size() / kPanelWidth;
      args.start = zeros.data();
      args.output = found.data();
      args.output_stride = found.size();
      table->dense(args);
      WorstElement worst;
      for (std::size_t c = 0; c < found.size(); ++c) {
        // -0 * 1 + 0 is 0.
        const bool right = found[c] == expected[c] || flushed(*table, found[c], expected[c]);
        worst.take(c, found[c], expected[c], right ? 0 : 1);
      }
      worst.check(std::string(table->name) + ", type " + std::to_string(static_cast<int>(type)));
    }
  }
}

// A layer whose weights are random stored numbers, all finite.
struct StoredProblem {
  std::size_t num_rows, inputs, outputs, output_stride;
  WeightType type;
  std::vector<float> x, bias, scales, widened;
  std::vector<std::uint16_t> halves;
  std::vector<std::int8_t> bytes;

  StoredProblem(WeightType its_type, std::size_t rows, std::size_t in, std::size_t out, Random& random)
      : num_rows(rows),
        inputs(in),
        outputs(out),
        output_stride(padded_outputs(out)),
        type(its_type),
        x(random.floats(rows * in)),
        bias(random.floats(padded_outputs(out))),
        scales(random.floats(padded_outputs(out), 0.001f, 0.02f)) {
    for (const float number : random.floats(panel16_size(out, in), -1, 1)) {
      std::uint32_t bits;
      std::memcpy(&bits, &number, sizeof bits);
      // The exponents of f16 between 2^-14 and 2: of bf16 the same numbers.
      const std::uint32_t exponent = 1 + (bits & 15);
      const auto half = static_cast<std::uint16_t>((bits >> 16 & 0x8000) | exponent << 10 | (bits >> 5 & 1023));
      halves.push_back(type == WeightType::kF16 ? half : static_cast<std::uint16_t>(bits >> 16));
      bytes.push_back(static_cast<std::int8_t>(static_cast<int>(bits >> 3 & 255) - 128));
      widened.push_back(type == WeightType::kF16    ? kernels::widen(kernels::F16{}, halves.back())
                        : type == WeightType::kBF16 ? kernels::widen(kernels::BF16{}, halves.back())
                                                    : static_cast<float>(bytes.back()));
    }
  }

  DenseArgs args(float* output) const {
    DenseArgs args{};
    args.input = x.data();
    args.input_stride = inputs;
    args.num_rows = num_rows;
    args.type = type;
    args.weights = type == WeightType::kI8 ? static_cast<const void*>(bytes.data()) : halves.data();
    args.panel_stride = kPanelWidth * inputs;
    args.num_inputs = inputs;
    args.num_panels = num_panels(outputs);
    args.output = output;
    args.output_stride = output_stride;
    args.activation = Activation::kRelu;
    args.num_activated = args.num_panels;
    if (type == WeightType::kI8) {
      args.scales = scales.data();
      args.bias = bias.data();
    } else {
      args.start = bias.data();
    }
    return args;
  }

  // The contract again, from the widened weights: a sum of fused multiply-adds from the bias, or from 0 with a scale
  // and the bias behind it.
  float expected(std::size_t row, std::size_t column) const {
    const bool scaled = type == WeightType::kI8;
    float sum = scaled ? 0.0f : bias[column];
    for (std::size_t k = 0; k < inputs; ++k) {
      const std::size_t place = (column / kPanelWidth * inputs + k) * kPanelWidth + column % kPanelWidth;
      sum = kernels::fused(x[row * inputs + k], widened[place], sum);
    }
    const float product = sum * scales[column];
    const float y = scaled ? product + bias[column] : sum;
    return y < 0 ? 0.0f : y;
  }
};

// Without fma: 2 n roundings of partial sums, of terms of at most 2 (f16) or 128 (i8, then times 0.02).
double no_fma_tolerance(std::size_t inputs) {
  const double n = static_cast<double>(inputs + 1);
  return 2 * n * 0x1p-24 * (2.6 * n);
}

void check_problem(const StoredProblem& problem) {
  std::vector<float> expected(problem.num_rows * problem.output_stride);
  for (std::size_t row = 0; row < problem.num_rows; ++row) {
    for (std::size_t c = 0; c < problem.output_stride; ++c) {
      expected[row * problem.output_stride + c] = problem.expected(row, c);
    }
  }
  for (std::size_t i = 0; const kernels::KernelTable* table = kernels::available_kernels(i); ++i) {
    std::vector<float> found(expected.size(), 7.0f);
    table->dense(problem.args(found.data()));
    INFO("type ", static_cast<int>(problem.type), ", ", problem.num_rows, " rows, ", problem.inputs, " inputs, ",
         problem.outputs, " outputs");
    check_equal(*table, found, expected, no_fma_tolerance(problem.inputs));
  }
}

TEST_CASE("dense: stored weights of every type and size give the contract's bits in every kernel set") {
  Random random(3);
  for (const WeightType type : {WeightType::kF16, WeightType::kBF16, WeightType::kI8}) {
    for (const std::size_t rows : {1, 2, 3, 5, 8, 13, 25}) {
      for (const std::size_t inputs : {1, 15, 33, 300}) {
        for (const std::size_t outputs : {1, 16, 33, 100, 144}) {
          check_problem(StoredProblem(type, rows, inputs, outputs, random));
        }
      }
    }
    check_problem(StoredProblem(type, 40, 900, 200, random));  // fetched ahead, and in blocks of inputs
  }
}

TEST_CASE("dense: stored weights go on from what an earlier call has left, with the same bits") {
  Random random(4);
  for (const WeightType type : {WeightType::kF16, WeightType::kBF16, WeightType::kI8}) {
    const StoredProblem problem(type, 7, 50, 40, random);
    constexpr std::size_t kShared = 19;
    for (std::size_t i = 0; const kernels::KernelTable* table = kernels::available_kernels(i); ++i) {
      std::vector<float> whole(7 * problem.output_stride), found(whole.size()), prefix(problem.output_stride);
      table->dense(problem.args(whole.data()));
      for (std::size_t row = 0; row < problem.num_rows; ++row) {
        DenseArgs first = problem.args(prefix.data());
        first.input += row * problem.inputs;
        first.num_rows = 1;
        first.num_inputs = kShared;
        first.activation = Activation::kIdentity;
        first.scales = nullptr;
        table->dense(first);
        DenseArgs rest = problem.args(found.data() + row * problem.output_stride);
        rest.input += row * problem.inputs + kShared;
        rest.num_rows = 1;
        rest.num_inputs -= kShared;
        rest.weights = static_cast<const char*>(rest.weights) + kShared * kPanelWidth * kernels::weight_bytes(type);
        rest.start = prefix.data();
        table->dense(rest);
      }
      CHECK(std::memcmp(whole.data(), found.data(), whole.size() * sizeof(float)) == 0);
    }
  }
}

// A table of five rows, and its elements by the format's definition, apart from kernels/stored.h.
struct StoredTable {
  std::vector<std::uint8_t> bytes;
  std::vector<float> elements;  // [5, width]
};

void append(std::vector<std::uint8_t>& bytes, const void* data, std::size_t size) {
  const auto* begin = static_cast<const std::uint8_t*>(data);
  bytes.insert(bytes.end(), begin, begin + size);
}

StoredTable stored_table(TableType type, std::size_t width, Random& random) {
  StoredTable table;
  for (std::size_t id = 0; id < 5; ++id) {
    const std::vector<float> numbers = random.floats(width + 2, -1, 1);
    const float scale = numbers[width], bias = numbers[width + 1];
    // Of scale and bias, the f16 of four bits of fraction that is nearest from below; both are above 2^-14 in size.
    const auto f16_of = [](float x) {
      std::uint32_t bits;
      std::memcpy(&bits, &x, sizeof bits);
      return static_cast<std::uint16_t>((bits >> 16 & 0x8000) | (((bits >> 23 & 255) - 112) << 10) |
                                        (bits >> 19 & 15) << 6);
    };
    std::uint8_t packed = 0;
    for (std::size_t d = 0; d < width; ++d) {
      const auto code = static_cast<std::uint8_t>(static_cast<int>((numbers[d] + 1) * 127));
      const std::uint16_t half = f16_of(numbers[d]);
      switch (type) {
        case TableType::kF32: append(table.bytes, &numbers[d], 4); break;
        case TableType::kF16: append(table.bytes, &half, 2); break;
        case TableType::kU8: table.bytes.push_back(code); break;
        case TableType::kU4:
          packed = static_cast<std::uint8_t>(d % 2 == 0 ? code & 15 : packed | ((code & 15) << 4));
          if (d % 2 == 1 || d + 1 == width) table.bytes.push_back(packed);
          break;
      }
      const float coarse_scale = static_cast<float>(value_of_f16(f16_of(scale)));
      const float coarse_bias = static_cast<float>(value_of_f16(f16_of(bias)));
      const float product8 = static_cast<float>(code) * scale, product4 = static_cast<float>(code & 15) * coarse_scale;
      table.elements.push_back(type == TableType::kF32   ? numbers[d]
                               : type == TableType::kF16 ? static_cast<float>(value_of_f16(half))
                               : type == TableType::kU8  ? product8 + bias
                                                         : product4 + coarse_bias);
    }
    const std::uint16_t halves[] = {f16_of(scale), f16_of(bias)};
    if (type == TableType::kU8) append(table.bytes, &scale, 4), append(table.bytes, &bias, 4);
    if (type == TableType::kU4) append(table.bytes, halves, 4);
  }
  CHECK(table.bytes.size() == 5 * kernels::table_row_bytes(type, width));
  return table;
}

constexpr TableType kTableTypes[] = {TableType::kF32, TableType::kF16, TableType::kU8, TableType::kU4};

TEST_CASE("lookup: tables of every type, with more rows than are fetched ahead") {
  Random random(5);
  const std::vector<std::int32_t> ids = {4, -1, 0, 2, 3, 3, 1, 0, -1, 2, 4, -1, -1, 1, 0, 2, 3, 4, 1};
  for (const TableType type : kTableTypes) {
    for (const std::size_t width : {1, 2, 3, 7, 8, 15, 16, 17, 32, 40, 100}) {
      const StoredTable stored = stored_table(type, width, random);
      for (std::size_t i = 0; const kernels::KernelTable* table = kernels::available_kernels(i); ++i) {
        std::vector<float> found(ids.size() * (width + 1), 9.0f), expected = found;
        for (std::size_t row = 0; row < ids.size(); ++row) {
          for (std::size_t d = 0; d < width; ++d) {
            const std::size_t place = static_cast<std::size_t>(ids[row]) * width + d;
            expected[row * (width + 1) + d] = ids[row] < 0 ? 0.0f : stored.elements[place];
          }
        }
        table->lookup({type, stored.bytes.data(), width, ids.data(), ids.size(), found.data(), width + 1});
        CHECK(found == expected);  // nothing is fused, so that every set gives these bits
      }
    }
  }
}

TEST_CASE("pool: weighted rows of tables of every type") {
  using kernels::Pooling;
  Random random(7);
  const std::vector<std::int32_t> ids = {4, 0, 2, 4, 1, 3};
  const std::vector<float> weights = random.floats(ids.size(), 0.1f, 2);
  for (const TableType type : kTableTypes) {
    for (const std::size_t width : {1, 15, 16, 17, 40}) {
      const StoredTable stored = stored_table(type, width, random);
      for (const Pooling pooling : {Pooling::kSum, Pooling::kMean, Pooling::kSqrtN}) {
        std::vector<float> expected(width + 1, 9.0f);
        kernels::select_kernels("scalar")->pool({TableType::kF32, stored.elements.data(), width, ids.data(), ids.size(),
                                                 pooling, expected.data(), weights.data()});
        for (std::size_t i = 0; const kernels::KernelTable* table = kernels::available_kernels(i); ++i) {
          std::vector<float> found(width + 1, 9.0f);
          table->pool(
              {type, stored.bytes.data(), width, ids.data(), ids.size(), pooling, found.data(), weights.data()});
          CHECK(found == expected);
        }
      }
    }
  }
}

TEST_CASE("pool: tables of every type") {
  Random random(6);
  const std::vector<std::int32_t> ids = {4, 0, 2, 4, 1, 3, 3, 0, 1, 2, 4};
  for (const TableType type : kTableTypes) {
    for (const std::size_t width : {1, 3, 8, 16, 17, 40}) {
      const StoredTable stored = stored_table(type, width, random);
      for (const kernels::Pooling pooling : {kernels::Pooling::kSum, kernels::Pooling::kMean, kernels::Pooling::kMax}) {
        for (std::size_t count = 0; count <= ids.size(); ++count) {
          std::vector<float> expected(width + 1, 9.0f);
          kernels::select_kernels("scalar")->pool(
              {TableType::kF32, stored.elements.data(), width, ids.data(), count, pooling, expected.data()});
          for (std::size_t i = 0; const kernels::KernelTable* table = kernels::available_kernels(i); ++i) {
            std::vector<float> found(width + 1, 9.0f);
            table->pool({type, stored.bytes.data(), width, ids.data(), count, pooling, found.data()});
            CHECK(found == expected);
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace mmoe::test
