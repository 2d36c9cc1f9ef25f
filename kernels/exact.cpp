#include "kernels/exact.h"

#include <cfloat>
#include <cstdint>

#include "kernels/fused.h"
#include "kernels/kernels.h"
#include "kernels/panel16.h"

namespace mmoe::kernels {
namespace {

constexpr float kUlp = FLT_EPSILON;  // of 1

// x * weight + bias for which other ways to round give other bits.
struct Product {
  float x, weight, bias;
};

constexpr Product kProducts[] = {
    // (1 + 2^-12)^2 - (1 + 2^-11) = 2^-24: a product that is rounded first leaves 0.
    {1 + kUlp * 2048, 1 + kUlp * 2048, -(1 + kUlp * 4096)},
    // 2^-24 (1 + 2^-23) (1 - 2^-23) is less than half an ulp of the bias by 2^-70, which neither double nor x87's 64
    // bits hold: rounded to them first, it becomes a tie, and 1 + 2^-23 goes up to the even 1 + 2^-22.
    {(1 + kUlp) * (kUlp / 2), 1 - kUlp, 1 + kUlp},
    {-(1 + kUlp) * (kUlp / 2), 1 - kUlp, -(1 + kUlp)},
};

// Not seen through by the compiler, whose arithmetic is not the machine's.
float run_time(float value) {
  volatile float hidden = value;
  return hidden;
}

// Any number with a whole mantissa, of magnitude 2^-4 to 2^4.
class Numbers {
 public:
  float next() {
    state_ = state_ * 1664525 + 1013904223;  // Numerical Recipes
    const std::uint32_t bits = (state_ & 0x80000000u) | (123 + (state_ >> 8) % 8) << 23 | (state_ >> 7 & 0x7FFFFFu);
    float number;
    __builtin_memcpy(&number, &bits, sizeof number);
    return number;
  }

 private:
  std::uint32_t state_ = 1;
};

struct Panel {
  alignas(64) float weights[kPanelWidth], bias[kPanelWidth], output[kPanelWidth];
};

bool is_as_by_double(float x, const Panel& panel) {
  for (std::size_t i = 0; i < kPanelWidth; ++i) {
    if (panel.output[i] != fused_by_double(x, panel.weights[i], panel.bias[i])) return false;
  }
  return true;
}

bool multiplies_exactly(const KernelTable& table, float x, Panel& panel) {
  DenseArgs args{};
  args.input = &x;
  args.input_stride = 1;
  args.num_rows = args.num_inputs = args.num_panels = 1;
  args.weights = panel.weights;
  args.panel_stride = args.output_stride = kPanelWidth;
  args.start = panel.bias;
  args.output = panel.output;
  table.dense(args);
  return is_as_by_double(x, panel);
}

// Products apart, some sets do as reference.cpp does.
bool normalises_exactly(const KernelTable& table, float x, Panel& panel) {
  for (float& output : panel.output) output = x;
  NormArgs args{};
  args.data = panel.output;
  args.num_rows = 1;
  args.stride = args.width = kPanelWidth;
  args.scale = panel.weights;
  args.shift = panel.bias;
  table.normalise(args);
  return is_as_by_double(x, panel);
}

bool computes_exactly(const KernelTable& table, float x, Panel& panel) {
  return multiplies_exactly(table, x, panel) && normalises_exactly(table, x, panel);
}

}  // namespace

bool proves_exact(const KernelTable& table) {
  if (!table.fma || !kComputesInFloat) return false;
  Panel panel;
  for (const Product& product : kProducts) {
    for (float& weight : panel.weights) weight = run_time(product.weight);
    for (float& bias : panel.bias) bias = run_time(product.bias);
    if (!computes_exactly(table, run_time(product.x), panel)) return false;
  }
  Numbers numbers;
  for (int round = 0; round < 8; ++round) {
    for (float& weight : panel.weights) weight = numbers.next();
    for (float& bias : panel.bias) bias = numbers.next();
    if (!computes_exactly(table, numbers.next(), panel)) return false;
  }
  return true;
}

bool has_default_environment() {
  const float smallest = run_time(FLT_MIN);
  const float half = run_time(smallest * 0.5f);             // 0 where results are flushed
  const float whole = run_time(run_time(FLT_MIN / 4) * 4);  // 0 where operands are
  const float up = run_time(1.0f) + run_time(kUlp * 0.75f);
  const float down = run_time(1.0f) + run_time(kUlp * 0.25f);
  const float below = run_time(-1.0f) - run_time(kUlp * 0.75f);
  return half != 0 && whole == smallest && up == 1 + kUlp && down == 1 && below == -(1 + kUlp);
}

}  // namespace mmoe::kernels
