// Dense layers of a plan: MLPs side by side, the first layers of those that share an input and a packed tensor
// joined into one product.
#include "plan/builder.h"

#include "model/stored_types.h"

namespace mmoe {

using namespace internal;  // NOLINT: this file is the inside of the plan
using flatbuffers::uoffset_t;

PlanBuilder::PanelSpan PlanBuilder::span_of(const schema::Dense& layer) {
  const std::size_t within = layer.column() % kPanelWidth;
  return {layer.column() / kPanelWidth, num_panels(within + layer.outputs())};
}

// Where a layer's outputs are in the output of the panels that contain it.
internal::Buffer PlanBuilder::part_of(const Buffer& output, const schema::Dense& layer, const PanelSpan& span) {
  return {output.offset + (layer.column() - span.first * kPanelWidth), output.stride};
}

bool PlanBuilder::is_needed(const MlpGroup& group, std::size_t place) const {
  if (!group.level) return needs_.towers.contains(place);
  const std::size_t num_experts = group.level->level.experts()->size();
  if (place < num_experts) return group.level->needs.experts.contains(place);
  const auto gate = static_cast<uoffset_t>(place - num_experts);
  return group.level->needs.gates.contains(gate) &&
         group.level->level.gates()->Get(gate)->kind() != schema::GateKind_Constant;
}

std::size_t PlanBuilder::next_place(const MlpGroup& group, std::size_t place) const {
  while (place < group.end && !is_needed(group, place)) ++place;
  return place;
}

MlpJob PlanBuilder::job_at(const MlpGroup& group, std::size_t place) const {
  if (!group.level) {
    const schema::Tower& tower = *root_.towers()->Get(static_cast<uoffset_t>(place));
    return {stream_number(false, tower), tower.layers(), nullptr, false, nullptr, false};
  }
  const LevelPlan& plan = *group.level;
  const std::size_t num_experts = plan.level.experts()->size();
  if (place >= num_experts) {
    const schema::Gate& gate = *plan.level.gates()->Get(static_cast<uoffset_t>(place - num_experts));
    return {stream_number(plan.reads_x, gate), gate.hidden(), gate.logits(), false, nullptr, false};
  }
  const schema::Expert& expert = *plan.level.experts()->Get(static_cast<uoffset_t>(place));
  const bool sparse = plan.sparse.contains(place);
  const RowList* list = sparse && plan.lists ? plan.lists + place : nullptr;
  return {stream_number(plan.reads_x, expert), expert.layers(), nullptr, sparse, list, plan.kept.contains(place)};
}

void PlanBuilder::add_mlps(const MlpGroup& group) {
  MlpGroup rest = group;
  while ((rest.begin = next_place(rest, rest.begin)) < rest.end) rest.begin = add_product(rest);
}

// Whether the next MLP's first layer continues the product that has `span` so far.
bool PlanBuilder::can_join(const MlpJob& first, const MlpJob& next, const PanelSpan& span) {
  const schema::Dense& a = first.layer(0);
  const schema::Dense& b = next.layer(0);
  const std::size_t begin = span_of(b).first;
  return !first.sparse && !next.sparse && first.stream == next.stream && a.weight() == b.weight() &&
         a.bias() == b.bias() && begin >= span.first && begin <= span.first + span.count;
}

// What the dense kernel applies: what stands behind a normalisation waits for that.
schema::ActivationKind PlanBuilder::fused_activation(const schema::Dense& layer) {
  const bool first = !layer.norm() || layer.norm()->use() == schema::NormUse_AfterActivation;
  return first ? layer.activation() : schema::ActivationKind_Identity;
}

// Whether it may share the activated panels; a linear layer may follow in panels of its own.
bool PlanBuilder::same_activation(const schema::Dense& a, const schema::Dense& b) {
  return fused_activation(a) == fused_activation(b) && a.alpha() == b.alpha() && a.beta() == b.beta() &&
         a.slopes() == b.slopes();
}

// As many MLPs as their first layers can be one product, whose output is small enough to stay in cache until the
// second layers have read it. REQUIRES: the group's first place is needed.
PlanBuilder::Product PlanBuilder::join(const MlpGroup& group) const {
  MMOE_ASSERT(group.begin < group.end && is_needed(group, group.begin));
  const MlpJob first_job = job_at(group, group.begin);
  const schema::Dense& first = first_job.layer(0);
  Product product{group.begin + 1, span_of(first), 0};
  product.num_activated = product.span.count;
  bool any_normalized = first.norm() != nullptr;
  for (std::size_t place; (place = next_place(group, product.end)) < group.end; product.end = place + 1) {
    const MlpJob job = job_at(group, place);
    if (!can_join(first_job, job, product.span)) break;
    const schema::Dense& layer = job.layer(0);
    const PanelSpan part = span_of(layer);
    const std::size_t end = part.first + part.count - product.span.first;
    if (saturating_multiply(block_rows_, end * kPanelWidth) > costs().joined_floats) break;
    // A normalisation works in place: panels that a file gives to two layers are then computed for each.
    any_normalized = any_normalized || layer.norm() != nullptr;
    if (any_normalized && part.first < product.span.first + product.span.count) break;
    const bool all_activated = product.num_activated == product.span.count;
    if (all_activated && same_activation(first, layer)) {
      product.num_activated = end > product.num_activated ? end : product.num_activated;
    } else if (fused_activation(layer) != schema::ActivationKind_Identity ||
               part.first < product.span.first + product.num_activated) {
      break;
    }
    if (end > product.span.count) product.span.count = end;
  }
  return product;
}

// Adds the first product of a group and returns the first place behind it. The outputs of last layers are taken before
// the hidden layers' buffers, which are given back.
std::size_t PlanBuilder::add_product(const MlpGroup& group) {
  const Product product = join(group);
  const MlpGroup joined{group.level, group.begin, product.end};
  const MlpJob first = job_at(joined, joined.begin);
  const LayerInput input = input_of(first.stream);
  bool is_hidden = true;
  bool keep = false;
  for (std::size_t i = joined.begin; i < joined.end; i = next_place(joined, i + 1)) {
    const MlpJob job = job_at(joined, i);
    MMOE_ASSERT(job.num_layers() > 0);
    const std::size_t last = job.num_layers() - 1;
    const Arena::End end = job.keep ? Arena::opposite(in_end_) : in_end_;
    is_hidden = is_hidden && last != 0;
    keep = keep || (last == 0 && job.keep);
    if (last != 0) keep_output(i, buffer(end, span_of(job.layer(last)).count * kPanelWidth));
  }
  const std::size_t mark = work_.mark(in_end_);
  const Buffer output = buffer(keep ? Arena::opposite(in_end_) : in_end_, product.span.count * kPanelWidth);
  add_dense(input, first.layer(0), product.span, product.num_activated, first.list, output);
  for (std::size_t i = joined.begin; i < joined.end; i = next_place(joined, i + 1)) {
    const MlpJob job = job_at(joined, i);
    const Buffer part = part_of(output, job.layer(0), product.span);
    add_norm(job.layer(0), job.list, part);
    add_later_layers(job, i, part);
  }
  if (is_hidden) work_.release_to(in_end_, mark);
  return product.end;
}

// `input` is the first layer's output: an MLP of one layer is done.
void PlanBuilder::add_later_layers(const MlpJob& job, std::size_t place, Buffer input) {
  const std::size_t num_layers = job.num_layers();
  const std::size_t mark = work_.mark(in_end_);
  for (std::size_t i = 1; i < num_layers; ++i) {
    const schema::Dense& layer = job.layer(i);
    const PanelSpan span = span_of(layer);
    const Buffer output = i + 1 == num_layers ? output_at(place) : buffer(in_end_, span.count * kPanelWidth);
    add_dense({input, false, 0, 0}, layer, span, span.count, job.list, output);
    input = part_of(output, layer, span);
    add_norm(layer, job.list, input);
  }
  keep_output(place, input);
  work_.release_to(in_end_, mark);
}

internal::LayerInput PlanBuilder::input_of(std::uint32_t stream) {
  if (stream == kModelInputStream) return x();
  if (kHasNodes && stream >= kNodeStreams) return {node_at(stream - kNodeStreams), false, 0, 0};
  if (kHasStreams && stream >= kNamedStreams) return parts_of(stream - kNamedStreams);
  return {stream_at(stream), false, 0, 0};
}

// One part is read where it lies. Several are copied side by side, once for all that read them in a level.
internal::LayerInput PlanBuilder::parts_of(std::uint32_t number) {
  const schema::Stream& stream = *root_.streams()->Get(number);
  const StreamColumns columns = columns_of(root_, stream);
  if (stream.parts()->size() == 1) {
    const schema::StreamPart& part = *stream.parts()->Get(0);
    if (part.source() == schema::StreamSource_ModelInput) return {{0, 0}, true, part.first(), columns.shared};
    const Buffer whole = whole_of(part);
    return {{whole.offset + part.first(), whole.stride}, false, 0, 0};
  }
  if (!copied_.contains(number)) {
    copied_.insert(number);
    const Buffer copy = buffer(in_end_, columns.width);
    add_copy(stream, copy, false);
    if (scratch_.copies) scratch_.copies[number] = copy;
    add_work(1, columns.width);
  }
  return {scratch_.copies ? scratch_.copies[number] : Buffer{0, 0}, false, 0, columns.shared};
}

void PlanBuilder::add_copy(const schema::Stream& stream, const Buffer& output, bool whole) {
  CopyStep& step = add_step(StepKind::kCopy).copy;
  step.output = view_of(output);
  step.whole = whole;
  step.num_parts = stream.parts()->size();
  CopyStep::Part* parts = tables_.allocate<CopyStep::Part>(step.num_parts);
  for (uoffset_t i = 0; parts && i < step.num_parts; ++i) {
    const schema::StreamPart& part = *stream.parts()->Get(i);
    const bool of_x = part.source() == schema::StreamSource_ModelInput;
    parts[i] = {of_x ? View{nullptr, 0} : view_of(whole_of(part)), part.first(), part.width()};
  }
  step.parts = parts;
}

void PlanBuilder::add_dense(const LayerInput& input, const schema::Dense& layer, const PanelSpan& span,
                            std::size_t num_activated, const RowList* list, const Buffer& output) {
  DenseStep& step = add_step(StepKind::kDense).dense;
  step.list = list;
  step.args.rows = list ? list->rows : nullptr;
  step.reads_x = input.is_x;
  step.column = input.column;
  step.shared = input.shared;
  step.args.input = step.reads_x ? nullptr : work_.at(input.buffer.offset);
  step.args.input_stride = input.buffer.stride;
  set_dense(layer, span, step.args);
  step.args.output = work_.at(output.offset);
  step.args.output_stride = output.stride;
  step.args.num_activated = num_activated;
  step.alternates = step.args.panel_stride * span.count * kernels::weight_bytes(step.args.type) <=
                    costs().alternating_floats * sizeof(float);
  if (step.shared != 0) step.prefix = tables_.allocate<float>(span.count * kPanelWidth);
  add_work(span.count * kPanelWidth, layer.inputs());
}

// What a layer says of its product: all but rows, input and output.
void PlanBuilder::set_dense(const schema::Dense& layer, const PanelSpan& span, kernels::DenseArgs& args) {
  args.num_inputs = layer.inputs();
  args.num_panels = span.count;
  add_weights(layer, span, args);
  args.activation = static_cast<kernels::Activation>(fused_activation(layer));
  args.num_activated = span.count;
  args.alpha = layer.alpha();
  args.beta = layer.beta();
  if (args.activation != kernels::Activation::kPRelu) return;
  const float* slopes = ModelAccess::floats(plan_.data_, static_cast<std::size_t>(layer.slopes()));
  args.slopes = slopes + span.first * kPanelWidth;
}

// The part of a weight tensor that a product reads, by its type.
void PlanBuilder::add_weights(const schema::Dense& layer, const PanelSpan& span, kernels::DenseArgs& args) {
  const std::size_t first = span.first * kPanelWidth;
  const schema::Tensor& tensor = *root_.tensors()->Get(layer.weight());
  weight_type_of(tensor, args.type);
  args.panel_stride = kPanelWidth * layer.inputs();
  const bool scaled = kernels::kHasScales && args.type >= kernels::WeightType::kI8;
  if (scaled) args.scales = ModelAccess::floats(plan_.data_, static_cast<std::size_t>(tensor.scales())) + first;
  if (kernels::kHasW8A8 && args.type == kernels::WeightType::kW8A8) add_parts(tensor, first, args);
  args.weights = static_cast<const char*>(ModelAccess::tensor(plan_.data_, layer.weight())) +
                 span.first * args.panel_stride * kernels::weight_bytes(args.type);
  const float* bias = ModelAccess::floats(plan_.data_, layer.bias()) + first;
  if (kernels::kHasI8 && args.type == kernels::WeightType::kI8) {
    args.bias = bias;
  } else {
    args.start = bias;
  }
}

// Of a W8A8 product: the user's columns and the others. The room for rounded rows is free again behind the product.
void PlanBuilder::add_parts(const schema::Tensor& tensor, std::size_t first, kernels::DenseArgs& args) {
  const std::size_t shared = tensor.shared_cols();
  args.panel_stride = 4 * kPanelWidth * (kernels::quads_of(shared) + kernels::quads_of(args.num_inputs - shared));
  const std::size_t mark = work_.mark(in_end_);
  const std::size_t row_floats = kernels::w8a8_room_bytes(shared, args.num_inputs) / sizeof(float);
  const std::size_t room = work_.allocate(in_end_, saturating_multiply(block_rows_, row_floats));
  work_.release_to(in_end_, mark);
  kernels::W8A8Args* parts = tables_.allocate<kernels::W8A8Args>(1);
  args.w8a8 = parts;
  if (!parts) return;
  const auto* sums =
      static_cast<const std::int32_t*>(ModelAccess::tensor(plan_.data_, static_cast<std::size_t>(tensor.row_sums())));
  *parts = {shared, sums + first, padded_outputs(tensor.rows()), reinterpret_cast<std::uint8_t*>(work_.at(room))};
}

void PlanBuilder::add_norm(const schema::Dense& layer, const RowList* list, const Buffer& output) {
  if (!layer.norm()) return;
  NormStep& step = add_step(StepKind::kNorm).norm;
  step.list = list;
  step.args.rows = list ? list->rows : nullptr;
  set_norm(layer, output, step.args);
}

// What a layer's normalisation does with what a product left in `output`.
void PlanBuilder::set_norm(const schema::Dense& layer, const Buffer& output, kernels::NormArgs& args) {
  const schema::Norm& norm = *layer.norm();
  const bool behind = norm.use() == schema::NormUse_BeforeActivation;
  args.data = work_.at(output.offset);
  args.stride = output.stride;
  args.width = layer.outputs();
  args.over_row = norm.kind() == schema::NormKind_Layer;
  args.dice = norm.use() == schema::NormUse_Dice;
  args.epsilon = norm.epsilon();
  args.scale = ModelAccess::floats(plan_.data_, norm.scale_shift()) + layer.column();
  args.shift = args.scale + padded_outputs(root_.tensors()->Get(layer.weight())->rows());
  args.activation = behind ? static_cast<kernels::Activation>(layer.activation()) : kernels::Activation::kIdentity;
  args.alpha = layer.alpha();
  args.beta = layer.beta();
  if (args.dice || args.activation == kernels::Activation::kPRelu) {
    args.slopes = ModelAccess::floats(plan_.data_, static_cast<std::size_t>(layer.slopes())) + layer.column();
  }
  add_work(layer.outputs(), kColumnWork);
}

}  // namespace mmoe
