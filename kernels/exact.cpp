#include "kernels/exact.h"

#include <cfloat>
#include <cstdint>

#include "kernels/kernels.h"
#include "kernels/panel16.h"

namespace mmoe::kernels {
namespace {

// x * weight + bias of numbers for which other ways to round give other bits.
struct Product {
  float x, weight, bias, fused;
};

constexpr float kUlp = FLT_EPSILON;  // of 1
constexpr Product kProducts[] = {
    // (1 + 2^-12)^2 - (1 + 2^-11) = 2^-24: a product that is rounded first leaves 0.
    {1 + kUlp * 2048, 1 + kUlp * 2048, -(1 + kUlp * 4096), kUlp / 2},
    // 2^-24 (1 + 2^-23) (1 - 2^-23) is less than half an ulp of the bias by 2^-70, which neither double nor x87's 64 bits
    // hold: rounded to them first, it becomes a tie, and 1 + 2^-23 goes up to the even 1 + 2^-22.
    {(1 + kUlp) * (kUlp / 2), 1 - kUlp, 1 + kUlp, 1 + kUlp},
    {-(1 + kUlp) * (kUlp / 2), 1 - kUlp, -(1 + kUlp), -(1 + kUlp)},
};

// Not seen through by the compiler, whose arithmetic is not the machine's.
float run_time(float value) {
  volatile float hidden = value;
  return hidden;
}

}  // namespace

bool proves_exact(const KernelTable& table) {
  if (!table.fma || !kComputesInFloat) return false;
  for (const Product& product : kProducts) {
    alignas(64) float weights[kPanelWidth], bias[kPanelWidth], output[kPanelWidth];
    for (std::size_t i = 0; i < kPanelWidth; ++i) {
      weights[i] = run_time(product.weight);
      bias[i] = product.bias;
    }
    const float x = product.x;
    DenseArgs args{};
    args.input = &x;
    args.input_stride = 1;
    args.num_rows = args.num_inputs = args.num_panels = 1;
    args.weights = weights;
    args.panel_stride = args.output_stride = kPanelWidth;
    args.bias = bias;
    args.output = output;
    table.dense(args);
    for (const float value : output) {
      if (value != product.fused) return false;
    }
  }
  return true;
}

bool has_default_environment() {
  const float smallest = run_time(FLT_MIN);
  const float half = run_time(smallest * 0.5f);           // 0 where results are flushed
  const float whole = run_time(run_time(FLT_MIN / 4) * 4);  // 0 where operands are
  const float up = run_time(1.0f) + run_time(kUlp * 0.75f);
  const float down = run_time(1.0f) + run_time(kUlp * 0.25f);
  const float below = run_time(-1.0f) - run_time(kUlp * 0.75f);
  return half != 0 && whole == smallest && up == 1 + kUlp && down == 1 && below == -(1 + kUlp);
}

}  // namespace mmoe::kernels
