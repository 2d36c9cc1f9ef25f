// Attention of a query to the elements of a sequence: a step that runs for one row at a time, and has the elements as
// the rows of its products.
#include "plan/builder.h"

namespace mmoe {

using namespace internal;  // NOLINT: this file is the inside of the plan
using flatbuffers::uoffset_t;

// The query's own product is one of the block's rows.
void PlanBuilder::add_attention(const schema::Node& node, const Buffer& output) {
  const std::size_t num_sequences = node.inputs()->size() - 1;
  const Buffer query = node_input(*node.inputs()->Get(0));
  const PanelSpan span = span_of(*node.query());
  const Buffer projected = buffer(in_end_, span.count * kPanelWidth);
  add_dense({query, false, 0, 0}, *node.query(), span, span.count, nullptr, projected);
  AttentionStep::Sequence* sequences = tables_.allocate<AttentionStep::Sequence>(num_sequences);
  bool of_user = false;
  for (uoffset_t i = 0; i < num_sequences; ++i) {
    const schema::StreamPart& part = *node.inputs()->Get(i + 1)->parts()->Get(0);
    const bool of_x = part.source() == schema::StreamSource_ModelInput;
    const bool its_user = of_x && part.first() < root_.shared_dim();
    of_user = of_user || its_user;
    if (!sequences) continue;
    sequences[i] = {of_x ? View{nullptr, 0} : view_of(whole_of(part)), part.first(), part.width() / node.length() - 1};
  }
  const bool shared = has_shared_keys(node);
  if (of_user && !shared) need_user();
  AttentionStep measured{};
  AttentionStep* its = tables_.allocate<AttentionStep>(1);
  AttentionStep& step = its ? *its : measured;
  add_step(StepKind::kAttention).attention = its;
  step.sequences = sequences;
  step.num_sequences = num_sequences;
  step.length = node.length();
  step.width = columns_of(root_, *node.inputs()->Get(0)).width;
  step.element_stride = padded_outputs(step.width);
  step.query = view_of(query);
  step.projected_query = view_of(projected);
  step.masked = node.masked();
  step.softmax = node.softmax();
  step.output = view_of(output);
  step.keys = make_keys(step, work_.allocate(in_end_, key_floats(node)));
  // Behind the node's result (reserve_nodes).
  if (shared) step.user = make_keys(step, output.offset + block_rows_ * output.stride);
  add_element_layers(node, projected.stride, step);
  add_work(step.length, std::uint64_t{span.count * kPanelWidth} * (step.width + node.product()->inputs()));
  add_work(step.length, step.width + kColumnWork);
}

// Whether all sequences are columns of the user, or nodes that read such columns alone.
bool PlanBuilder::has_shared_keys(const schema::Node& node) const {
  for (uoffset_t i = 1; i < node.inputs()->size(); ++i) {
    const schema::StreamPart& part = *node.inputs()->Get(i)->parts()->Get(0);
    const bool of_user = part.source() == schema::StreamSource_Node
                             ? of_user_.contains(part.input())
                             : part.source() == schema::StreamSource_ModelInput && part.first() < root_.shared_dim();
    if (!of_user) return false;
  }
  return true;
}

// Floats of keys.
std::size_t PlanBuilder::key_floats(const schema::Node& node) {
  const std::size_t length = node.length(), outputs = span_of(*node.keys()).count * kPanelWidth;
  const std::size_t element = padded_outputs(node.keys()->inputs());
  return saturating_multiply(length, saturating_add(element, outputs));
}

// At a place in the work buffers.
Keys PlanBuilder::make_keys(const AttentionStep& step, std::size_t place) {
  Keys keys{};
  kernels::ExpertOutput* experts = tables_.allocate<kernels::ExpertOutput>(step.length);
  keys.experts = experts;
  keys.elements = work_.at(place);
  if (!keys.elements) return keys;
  keys.projected = keys.elements + step.length * step.element_stride;
  for (std::size_t i = 0; i < step.length; ++i) experts[i] = {keys.elements + i * step.element_stride, 0};
  return keys;
}

// Buffers and layers whose rows are the elements.
void PlanBuilder::add_element_layers(const schema::Node& node, std::size_t projected_stride, AttentionStep& step) {
  const std::size_t rows_of_block = block_rows_;
  block_rows_ = step.length;  // take_keys() has all of them in one product
  set_elements(*node.keys(), {0, step.element_stride}, {0, projected_stride}, step.project_keys);
  if (block_rows_ > kMaxElements) block_rows_ = kMaxElements;
  step.logits = work_.at(work_.allocate(in_end_, step.length));  // in front of the rooms, which layers use in turn
  const Buffer gated = buffer(in_end_, node.product()->inputs()), sums = buffer(in_end_, projected_stride);
  step.gated = work_.at(gated.offset);
  Buffer input = set_elements(*node.product(), gated, sums, step.product);
  step.activation = step.product.dense.activation;
  step.product.dense.activation = kernels::Activation::kIdentity;
  step.alpha = node.product()->alpha();
  step.beta = node.product()->beta();
  const uoffset_t num_layers = node.layers()->size();
  ElementsStep* layers = tables_.allocate<ElementsStep>(num_layers);
  for (uoffset_t i = 0; i < num_layers; ++i) {
    const schema::Dense& layer = *node.layers()->Get(i);
    const Buffer panels = buffer(in_end_, span_of(layer).count * kPanelWidth);
    // While measuring nothing is kept: what is filled in already is room enough, and saves stack.
    input = set_elements(layer, input, panels, layers ? layers[i] : step.project_keys);
    add_work(step.length, std::uint64_t{layer.inputs()} * layer.outputs());
  }
  step.layers = layers;
  step.num_layers = num_layers;
  step.weights = view_of(input);
  block_rows_ = rows_of_block;
}

// A layer from and to such buffers; where its outputs are. An offset of 0 and null stand for what the step fills in.
Buffer PlanBuilder::set_elements(const schema::Dense& layer, const Buffer& input, const Buffer& output,
                                 ElementsStep& step) {
  const PanelSpan span = span_of(layer);
  const Buffer part = part_of(output, layer, span);
  step.dense.input = work_.at(input.offset);
  step.dense.input_stride = input.stride;
  set_dense(layer, span, step.dense);
  step.dense.output = work_.at(output.offset);
  step.dense.output_stride = output.stride;
  if (!layer.norm()) return part;
  set_norm(layer, part, step.norm);
  return part;
}

}  // namespace mmoe
