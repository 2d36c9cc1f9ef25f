// Nodes of a plan: what stands beside the levels.
#include "plan/builder.h"

namespace mmoe {

using namespace internal;  // NOLINT: this file is the inside of the plan
using flatbuffers::uoffset_t;

// At the low end, in front of all else: whatever comes later may read them.
void PlanBuilder::reserve_nodes() {
  find_user_nodes();
  for (uoffset_t n = 0; n < size_of(root_.nodes()); ++n) {
    if (!needs_.nodes.contains(n)) continue;
    const schema::Node& node = *root_.nodes()->Get(n);
    std::size_t within = 0, width = node_width(node);
    if (node.kind() == schema::NodeKind_Mlp) {  // its last layer writes whole panels
      const schema::Dense& last = *node.layers()->Get(node.layers()->size() - 1);
      within = last.column() % kPanelWidth;
      width = span_of(last).count * kPanelWidth;
    }
    const Buffer result = buffer(Arena::kLow, width);
    if (scratch_.nodes) scratch_.nodes[n] = {result.offset + within, result.stride};
    if (node.kind() == schema::NodeKind_Attention && has_shared_keys(node))
      work_.allocate(Arena::kLow, key_floats(node));
  }
  node_floats_ = work_.mark(Arena::kLow);
}

void PlanBuilder::add_nodes(std::size_t level) {
  for (uoffset_t n = 0; n < size_of(root_.nodes()); ++n) {
    const schema::Node& node = *root_.nodes()->Get(n);
    if (node.level() != level || !needs_.nodes.contains(n)) continue;
    const std::size_t mark = work_.mark(in_end_);
    adds_of_user_ = of_user_.contains(n);
    switch (node.kind()) {
      case schema::NodeKind_Mlp: add_node_mlp(node, node_at(n)); break;
      case schema::NodeKind_Softmax: add_softmax(node, node_at(n)); break;
      case schema::NodeKind_Attention: add_attention(node, node_at(n)); break;
      case schema::NodeKind_Each: add_each(node, node_at(n)); break;
      case schema::NodeKind_ScaledDot: add_scaled_dot(node, node_at(n)); break;
      default: add_combine(node, node_at(n));
    }
    adds_of_user_ = false;
    if (of_user_.contains(n) && read_by_rows_.contains(n)) add_user(node, node_at(n));
    work_.release_to(in_end_, mark);
    copied_ = {};
  }
}

// A node reads those before it: one pass finds those of the user, and one all that rows read of them.
void PlanBuilder::find_user_nodes() {
  for (uoffset_t n = 0; n < size_of(root_.nodes()); ++n) {
    if (!needs_.nodes.contains(n)) continue;
    const schema::Node& node = *root_.nodes()->Get(n);
    if (is_of_user(node)) {
      of_user_.insert(n);
    } else if (node.kind() == schema::NodeKind_Mlp) {
      note_read(node.source(), node.input());
    } else if (node.kind() == schema::NodeKind_Attention && has_shared_keys(node)) {
      note_read(*node.inputs()->Get(0));  // the query alone: the sequences are taken once
    } else {
      for (const schema::Stream* input : *node.inputs()) note_read(*input);
    }
  }
  for (uoffset_t l = 0; l < root_.levels()->size(); ++l) {
    const schema::Level& level = *root_.levels()->Get(l);
    for (const schema::Expert* expert : *level.experts()) note_read(expert->source(), expert->input());
    for (const schema::Gate* gate : *level.gates()) note_read(gate->source(), gate->input());
  }
  for (uoffset_t t = 0; t < size_of(root_.towers()); ++t) {
    const schema::Tower& tower = *root_.towers()->Get(t);
    note_read(tower.source(), tower.input());
  }
}

// Rows read it.
void PlanBuilder::note_read(schema::StreamSource source, std::uint32_t index) {
  if (source == schema::StreamSource_Node) read_by_rows_.insert(index);
  if (source == schema::StreamSource_Named) note_read(*root_.streams()->Get(index));
}

void PlanBuilder::note_read(const schema::Stream& stream) {
  for (const schema::StreamPart* part : *stream.parts()) note_read(part->source(), part->input());
}

// Whether all that it reads are columns of the user, and nodes of which this is true.
bool PlanBuilder::is_of_user(const schema::Node& node) const {
  const auto is_so = [&](const schema::StreamPart& part) {
    if (part.source() == schema::StreamSource_Node) return of_user_.contains(part.input());
    return part.source() == schema::StreamSource_ModelInput && part.first() + part.width() <= root_.shared_dim();
  };
  const auto are_so = [&](const schema::Stream& stream) {
    for (const schema::StreamPart* part : *stream.parts()) {
      if (!is_so(*part)) return false;
    }
    return true;
  };
  if (node.kind() == schema::NodeKind_Mlp) {
    if (node.source() == schema::StreamSource_Node) return of_user_.contains(node.input());
    return node.source() == schema::StreamSource_Named && are_so(*root_.streams()->Get(node.input()));
  }
  for (const schema::Stream* input : *node.inputs()) {
    if (!are_so(*input)) return false;
  }
  return true;
}

void PlanBuilder::add_user(const schema::Node& node, const Buffer& output) {
  UserStep& step = add_step(StepKind::kUser).user;
  step.width = node_width(node);
  step.saved = tables_.allocate<float>(step.width);
  step.output = view_of(output);
}

void PlanBuilder::add_node_mlp(const schema::Node& node, const Buffer& output) {
  const bool previous_is_x = node.level() == 0 && size_of(root_.trunk()) == 0;
  LayerInput input = input_of(stream_number(previous_is_x, node));
  const uoffset_t num_layers = node.layers()->size();
  for (uoffset_t i = 0; i < num_layers; ++i) {
    const schema::Dense& layer = *node.layers()->Get(i);
    const PanelSpan span = span_of(layer);
    const bool last = i + 1 == num_layers;
    const Buffer panels = last ? Buffer{output.offset - layer.column() % kPanelWidth, output.stride}
                               : buffer(in_end_, span.count * kPanelWidth);
    add_dense(input, layer, span, span.count, nullptr, panels);
    input = {part_of(panels, layer, span), false, 0, 0};
    add_norm(layer, nullptr, input.buffer);
  }
}

// One part of another stream is read where it lies; what has parts of x, or several, is copied side by side. Not whole:
// what is left of candidates' rows.
internal::Buffer PlanBuilder::node_input(const schema::Stream& stream, bool whole) {
  const schema::StreamPart& first = *stream.parts()->Get(0);
  if (stream.parts()->size() == 1 && first.source() != schema::StreamSource_ModelInput) {
    const Buffer lies = whole_of(first);
    return {lies.offset + first.first(), lies.stride};
  }
  const StreamColumns columns = columns_of(root_, stream);
  const Buffer copy = buffer(in_end_, columns.width);
  add_copy(stream, copy, whole);
  add_work(1, columns.width);
  if (whole && columns.shared != 0) need_user();
  return copy;
}

void PlanBuilder::need_user() {
  if (user_) return;
  user_ = true;
  float* user = tables_.allocate<float>(root_.shared_dim());
  if (program_) program_->user = user;
}

// How many groups of a bi-interaction are the user's, if these are the first ones and have all its columns; else 0. Of
// nodes of the user alone 0: they are kept whole.
std::size_t PlanBuilder::user_groups(const schema::Node& node) const {
  if (node.kind() != schema::NodeKind_BiInteraction || adds_of_user_) return 0;
  const schema::Stream& stream = *node.inputs()->Get(0);
  const std::size_t shared = columns_of(root_, stream).shared;
  std::size_t first = 0;
  for (const schema::StreamPart* part : *stream.parts()) {
    if (part->source() != schema::StreamSource_ModelInput || part->first() >= root_.shared_dim()) break;
    const std::size_t before = root_.shared_dim() - part->first();
    first += before < part->width() ? before : part->width();
    if (before < part->width()) break;
  }
  return node.group() != 0 && first == shared && shared % node.group() == 0 ? shared / node.group() : 0;
}

void PlanBuilder::add_combine(const schema::Node& node, const Buffer& output) {
  const std::size_t num_inputs = node.inputs()->size(), of_user = user_groups(node);
  kernels::CombineInput* inputs = tables_.allocate<kernels::CombineInput>(num_inputs);
  std::size_t widest = 0;
  for (uoffset_t i = 0; i < num_inputs; ++i) {
    const schema::Stream& stream = *node.inputs()->Get(i);
    const View view = view_of(node_input(stream, of_user == 0));
    const std::size_t width = columns_of(root_, stream).width;
    widest = width > widest ? width : widest;
    if (inputs) inputs[i] = {view.data, view.stride, width};
  }
  CombineStep& step = add_step(StepKind::kCombine).combine;
  kernels::CombineArgs& args = step.args;
  args.operation = static_cast<kernels::Operation>(node.kind());
  args.inputs = inputs;
  args.num_inputs = num_inputs;
  args.input_width = widest;
  args.group = node.group() == 0 ? widest : node.group();
  args.scale = node.scale();
  if (node.constant() >= 0) {
    args.constant = ModelAccess::floats(plan_.data_, static_cast<std::size_t>(node.constant()));
  }
  args.output = work_.at(output.offset);
  args.output_stride = output.stride;
  args.width = node_width(node);
  step.start = of_user == 0 ? nullptr : tables_.allocate<float>(2 * args.group);
  step.num_started = of_user;
  step.activation = static_cast<kernels::Activation>(node.activation());
  step.alpha = node.alpha();
  step.beta = node.beta();
  const bool pairs = node.kind() == schema::NodeKind_LowerPairs || node.kind() == schema::NodeKind_UpperPairs;
  add_work(pairs ? args.width : num_inputs, pairs ? args.group : widest);
  if (step.activation != kernels::Activation::kIdentity) add_work(args.width, kColumnWork);
}

void PlanBuilder::add_softmax(const schema::Node& node, const Buffer& output) {
  const schema::Stream& stream = *node.inputs()->Get(0);
  const View logits = view_of(node_input(stream));
  kernels::GateArgs& args = add_step(StepKind::kSoftmax).softmax.args;
  args.logits = logits.data;
  args.logits_stride = logits.stride;
  args.num_experts = columns_of(root_, stream).width;
  args.weights = work_.at(output.offset);
  args.weights_stride = output.stride;
  add_work(args.num_experts, kColumnWork);
}

}  // namespace mmoe
