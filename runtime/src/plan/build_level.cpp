// One level of a plan: gates first where they choose experts, experts, then the mixing.
#include "plan/builder.h"

namespace mmoe {

using namespace internal;  // NOLINT: this file is the inside of the plan
using flatbuffers::uoffset_t;

void PlanBuilder::add_level(std::size_t index) {
  const schema::Level& level = *root_.levels()->Get(static_cast<uoffset_t>(index));
  LevelPlan plan{level, needs_.levels[index], index == 0 && size_of(root_.trunk()) == 0, {}, {}, false, nullptr};
  find_sparse_experts(plan);
  find_kept_experts(plan);
  const std::size_t num_experts = level.experts()->size();
  const std::size_t num_places = num_experts + level.gates()->size();
  if (plan.any_sparse) {
    add_mlps({&plan, num_experts, num_places});
    add_gates(plan);
    add_select(plan);
    add_mlps({&plan, 0, num_experts});
  } else {
    add_mlps({&plan, 0, num_places});
    add_gates(plan);
  }
  add_mixes(plan);
  release(in_end_);
  in_end_ = Arena::opposite(in_end_);
  if (kHasStreams) copied_ = {};
}

namespace {

kernels::GateFunction function_of(const schema::Gate& gate) {
  if (!kHasExtras) return kernels::GateFunction::kSoftmax;
  return gate.kind() == schema::GateKind_Activated    ? kernels::GateFunction::kIdentity
         : gate.kind() == schema::GateKind_SmoothStep ? kernels::GateFunction::kSmoothStep
                                                      : kernels::GateFunction::kSoftmax;
}

// What the weights are multiplied by when experts are mixed.
bool has_scales(const schema::Gate& gate) {
  return kHasExtras && gate.kind() >= schema::GateKind_ScaledSoftmax && gate.scales() >= 0;
}

}  // namespace

std::size_t PlanBuilder::top_k_of(const schema::Gate& gate) const {
  if (gate.kind() == schema::GateKind_Constant) return 0;
  const std::size_t top_k = plan_.top_k_ != 0 ? plan_.top_k_ : gate.top_k();
  return top_k < gate.experts()->size() ? top_k : 0;
}

// Whether the session skips experts of small weight here.
bool PlanBuilder::has_threshold(const schema::Gate& gate) const {
  return gate.kind() != schema::GateKind_Constant && plan_.min_gate_weight_ > 0 && top_k_of(gate) == 0;
}

// How many experts a row may select; 0: the gate does not select, it mixes all.
std::size_t PlanBuilder::max_selected_of(const schema::Gate& gate) const {
  return has_threshold(gate) ? gate.experts()->size() : top_k_of(gate);
}

// How likely a row is to leave each of `count` experts unused, were gates' choices random and independent. Of a
// threshold nothing is known.
void PlanBuilder::find_chances(const LevelPlan& plan, std::size_t first, std::size_t count, float* unused) const {
  for (std::size_t i = 0; i < count; ++i) unused[i] = 1.0f;
  for (uoffset_t g = 0; g < plan.level.gates()->size(); ++g) {
    const schema::Gate& gate = *plan.level.gates()->Get(g);
    if (!plan.needs.gates.contains(g)) continue;
    const std::size_t top_k = top_k_of(gate);
    const float chosen = static_cast<float>(top_k) / static_cast<float>(gate.experts()->size());
    const float chance = top_k != 0 ? 1.0f - chosen : has_threshold(gate) ? 0.5f : 0.0f;
    for (const std::uint32_t expert : *gate.experts()) {
      if (expert >= first && expert - first < count) unused[expert - first] *= chance;
    }
  }
}

// In multiply-adds per row.
bool PlanBuilder::skipping_pays(const LevelPlan& plan) const {
  constexpr std::size_t kFewRows = 8;
  constexpr std::size_t kAtOnce = 32;  // experts whose chances are on the stack
  float skipping = block_rows_ < kFewRows ? costs().skip_few_rows : costs().skip_rows;
  float computing_all = 0.0f;
  float unused[kAtOnce];
  for (uoffset_t e = 0; e < plan.level.experts()->size(); ++e) {
    if (e % kAtOnce == 0) find_chances(plan, e, kAtOnce, unused);
    if (!plan.needs.experts.contains(e)) continue;
    const auto& layers = *plan.level.experts()->Get(e)->layers();
    float cost = 0.0f;
    for (const schema::Dense* layer : layers) {
      cost += static_cast<float>(padded_outputs(layer->outputs())) * static_cast<float>(layer->inputs());
    }
    const float panels = static_cast<float>(num_panels(layers.Get(0)->outputs()));
    computing_all += cost;
    skipping += cost * (1.0f - unused[e % kAtOnce]) * (costs().skip_product + costs().skip_narrow / (panels * panels));
  }
  return skipping < computing_all;
}

// An expert is sparse when every needed gate that lists it selects.
void PlanBuilder::find_sparse_experts(LevelPlan& plan) {
  const std::size_t num_experts = plan.level.experts()->size();
  BitSet<kMaxExperts> dense;
  for (uoffset_t g = 0; g < plan.level.gates()->size(); ++g) {
    const schema::Gate& gate = *plan.level.gates()->Get(g);
    if (!plan.needs.gates.contains(g) || max_selected_of(gate) != 0) continue;
    for (const std::uint32_t expert : *gate.experts()) dense.insert(expert);
  }
  if (plan_.skip_experts_ == SkipExperts::kNever) return;
  if (plan_.skip_experts_ == SkipExperts::kWhereFaster && !skipping_pays(plan)) return;
  for (std::size_t e = 0; e < num_experts; ++e) {
    if (!plan.needs.experts.contains(e) || dense.contains(e)) continue;
    plan.sparse.insert(e);
    plan.any_sparse = true;
  }
  if (!plan.any_sparse) return;
  plan.lists = tables_.allocate<RowList>(num_experts);
  for (std::size_t e = 0; e < num_experts; ++e) {
    if (!plan.sparse.contains(e)) continue;
    std::uint32_t* rows = tables_.allocate<std::uint32_t>(block_rows_);
    if (plan.lists) plan.lists[e].rows = rows;
  }
}

// A constant gate of weight 1 over one expert: its stream is the expert's output, with no copy.
bool PlanBuilder::passes_through(const schema::Gate& gate) const {
  return gate.kind() == schema::GateKind_Constant && gate.experts()->size() == 1 &&
         *ModelAccess::floats(plan_.data_, static_cast<std::size_t>(gate.constant())) == 1.0f;
}

void PlanBuilder::find_kept_experts(LevelPlan& plan) const {
  for (uoffset_t g = 0; g < plan.level.gates()->size(); ++g) {
    const schema::Gate& gate = *plan.level.gates()->Get(g);
    if (plan.needs.gates.contains(g) && passes_through(gate)) plan.kept.insert(gate.experts()->Get(0));
  }
}

void PlanBuilder::add_gates(const LevelPlan& plan) {
  const schema::Level& level = plan.level;
  for (uoffset_t g = 0; g < level.gates()->size(); ++g) {
    const schema::Gate& gate = *level.gates()->Get(g);
    if (!plan.needs.gates.contains(g) || gate.kind() == schema::GateKind_Constant) continue;
    const std::size_t num_experts = gate.experts()->size();
    const View weights = view_of(buffer(in_end_, num_experts));
    const View logits = view_of(output_at(level.experts()->size() + g));
    std::uint16_t* selected = tables_.allocate<std::uint16_t>(block_rows_ * max_selected_of(gate));
    std::uint16_t* counts = has_threshold(gate) ? tables_.allocate<std::uint16_t>(block_rows_) : nullptr;
    if (scratch_.gates) scratch_.gates[g] = {weights.data, weights.stride, selected, counts};
    GateStep& step = add_step(StepKind::kGate).gate;
    step.args.function = function_of(gate);
    step.args.num_selectors = gate.num_selectors();
    step.args.logits = logits.data;
    step.args.logits_stride = logits.stride;
    step.args.num_experts = num_experts;
    step.args.top_k = top_k_of(gate);
    step.args.top_k_of_softmax = plan_.top_k_ == 0 && gate.top_k_mode() == schema::TopKMode_TopKOfSoftmax;
    step.args.weights = weights.data;
    step.args.weights_stride = weights.stride;
    step.args.selected = selected;
    // Weights without a sum have none to go back to.
    const bool renormalise = plan_.renormalise_ && step.args.function == kernels::GateFunction::kSoftmax;
    step.threshold = {weights.data,           weights.stride, 0,        num_experts,
                      plan_.min_gate_weight_, renormalise,    selected, counts};
    ++num_gates_;
    num_gate_weights_ += num_experts;
    const bool selects = step.args.function == kernels::GateFunction::kSmoothStep;
    add_work(num_experts * (selects ? step.args.num_selectors : 1),
             max_selected_of(gate) != 0 ? kColumnWork + num_experts : kColumnWork);
  }
}

void PlanBuilder::add_select(const LevelPlan& plan) {
  const schema::Level& level = plan.level;
  SelectStep& step = add_step(StepKind::kSelect).select;
  step.lists = plan.lists;
  step.num_lists = level.experts()->size();
  SelectStep::Gate* gates = tables_.allocate<SelectStep::Gate>(level.gates()->size());
  for (uoffset_t g = 0; g < level.gates()->size(); ++g) {
    const schema::Gate& gate = *level.gates()->Get(g);
    if (!plan.needs.gates.contains(g) || max_selected_of(gate) == 0) continue;
    RowList** lists = tables_.allocate<RowList*>(gate.experts()->size());
    for (uoffset_t i = 0; lists && i < gate.experts()->size(); ++i) {
      const std::uint32_t expert = gate.experts()->Get(i);
      lists[i] = plan.sparse.contains(expert) ? plan.lists + expert : nullptr;
    }
    if (gates) {
      gates[step.num_gates] = {scratch_.gates[g].selected, max_selected_of(gate), scratch_.gates[g].counts, lists};
    }
    ++step.num_gates;
  }
  step.gates = gates;
}

void PlanBuilder::add_mixes(const LevelPlan& plan) {
  const schema::Level& level = plan.level;
  const Arena::End out_end = Arena::opposite(in_end_);
  for (uoffset_t g = 0; g < level.gates()->size(); ++g) {
    if (!plan.needs.gates.contains(g)) continue;
    const schema::Gate& gate = *level.gates()->Get(g);
    const std::uint32_t first = gate.experts()->Get(0);
    if (passes_through(gate)) {
      keep_stream(g, output_at(first));
      continue;
    }
    const DenseLayers& layers = *level.experts()->Get(first)->layers();
    const Buffer output = buffer(out_end, layers.Get(layers.size() - 1)->outputs());
    add_mix(gate, g, output);
    keep_stream(g, output);
  }
}

void PlanBuilder::add_mix(const schema::Gate& gate, std::size_t index, const Buffer& output) {
  const std::size_t num_experts = gate.experts()->size();
  const std::size_t max_selected = max_selected_of(gate);
  kernels::ExpertOutput* experts = tables_.allocate<kernels::ExpertOutput>(num_experts);
  for (uoffset_t i = 0; experts && i < num_experts; ++i) {
    const View expert = view_of(output_at(gate.experts()->Get(i)));
    experts[i] = {expert.data, expert.stride};
  }
  MixStep& step = add_step(StepKind::kMix).mix;
  kernels::MixArgs& args = step.args;
  args.experts = experts;
  args.num_weights = max_selected != 0 ? max_selected : num_experts;
  if (gate.kind() == schema::GateKind_Constant) {
    args.weights = ModelAccess::floats(plan_.data_, static_cast<std::size_t>(gate.constant()));
  } else if (scratch_.gates) {
    args.weights = scratch_.gates[index].weights;
    args.weights_stride = scratch_.gates[index].stride;
    args.selected = scratch_.gates[index].selected;
    args.counts = scratch_.gates[index].counts;
  }
  args.dim = output.stride;  // whole panels: what lies in the padding is never read as a stream
  args.output = work_.at(output.offset);
  args.output_stride = output.stride;
  if (has_scales(gate) && scratch_.gates) {
    step.scales = ModelAccess::floats(plan_.data_, static_cast<std::size_t>(gate.scales()));
    step.scaled = scratch_.gates[index].weights;
  }
  add_work(args.num_weights, args.dim);
}

}  // namespace mmoe
