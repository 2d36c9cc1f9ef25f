#include "kernels/combine.h"

#include "tests/unit/kernels/compare.h"

namespace mmoe::test {
namespace {

using kernels::CombineArgs;
using kernels::CombineInput;
using kernels::Operation;

constexpr std::size_t kRows = 3, kStride = 40;

// Rows of inputs of so many columns, and what an operation makes of them.
struct Problem {
  std::vector<std::size_t> widths;
  std::size_t group;
  float scale;
  std::vector<std::vector<float>> data;

  Problem(std::vector<std::size_t> its_widths, std::size_t its_group, float its_scale = 1)
      : widths(std::move(its_widths)), group(its_group), scale(its_scale) {
    Random random(widths.size() * 100 + group);
    for (std::size_t i = 0; i < widths.size(); ++i) data.push_back(random.floats(kRows * kStride, -2, 2));
  }

  std::vector<float> run(Operation operation, std::size_t width, const float* constant = nullptr) const {
    std::vector<CombineInput> inputs;
    std::size_t widest = 0;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      inputs.push_back({data[i].data(), kStride, widths[i]});
      widest = std::max(widest, widths[i]);
    }
    constexpr float kUntouched = 77;
    std::vector<float> output(kRows * (width + 2), kUntouched);
    kernels::combine({operation, inputs.data(), inputs.size(), kRows, widest, group == 0 ? widest : group, scale,
                      constant, output.data(), width + 2, width, nullptr, 0});
    std::vector<float> rows;
    for (std::size_t row = 0; row < kRows; ++row) {
      const float* from = output.data() + row * (width + 2);
      rows.insert(rows.end(), from, from + width);
      CHECK(from[width] == kUntouched);
      CHECK(from[width + 1] == kUntouched);
    }
    return rows;
  }

  float at(std::size_t input, std::size_t row, std::size_t i) const { return data[input][row * kStride + i]; }
  float element(std::size_t row, std::size_t g, std::size_t i) const { return at(0, row, g * group + i); }
};

// Each in the order that schema/mmoe.fbs gives, every product and sum a float: the bits are these on any machine.
template <class Expected>
void check(const std::vector<float>& found, std::size_t width, const Expected& expected) {
  REQUIRE(found.size() == kRows * width);
  for (std::size_t row = 0; row < kRows; ++row) {
    for (std::size_t i = 0; i < width; ++i) {
      CAPTURE(row);
      CAPTURE(i);
      CHECK(same_bits(found[row * width + i], expected(row, i)));
    }
  }
}

TEST_CASE("combine: sums and products, in which an element of a narrow input stands for several") {
  const Problem three({12, 12, 3}, 0, 0.75f);
  const std::vector<float> constant(12, 0.1f);
  check(three.run(Operation::kSum, 12), 12, [&](std::size_t row, std::size_t i) {
    const float sum = three.at(0, row, i) + three.at(1, row, i);
    return sum + three.at(2, row, i / 4);
  });
  check(three.run(Operation::kSum, 12, constant.data()), 12, [&](std::size_t row, std::size_t i) {
    const float sum = three.at(0, row, i) + three.at(1, row, i);
    return sum + three.at(2, row, i / 4) + 0.1f;
  });
  check(three.run(Operation::kProduct, 12), 12, [&](std::size_t row, std::size_t i) {
    const float product = 0.75f * three.at(0, row, i);
    return product * three.at(1, row, i) * three.at(2, row, i / 4);
  });
  const Problem narrow_first({1, 5}, 0, 2);
  check(narrow_first.run(Operation::kProduct, 5), 5,
        [&](std::size_t row, std::size_t i) { return 2 * narrow_first.at(0, row, 0) * narrow_first.at(1, row, i); });
}

TEST_CASE("combine: dot products of groups, and of all pairs of groups") {
  const Problem two({15, 15}, 5, -0.5f);
  const auto dot = [](const auto& a, const auto& b, std::size_t size) {
    float sum = a(0) * b(0);
    for (std::size_t i = 1; i < size; ++i) {
      const float product = a(i) * b(i);
      sum = sum + product;
    }
    return sum;
  };
  check(two.run(Operation::kDot, 3), 3, [&](std::size_t row, std::size_t g) {
    return -0.5f * dot([&](std::size_t i) { return two.at(0, row, g * 5 + i); },
                       [&](std::size_t i) { return two.at(1, row, g * 5 + i); }, 5);
  });
  const Problem groups({20}, 5, 3);
  const auto pair = [&](std::size_t row, std::size_t a, std::size_t b) {
    return 3 * dot([&](std::size_t i) { return groups.element(row, a, i); },
                   [&](std::size_t i) { return groups.element(row, b, i); }, 5);
  };
  const std::size_t lower[][2] = {{1, 0}, {2, 0}, {2, 1}, {3, 0}, {3, 1}, {3, 2}};
  const std::size_t upper[][2] = {{0, 1}, {0, 2}, {0, 3}, {1, 2}, {1, 3}, {2, 3}};
  check(groups.run(Operation::kLowerPairs, 6), 6,
        [&](std::size_t row, std::size_t i) { return pair(row, lower[i][0], lower[i][1]); });
  check(groups.run(Operation::kUpperPairs, 6), 6,
        [&](std::size_t row, std::size_t i) { return pair(row, upper[i][0], upper[i][1]); });
}

TEST_CASE("combine: bi-interactions, and sums over and within groups") {
  const Problem groups({21}, 7, 0.5f);
  check(groups.run(Operation::kBiInteraction, 7), 7, [&](std::size_t row, std::size_t i) {
    float sum = 0, squares = 0;  // a first term added to 0 is itself
    for (std::size_t g = 0; g < 3; ++g) {
      const float square = groups.element(row, g, i) * groups.element(row, g, i);
      sum += groups.element(row, g, i);
      squares += square;
    }
    const float of_sum = sum * sum;
    return 0.5f * (of_sum - squares);
  });
  check(groups.run(Operation::kSumOfGroups, 7), 7, [&](std::size_t row, std::size_t i) {
    return 0.5f * (groups.element(row, 0, i) + groups.element(row, 1, i) + groups.element(row, 2, i));
  });
  check(groups.run(Operation::kSumWithinGroups, 3), 3, [&](std::size_t row, std::size_t g) {
    float sum = 0;
    for (std::size_t i = 0; i < 7; ++i) sum += groups.element(row, g, i);
    return 0.5f * sum;
  });
  const Problem one({6}, 0);
  check(one.run(Operation::kSumWithinGroups, 1), 1, [&](std::size_t row, std::size_t) {
    float sum = 0;
    for (std::size_t i = 0; i < 6; ++i) sum += one.at(0, row, i);
    return sum;
  });
}

TEST_CASE("combine: a bi-interaction goes on from the sums of its first groups") {
  const Problem groups({28}, 7, 0.5f);
  const std::vector<float> whole = groups.run(Operation::kBiInteraction, 7);
  const std::vector<float> row(groups.data[0].begin(), groups.data[0].begin() + 28);
  for (std::size_t started = 1; started < 4; ++started) {
    CAPTURE(started);
    std::vector<float> start(14), output(7), rest = row;
    const CombineInput first{row.data(), kStride, 28};
    CombineArgs args{Operation::kBiInteraction, &first, 1, 1, 28, 7, 0.5f, nullptr, output.data(), 7, 7, nullptr, 0};
    kernels::start_of_groups(args, started, start.data());
    for (std::size_t i = 0; i < started * 7; ++i) rest[i] = 77;  // not read
    const CombineInput others{rest.data(), kStride, 28};
    args.inputs = &others;
    args.start = start.data();
    args.num_started = started;
    kernels::combine(args);
    for (std::size_t i = 0; i < 7; ++i) CHECK(same_bits(output[i], whole[i]));
  }
}

TEST_CASE("combine: a NaN stays in its row and its columns") {
  Problem problem({8, 8}, 4);
  problem.data[0][kStride + 2] = std::numeric_limits<float>::quiet_NaN();
  const auto is_nan = [](const std::vector<float>& found, std::size_t at) { return std::isnan(found[at]); };
  const std::vector<float> sum = problem.run(Operation::kSum, 8), dots = problem.run(Operation::kDot, 2);
  for (std::size_t i = 0; i < sum.size(); ++i) CHECK(is_nan(sum, i) == (i == 8 + 2));
  for (std::size_t i = 0; i < dots.size(); ++i) CHECK(is_nan(dots, i) == (i == 2));
}

}  // namespace
}  // namespace mmoe::test
