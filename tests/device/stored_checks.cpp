// Every finite f16, every bf16 and i8 becomes its f32 in a dense layer of each kernel set of the device, which widens
// by instructions that other machines do not have.
#include "kernels/stored.h"

#include <cstdint>

#include "kernels/kernels.h"
#include "kernels/panel16.h"
#include "print.h"

namespace {

using mmoe::kPanelWidth;
using namespace mmoe::kernels;

int num_failures = 0;

std::uint32_t bits_of(float value) {
  std::uint32_t bits;
  __builtin_memcpy(&bits, &value, sizeof bits);
  return bits;
}

// Helium takes subnormal floats for zeros.
bool is_right(float found, float expected) {
  const std::uint32_t magnitude = bits_of(expected) & 0x7fffffff;
  if (magnitude >= 0x7f800000) return true;  // no weight
  return bits_of(found) == bits_of(expected) || (magnitude < 0x00800000 && found == 0);
}

// One input of 1, sums from -0: the output is the weight.
template <class Stored>
void check(const KernelTable& table, WeightType type, const char* name) {
  using Number = typename Stored::Type;
  const float one = 1;
  alignas(64) Number weights[kPanelWidth];
  alignas(64) float output[4 * kPanelWidth], start[kPanelWidth];
  for (float& zero : start) zero = -0.0f;
  DenseArgs args{};
  args.input = &one;
  args.num_inputs = args.num_panels = 1;
  args.type = type;
  args.weights = weights;
  args.panel_stride = args.output_stride = kPanelWidth;
  args.start = start;
  args.output = output;
  for (args.num_rows = 1; args.num_rows <= 4; args.num_rows += 3) {  // a row, and a tile of rows
    for (std::uint32_t round = 0; round < (1u << 8 * sizeof(Number)) / kPanelWidth; ++round) {
      for (std::size_t c = 0; c < kPanelWidth; ++c) weights[c] = static_cast<Number>(round * kPanelWidth + c);
      table.dense(args);
      for (std::size_t i = 0; i < args.num_rows * kPanelWidth; ++i) {
        if (is_right(output[i], widen(Stored{}, weights[i % kPanelWidth]))) continue;
        if (++num_failures <= 10) print("failed: ", name, " ", round * kPanelWidth + i % kPanelWidth, "\n");
      }
    }
  }
}

}  // namespace

int main() {
  for (std::size_t i = 0; const KernelTable* table = available_kernels(i); ++i) {
    check<F16>(*table, WeightType::kF16, "f16");
    check<BF16>(*table, WeightType::kBF16, "bf16");
    check<I8>(*table, WeightType::kI8, "i8");
  }
  print(num_failures == 0 ? "every weight is its f32\n" : "some weights are not\n");
  return num_failures != 0;
}
