// Nodes over elements that lie side by side in a row: layers for each of them, and attention between them.
#include "plan/builder.h"

namespace mmoe {

using namespace internal;  // NOLINT: this file is the inside of the plan
using flatbuffers::uoffset_t;

void PlanBuilder::add_each(const schema::Node& node, const Buffer& output) {
  const schema::Stream& stream = *node.inputs()->Get(0);
  EachStep measured{};
  EachStep* its = tables_.allocate<EachStep>(1);
  EachStep& step = its ? *its : measured;
  step.input = view_of(node_input(stream));
  step.width = node.group();
  step.length = columns_of(root_, stream).width / node.group();
  step.output = view_of(output);
  add_step(StepKind::kEach).each = its;
  const std::size_t rows_of_block = block_rows_;
  block_rows_ = step.length;
  step.num_layers = node.layers()->size();
  step.layers = tables_.allocate<ElementsStep>(step.num_layers);
  Buffer input{0, step.width};  // the first reads a row of the block
  for (uoffset_t i = 0; i < step.num_layers; ++i) {
    const schema::Dense& layer = *node.layers()->Get(i);
    ElementsStep unused{};
    input = set_elements(layer, input, buffer(in_end_, span_of(layer).count * kPanelWidth),
                         step.layers ? step.layers[i] : unused);
    add_work(step.length, std::uint64_t{layer.inputs()} * layer.outputs());
    step.outputs = layer.outputs();
  }
  step.last = view_of(input);
  block_rows_ = rows_of_block;
}

void PlanBuilder::add_scaled_dot(const schema::Node& node, const Buffer& output) {
  ScaledDotStep measured{};
  ScaledDotStep* its = tables_.allocate<ScaledDotStep>(1);
  ScaledDotStep& step = its ? *its : measured;
  View* const views[] = {&step.query, &step.keys, &step.values, &step.mask};
  std::size_t widths[4] = {};
  for (uoffset_t i = 0; i < node.inputs()->size(); ++i) {
    const schema::Stream& stream = *node.inputs()->Get(i);
    *views[i] = view_of(node_input(stream));
    widths[i] = columns_of(root_, stream).width;
  }
  add_step(StepKind::kScaledDot).scaled_dot = its;
  kernels::ScaledDotArgs& args = step.args;
  args.width = node.group();
  args.num_queries = widths[0] / args.width;
  args.num_keys = widths[1] / args.width;
  args.value_width = widths[2] / args.num_keys;
  args.num_masked = widths[3];
  args.num_heads = node.heads();
  args.scale = node.scale();
  args.causal = node.causal();
  args.weights = work_.at(work_.allocate(in_end_, padded_outputs(args.num_keys)));
  args.transposed = work_.at(work_.allocate(in_end_, widths[1]));
  step.output = view_of(output);
  const std::size_t weights = saturating_multiply(args.num_queries, args.num_keys);
  add_work(weights, args.width + args.value_width);
  add_work(weights, saturating_multiply(args.num_heads, kColumnWork));
}

}  // namespace mmoe
