#include "kernels/combine.h"

#include "kernels/assertion.h"

namespace mmoe::kernels {
namespace {

struct Row {
  const CombineArgs& args;
  std::size_t row;

  const float* input(std::size_t i) const { return args.inputs[i].data + row * args.inputs[i].stride; }
  float* output() const { return args.output + row * args.output_stride; }
  std::size_t groups() const { return args.input_width / args.group; }
};

// Of each of the row's elements and the input's element for it.
template <class Function>
void for_each_element(const Row& row, std::size_t input, const Function& function) {
  const float* from = row.input(input);
  float* to = row.output();
  const std::size_t width = row.args.inputs[input].width, times = row.args.width / width;
  if (times == 1) {
    for (std::size_t i = 0; i < width; ++i) to[i] = function(to[i], from[i]);
    return;
  }
  for (std::size_t i = 0; i < width; ++i, to += times) {
    for (std::size_t j = 0; j < times; ++j) to[j] = function(to[j], from[i]);
  }
}

void sum(const Row& row) {
  for_each_element(row, 0, [](float, float x) { return x; });
  for (std::size_t i = 1; i < row.args.num_inputs; ++i) {
    for_each_element(row, i, [](float y, float x) { return y + x; });
  }
  float* output = row.output();
  for (std::size_t i = 0; row.args.constant && i < row.args.width; ++i) output[i] += row.args.constant[i];
}

void product(const Row& row) {
  const float scale = row.args.scale;
  for_each_element(row, 0, [scale](float, float x) { return scale * x; });
  for (std::size_t i = 1; i < row.args.num_inputs; ++i) {
    for_each_element(row, i, [](float y, float x) { return y * x; });
  }
}

float dot(const float* a, const float* b, std::size_t size) {
  float sum = a[0] * b[0];
  for (std::size_t i = 1; i < size; ++i) sum += a[i] * b[i];
  return sum;
}

void dots(const Row& row) {
  const std::size_t group = row.args.group;
  for (std::size_t g = 0; g < row.groups(); ++g) {
    row.output()[g] = row.args.scale * dot(row.input(0) + g * group, row.input(1) + g * group, group);
  }
}

void pairs(const Row& row) {
  const bool lower = row.args.operation == Operation::kLowerPairs;
  const std::size_t group = row.args.group, groups = row.groups();
  float* output = row.output();
  for (std::size_t i = 0; i < groups; ++i) {
    const float* first = row.input(0) + i * group;
    for (std::size_t j = lower ? 0 : i + 1; j < (lower ? i : groups); ++j) {
      *output++ = row.args.scale * dot(first, row.input(0) + j * group, group);
    }
  }
}

// The columns [first, first + count) of the first `groups` groups: their sums, and those of their squares.
void column_sums(const Row& row, std::size_t first, std::size_t count, std::size_t groups, float* __restrict sums,
                 float* __restrict squares) {
  const CombineArgs& args = row.args;
  const bool goes_on = args.num_started != 0;
  const float* element = row.input(0) + first;
  for (std::size_t i = 0; i < count; ++i) {
    sums[i] = goes_on ? args.start[first + i] : element[i];
    squares[i] = goes_on ? args.start[args.group + first + i] : element[i] * element[i];
  }
  for (std::size_t g = goes_on ? args.num_started : 1; g < groups; ++g) {
    const float* x = element + g * args.group;
    for (std::size_t i = 0; i < count; ++i) {
      sums[i] += x[i];
      squares[i] += x[i] * x[i];
    }
  }
}

void bi_interaction(const Row& row) {
  constexpr std::size_t kColumns = 16;  // side by side in registers
  float sums[kColumns], squares[kColumns];
  const std::size_t group = row.args.group;
  for (std::size_t first = 0; first < group; first += kColumns) {
    const std::size_t count = group - first < kColumns ? group - first : kColumns;
    column_sums(row, first, count, row.groups(), sums, squares);
    float* output = row.output() + first;
    for (std::size_t i = 0; i < count; ++i) output[i] = row.args.scale * (sums[i] * sums[i] - squares[i]);
  }
}

void sum_of_groups(const Row& row) {
  const std::size_t group = row.args.group;
  float* output = row.output();
  for (std::size_t i = 0; i < group; ++i) output[i] = row.input(0)[i];
  for (std::size_t g = 1; g < row.groups(); ++g) {
    const float* from = row.input(0) + g * group;
    for (std::size_t i = 0; i < group; ++i) output[i] += from[i];
  }
  for (std::size_t i = 0; i < group; ++i) output[i] *= row.args.scale;
}

void sum_within_groups(const Row& row) {
  const float* from = row.input(0);
  for (std::size_t g = 0; g < row.groups(); ++g, from += row.args.group) {
    float sum = from[0];
    for (std::size_t i = 1; i < row.args.group; ++i) sum += from[i];
    row.output()[g] = row.args.scale * sum;
  }
}

void combine_row(const Row& row) {
  switch (row.args.operation) {
    case Operation::kSum: return sum(row);
    case Operation::kProduct: return product(row);
    case Operation::kDot: return dots(row);
    case Operation::kLowerPairs:
    case Operation::kUpperPairs: return pairs(row);
    case Operation::kBiInteraction: return bi_interaction(row);
    case Operation::kSumOfGroups: return sum_of_groups(row);
    case Operation::kSumWithinGroups: return sum_within_groups(row);
  }
}

}  // namespace

void combine(const CombineArgs& args) {
  MMOE_ASSERT(args.num_inputs > 0 && args.input_width > 0 && args.output_stride >= args.width);
  MMOE_ASSERT(args.group > 0 && args.input_width % args.group == 0);
  for (std::size_t row = 0; row < args.num_rows; ++row) combine_row({args, row});
}

void start_of_groups(const CombineArgs& args, std::size_t num_groups, float* start) {
  MMOE_ASSERT(args.operation == Operation::kBiInteraction && args.num_started == 0);
  column_sums({args, 0}, 0, args.group, num_groups, start, start + args.group);
}

}  // namespace mmoe::kernels
