#include "kernels/preconditions.h"

#ifdef MMOE_ASSERTIONS

#include "kernels/assertion.h"
#include "kernels/panel16.h"

namespace mmoe::kernels {
namespace {

// Rows that a kernel writes lie apart from each other.
bool apart(std::size_t stride, std::size_t width, std::size_t num_rows) { return num_rows <= 1 || stride >= width; }

void require_w8a8(const DenseArgs& args) {
  MMOE_ASSERT(args.scales && args.w8a8 && args.w8a8->first_inputs <= args.num_inputs);
  MMOE_ASSERT(args.w8a8->row_sums && args.num_inputs <= kMaxW8A8Inputs);
  MMOE_ASSERT(args.w8a8->room && reinterpret_cast<std::uintptr_t>(args.w8a8->room) % 64 == 0);
}

}  // namespace

void require(const DenseArgs& args) {
  if (args.num_rows == 0 || args.num_panels == 0) return;
  MMOE_ASSERT(is_compiled(args.type) && args.output);
  MMOE_ASSERT(args.start || args.type == WeightType::kI8);
  MMOE_ASSERT(!args.scales || args.bias || args.type == WeightType::kW8A8);
  if (args.type == WeightType::kW8A8) require_w8a8(args);
  MMOE_ASSERT(args.num_inputs == 0 || (args.input && args.weights));
  MMOE_ASSERT(args.num_panels == 1 || args.panel_stride >= args.num_inputs * kPanelWidth);
  MMOE_ASSERT(args.panel_stride % kPanelWidth == 0);
  MMOE_ASSERT(apart(args.output_stride, args.num_panels * kPanelWidth, args.num_rows));
  MMOE_ASSERT(args.num_activated <= args.num_panels);
  MMOE_ASSERT(is_activation(static_cast<unsigned>(args.activation)));
  MMOE_ASSERT(args.activation != Activation::kPRelu || args.num_activated == 0 || args.slopes);
  for (std::size_t i = 1; args.rows && i < args.num_rows; ++i) MMOE_ASSERT(args.rows[i - 1] < args.rows[i]);
}

void require(const NormArgs& args) {
  if (args.num_rows == 0) return;
  MMOE_ASSERT(args.data && args.width > 0 && args.scale && args.shift);
  MMOE_ASSERT(apart(args.stride, padded_outputs(args.width), args.num_rows));
  MMOE_ASSERT(is_activation(static_cast<unsigned>(args.activation)));
  MMOE_ASSERT((!args.dice && args.activation != Activation::kPRelu) || args.slopes);
}

void require(const GateArgs& args) {
  MMOE_ASSERT(args.num_experts > 0 && args.top_k <= args.num_experts);
  if (args.num_rows == 0) return;
  MMOE_ASSERT(args.logits && args.weights);
  MMOE_ASSERT(apart(args.weights_stride, padded_outputs(args.num_experts), args.num_rows));
  MMOE_ASSERT(args.top_k == 0 || args.selected);
  MMOE_ASSERT(kHasGateFunctions || args.function == GateFunction::kSoftmax);
  if (args.function != GateFunction::kSmoothStep) return;
  MMOE_ASSERT(args.num_selectors > 0 && args.num_selectors <= kMaxSelectors);
  MMOE_ASSERT(args.num_experts > 1 && selector_bits(args.num_experts) <= kPanelWidth && args.weights != args.logits);
}

void require(const ThresholdArgs& args) {
  MMOE_ASSERT(args.num_experts > 0 && args.threshold >= 0);
  if (args.num_rows == 0) return;
  MMOE_ASSERT(args.weights && args.selected && args.counts);
  MMOE_ASSERT(apart(args.weights_stride, args.num_experts, args.num_rows));
}

void require(const MixArgs& args) {
  if (args.num_rows == 0) return;
  MMOE_ASSERT(args.experts && args.weights && args.output && args.num_weights > 0);
  MMOE_ASSERT(apart(args.output_stride, args.dim, args.num_rows));
  MMOE_ASSERT(args.weights_stride == 0 || args.weights_stride >= args.num_weights);
  for (std::size_t row = 0; args.counts && row < args.num_rows; ++row) {
    MMOE_ASSERT(args.selected && args.counts[row] > 0 && args.counts[row] <= args.num_weights);
  }
}

void require(const ScaleArgs& args) { MMOE_ASSERT(args.num_rows == 0 || (args.values && args.output)); }

void require(const LookupArgs& args) {
  MMOE_ASSERT(is_compiled(args.type));
  if (args.num_rows == 0) return;
  MMOE_ASSERT(args.table && args.ids && args.output);
  MMOE_ASSERT(apart(args.output_stride, args.width, args.num_rows));
}

void require(const PoolArgs& args) {
  MMOE_ASSERT(is_compiled(args.type));
  MMOE_ASSERT(args.output);
  MMOE_ASSERT(args.num_ids == 0 || (args.table && args.ids));
  MMOE_ASSERT(!args.weights || args.pooling != Pooling::kMax);
  for (std::size_t i = 0; i < args.num_ids; ++i) MMOE_ASSERT(args.ids[i] >= 0);
}

}  // namespace mmoe::kernels

#endif
