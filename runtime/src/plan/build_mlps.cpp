// Dense layers of a plan: MLPs side by side, the first layers of those that share an input and a packed tensor
// joined into one product.
#include "plan/builder.h"

namespace mmoe {

using namespace internal;  // NOLINT: this file is the inside of the plan

namespace {

// Floats of a joined product's output: 320 kB, a part of a small L2 cache.
constexpr std::size_t kMaxJoinedFloats = 80 * 1024;

// Weights (128 kB) of which an L1 cache holds a good part from one call to the next.
constexpr std::size_t kMaxAlternatingFloats = 32 * 1024;

}  // namespace

PlanBuilder::PanelSpan PlanBuilder::span_of(const schema::Dense& layer) {
  const std::size_t within = layer.column() % kPanelWidth;
  return {layer.column() / kPanelWidth, num_panels(within + layer.outputs())};
}

// Where a layer's outputs are in the output of the panels that contain it.
internal::View PlanBuilder::part_of(const View& output, const schema::Dense& layer, const PanelSpan& span) {
  return {output.data + (layer.column() - span.first * kPanelWidth), output.stride};
}

void PlanBuilder::add_mlps(MlpJob* jobs, std::size_t num_jobs) {
  for (std::size_t i = 0; i < num_jobs;) i += add_group(jobs + i, num_jobs - i);
}

bool PlanBuilder::is_normalized(const schema::Dense& layer) {
  return layer.activation() == schema::ActivationKind_Normalized;
}

// Whether the next MLP's first layer continues the product that has `span` so far.
bool PlanBuilder::can_join(const MlpJob& first, const MlpJob& next, const PanelSpan& span) {
  const schema::Dense& a = first.layer(0);
  const schema::Dense& b = next.layer(0);
  const std::size_t begin = span_of(b).first;
  return !first.list && !next.list && first.stream == next.stream && a.weight() == b.weight() &&
         a.bias() == b.bias() && begin >= span.first && begin <= span.first + span.count;
}

// What the dense kernel applies: what stands behind a normalisation waits for that.
schema::ActivationKind PlanBuilder::fused_activation(const schema::Dense& layer) {
  if (!is_normalized(layer)) return layer.activation();
  const bool first = layer.normalized()->use() == schema::NormUse_AfterActivation;
  return first ? layer.normalized()->activation() : schema::ActivationKind_Identity;
}

// Whether it may share the activated panels; a linear layer may follow in panels of its own.
bool PlanBuilder::same_activation(const schema::Dense& a, const schema::Dense& b) {
  return fused_activation(a) == fused_activation(b) && a.alpha() == b.alpha() && a.beta() == b.beta() &&
         a.slopes() == b.slopes();
}

// As many MLPs as their first layers can be one product, whose output is small enough to stay in cache until the
// second layers have read it.
PlanBuilder::Product PlanBuilder::join(const MlpJob* jobs, std::size_t num_jobs) const {
  const schema::Dense& first = jobs[0].layer(0);
  Product product{1, span_of(first), 0};
  product.num_activated = product.span.count;
  bool any_normalized = is_normalized(first);
  for (; product.num_jobs < num_jobs && can_join(jobs[0], jobs[product.num_jobs], product.span); ++product.num_jobs) {
    const schema::Dense& layer = jobs[product.num_jobs].layer(0);
    const PanelSpan part = span_of(layer);
    const std::size_t end = part.first + part.count - product.span.first;
    if (saturating_multiply(block_rows_, end * kPanelWidth) > kMaxJoinedFloats) break;
    // A normalisation works in place: panels that a file gives to two layers are then computed for each.
    any_normalized = any_normalized || is_normalized(layer);
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

// The outputs of last layers are taken before the hidden layers' buffers, which are given back.
std::size_t PlanBuilder::add_group(MlpJob* jobs, std::size_t num_jobs) {
  const schema::Dense& first = jobs[0].layer(0);
  const Product product = join(jobs, num_jobs);
  bool is_hidden = true;
  bool keep = false;
  for (std::size_t i = 0; i < product.num_jobs; ++i) {
    const std::size_t last = jobs[i].num_layers() - 1;
    const Arena::End end = jobs[i].keep ? Arena::opposite(in_end_) : in_end_;
    is_hidden = is_hidden && last != 0;
    keep = keep || (last == 0 && jobs[i].keep);
    if (last != 0) jobs[i].output = buffer(end, span_of(jobs[i].layer(last)).count * kPanelWidth);
  }
  const std::size_t mark = work_.mark(in_end_);
  const View output = buffer(keep ? Arena::opposite(in_end_) : in_end_, product.span.count * kPanelWidth);
  add_dense(jobs[0].input, first, product.span, product.num_activated, jobs[0].list, output);
  for (std::size_t i = 0; i < product.num_jobs; ++i) {
    const View part = part_of(output, jobs[i].layer(0), product.span);
    add_norm(jobs[i].layer(0), jobs[i].list, part);
    add_later_layers(jobs[i], part);
  }
  if (is_hidden) work_.release_to(in_end_, mark);
  return product.num_jobs;
}

void PlanBuilder::add_later_layers(MlpJob& job, View input) {
  const std::size_t num_layers = job.num_layers();
  const std::size_t mark = work_.mark(in_end_);
  for (std::size_t i = 1; i < num_layers; ++i) {
    const schema::Dense& layer = job.layer(i);
    const PanelSpan span = span_of(layer);
    const View output = i + 1 == num_layers ? job.output : buffer(in_end_, span.count * kPanelWidth);
    add_dense(input, layer, span, span.count, job.list, output);
    input = part_of(output, layer, span);
    add_norm(layer, job.list, input);
  }
  job.output = input;
  work_.release_to(in_end_, mark);
}

void PlanBuilder::add_dense(const View& input, const schema::Dense& layer, const PanelSpan& span,
                            std::size_t num_activated, const RowList* list, const View& output) {
  const std::size_t first = span.first * kPanelWidth;
  DenseStep step{};
  step.list = list;
  step.args.rows = list ? list->rows : nullptr;
  step.args.input = input.data;
  step.args.input_stride = input.stride;
  step.args.panel_stride = kPanelWidth * layer.inputs();
  step.args.weights = ModelAccess::floats(model_, layer.weight()) + span.first * step.args.panel_stride;
  step.args.num_inputs = layer.inputs();
  step.args.num_panels = span.count;
  step.args.bias = ModelAccess::floats(model_, layer.bias()) + first;
  step.args.output = output.data;
  step.args.output_stride = output.stride;
  step.args.activation = static_cast<kernels::Activation>(fused_activation(layer));
  step.args.num_activated = num_activated;
  step.args.alpha = layer.alpha();
  step.args.beta = layer.beta();
  if (step.args.activation == kernels::Activation::kPRelu) {
    step.args.slopes = ModelAccess::floats(model_, static_cast<std::size_t>(layer.slopes())) + first;
  }
  step.reads_x = !input.data;
  step.alternates = step.args.panel_stride * span.count <= kMaxAlternatingFloats;
  if (step.reads_x && root_.shared_dim() != 0) step.prefix = tables_.allocate<float>(span.count * kPanelWidth);
  add_step(StepKind::kDense).dense = step;
  add_work(span.count * kPanelWidth, layer.inputs());
}

void PlanBuilder::add_norm(const schema::Dense& layer, const RowList* list, const View& output) {
  if (!is_normalized(layer)) return;
  const schema::Normalized& normalized = *layer.normalized();
  const bool behind = normalized.use() == schema::NormUse_BeforeActivation;
  NormStep step{};
  step.args.rows = list ? list->rows : nullptr;
  step.list = list;
  step.args.data = output.data;
  step.args.stride = output.stride;
  step.args.width = layer.outputs();
  step.args.over_row = normalized.kind() == schema::NormKind_Layer;
  step.args.gates = normalized.use() == schema::NormUse_Gate;
  step.args.epsilon = normalized.epsilon();
  step.args.scale = ModelAccess::floats(model_, normalized.scale_shift()) + layer.column();
  step.args.shift = step.args.scale + padded_outputs(root_.tensors()->Get(layer.weight())->rows());
  step.args.activation =
      behind ? static_cast<kernels::Activation>(normalized.activation()) : kernels::Activation::kIdentity;
  step.args.alpha = layer.alpha();
  step.args.beta = layer.beta();
  if (step.args.gates || step.args.activation == kernels::Activation::kPRelu) {
    step.args.slopes = ModelAccess::floats(model_, static_cast<std::size_t>(layer.slopes())) + layer.column();
  }
  add_step(StepKind::kNorm).norm = step;
  add_work(layer.outputs(), kColumnWork);
}

}  // namespace mmoe
