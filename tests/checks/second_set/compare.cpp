// compare FIRST SECOND: two kernel sets of one build are two, and compute the same bits of a product.
#include <cstdio>
#include <cstring>
#include <vector>

#include "kernels/exact.h"
#include "kernels/kernels.h"
#include "kernels/panel16.h"

namespace {

using namespace mmoe::kernels;

constexpr std::size_t kRows = 13, kInputs = 37, kPanels = 5;

std::vector<float> numbers(std::size_t count) {
  std::vector<float> values(count);
  std::uint32_t state = 1;
  for (float& value : values) {
    state = state * 1664525 + 1013904223;
    value = static_cast<float>(state >> 8) / 16777216.0f - 0.5f;
  }
  return values;
}

std::vector<float> product(const KernelTable& table) {
  const std::vector<float> x = numbers(kRows * kInputs), weights = numbers(kPanels * 16 * kInputs);
  const std::vector<float> bias = numbers(kPanels * 16);
  std::vector<float> output(kRows * kPanels * 16);
  DenseArgs args{};
  args.input = x.data();
  args.input_stride = kInputs;
  args.num_rows = kRows;
  args.weights = weights.data();
  args.panel_stride = 16 * kInputs;
  args.num_inputs = kInputs;
  args.num_panels = kPanels;
  args.start = bias.data();
  args.output = output.data();
  args.output_stride = kPanels * 16;
  args.activation = Activation::kTanh;
  args.num_activated = kPanels;
  table.dense(args);
  return output;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const KernelTable* first = select_kernels(argv[1]);
  const KernelTable* second = select_kernels(argv[2]);
  if (!first || !second) return std::puts("not on this machine"), 77;
  if (first == second || first->dense == second->dense) return std::puts("error: they are one"), 1;
  if (!proves_exact(*first) || !proves_exact(*second)) return std::puts("error: not exact"), 1;
  const std::vector<float> a = product(*first), b = product(*second);
  if (std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) != 0) return std::puts("error: other bits"), 1;
  std::printf("%s and %s: the same bits\n", argv[1], argv[2]);
}
