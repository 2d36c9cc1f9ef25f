// One level of a plan: gates first where they choose experts, experts, then the mixing.
#include "plan/builder.h"

namespace mmoe {

using namespace internal;  // NOLINT: this file is the inside of the plan
using flatbuffers::uoffset_t;

void PlanBuilder::add_level(std::size_t index) {
  const schema::Level& level = *root_.levels()->Get(static_cast<uoffset_t>(index));
  const LevelNeeds& needs = needs_.levels[index];
  find_sparse_experts(level, needs);
  MlpJob jobs[kMaxExperts + kMaxGates];
  const std::size_t num_experts = list_experts(level, needs, jobs);
  MlpJob* gate_jobs = jobs + num_experts;
  const std::size_t num_gates = list_gates(level, needs, gate_jobs);
  if (any_sparse_) {
    add_mlps(gate_jobs, num_gates);
    add_gates(level, needs, gate_jobs);
    add_select(level, needs);
    add_mlps(jobs, num_experts);
  } else {
    add_mlps(jobs, num_experts + num_gates);
    add_gates(level, needs, gate_jobs);
  }
  take_experts(level, needs, jobs);
  add_mixes(level, needs);
  work_.release_to(in_end_, 0);
  in_end_ = Arena::opposite(in_end_);
}

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

// How likely a row is to leave each expert unused, were gates' choices random and independent. Of a threshold nothing
// is known.
void PlanBuilder::find_chances(const schema::Level& level, const LevelNeeds& needs, float* unused) const {
  for (uoffset_t e = 0; e < level.experts()->size(); ++e) unused[e] = 1.0f;
  for (uoffset_t g = 0; g < level.gates()->size(); ++g) {
    const schema::Gate& gate = *level.gates()->Get(g);
    if (!needs.gates.contains(g)) continue;
    const std::size_t top_k = top_k_of(gate);
    const float chosen = static_cast<float>(top_k) / static_cast<float>(gate.experts()->size());
    const float chance = top_k != 0 ? 1.0f - chosen : has_threshold(gate) ? 0.5f : 0.0f;
    for (const std::uint32_t expert : *gate.experts()) unused[expert] *= chance;
  }
}

// In multiply-adds per row. Measured with AVX-512: a product by itself is slower than one side by side with others,
// most so where it is one panel wide, and its own steps cost what so many multiply-adds do, shared by a block's rows.
bool PlanBuilder::skipping_pays(const schema::Level& level, const LevelNeeds& needs) const {
  constexpr std::size_t kFewRows = 8;
  float skipping = block_rows_ < kFewRows ? 7500.0f : 1000.0f;
  float computing_all = 0.0f;
  float unused[kMaxExperts];
  find_chances(level, needs, unused);
  for (uoffset_t e = 0; e < level.experts()->size(); ++e) {
    if (!needs.experts.contains(e)) continue;
    float cost = 0.0f;
    for (const schema::Dense* layer : *level.experts()->Get(e)->layers()) {
      cost += static_cast<float>(padded_outputs(layer->outputs())) * static_cast<float>(layer->inputs());
    }
    const float panels = static_cast<float>(num_panels(level.experts()->Get(e)->layers()->Get(0)->outputs()));
    computing_all += cost;
    skipping += cost * (1.0f - unused[e]) * (1.04f + 0.6f / (panels * panels));
  }
  return skipping < computing_all;
}

// An expert is sparse when every needed gate that lists it selects.
void PlanBuilder::find_sparse_experts(const schema::Level& level, const LevelNeeds& needs) {
  BitSet<kMaxExperts> dense;
  for (uoffset_t g = 0; g < level.gates()->size(); ++g) {
    const schema::Gate& gate = *level.gates()->Get(g);
    if (!needs.gates.contains(g) || max_selected_of(gate) != 0) continue;
    for (const std::uint32_t expert : *gate.experts()) dense.insert(expert);
  }
  sparse_ = {};
  any_sparse_ = false;
  if (plan_.skip_experts_ == SkipExperts::kNever) return;
  if (plan_.skip_experts_ == SkipExperts::kWhereFaster && !skipping_pays(level, needs)) return;
  for (uoffset_t e = 0; e < level.experts()->size(); ++e) {
    if (!needs.experts.contains(e) || dense.contains(e)) continue;
    sparse_.insert(e);
    any_sparse_ = true;
  }
  lists_ = any_sparse_ ? tables_.allocate<RowList>(level.experts()->size()) : nullptr;
  for (uoffset_t e = 0; any_sparse_ && e < level.experts()->size(); ++e) {
    if (!sparse_.contains(e)) continue;
    std::uint32_t* rows = tables_.allocate<std::uint32_t>(block_rows_);
    if (lists_) lists_[e].rows = rows;
  }
}

// A constant gate of weight 1 over one expert: its stream is the expert's output, with no copy.
bool PlanBuilder::passes_through(const schema::Gate& gate) const {
  return gate.kind() == schema::GateKind_Constant && gate.experts()->size() == 1 &&
         *ModelAccess::floats(model_, static_cast<std::size_t>(gate.constant())) == 1.0f;
}

std::size_t PlanBuilder::list_experts(const schema::Level& level, const LevelNeeds& needs, MlpJob* jobs) const {
  BitSet<kMaxExperts> kept;
  for (uoffset_t g = 0; g < level.gates()->size(); ++g) {
    const schema::Gate& gate = *level.gates()->Get(g);
    if (needs.gates.contains(g) && passes_through(gate)) kept.insert(gate.experts()->Get(0));
  }
  std::size_t count = 0;
  for (uoffset_t e = 0; e < level.experts()->size(); ++e) {
    if (!needs.experts.contains(e)) continue;
    MlpJob& job = jobs[count++];
    job.input = stream_of(*level.experts()->Get(e));
    job.stream = stream_number(*level.experts()->Get(e));
    job.layers = level.experts()->Get(e)->layers();
    // While measuring there are no lists, but a sparse expert must be planned as one all the same.
    static const RowList kMeasured{};
    job.list = !sparse_.contains(e) ? nullptr : lists_ ? lists_ + e : &kMeasured;
    job.keep = kept.contains(e);
  }
  return count;
}

std::size_t PlanBuilder::list_gates(const schema::Level& level, const LevelNeeds& needs, MlpJob* jobs) const {
  std::size_t count = 0;
  for (uoffset_t g = 0; g < level.gates()->size(); ++g) {
    const schema::Gate& gate = *level.gates()->Get(g);
    if (!needs.gates.contains(g) || gate.kind() == schema::GateKind_Constant) continue;
    MlpJob& job = jobs[count++];
    job.input = stream_of(gate);
    job.stream = stream_number(gate);
    job.layers = gate.hidden();
    job.last = gate.logits();
  }
  return count;
}

void PlanBuilder::take_experts(const schema::Level& level, const LevelNeeds& needs, const MlpJob* jobs) {
  std::size_t job = 0;
  for (uoffset_t e = 0; e < level.experts()->size(); ++e) {
    if (needs.experts.contains(e)) experts_[e] = jobs[job++].output;
  }
}

void PlanBuilder::add_gates(const schema::Level& level, const LevelNeeds& needs, const MlpJob* jobs) {
  std::size_t job = 0;
  for (uoffset_t g = 0; g < level.gates()->size(); ++g) {
    const schema::Gate& gate = *level.gates()->Get(g);
    if (!needs.gates.contains(g) || gate.kind() == schema::GateKind_Constant) continue;
    const std::size_t num_experts = gate.experts()->size();
    const std::size_t top_k = top_k_of(gate);
    const View weights = buffer(in_end_, num_experts);
    gates_[g] = {weights.data, weights.stride, tables_.allocate<std::uint16_t>(block_rows_ * max_selected_of(gate)),
                 has_threshold(gate) ? tables_.allocate<std::uint16_t>(block_rows_) : nullptr};
    kernels::GateArgs args{};
    args.logits = jobs[job].output.data;
    args.logits_stride = jobs[job++].output.stride;
    args.num_experts = num_experts;
    args.top_k = top_k;
    args.top_k_of_softmax = plan_.top_k_ == 0 && gate.top_k_mode() == schema::TopKMode_TopKOfSoftmax;
    args.weights = gates_[g].weights;
    args.weights_stride = gates_[g].stride;
    args.selected = gates_[g].selected;
    GateStep step{};
    step.args = args;
    step.threshold = {weights.data,          weights.stride,      0, num_experts, plan_.min_gate_weight_,
                      plan_.renormalise_, gates_[g].selected, gates_[g].counts};
    add_step(StepKind::kGate).gate = step;
    ++num_gates_;
    num_gate_weights_ += num_experts;
    add_work(num_experts, max_selected_of(gate) != 0 ? kColumnWork + num_experts : kColumnWork);
  }
}

void PlanBuilder::add_select(const schema::Level& level, const LevelNeeds& needs) {
  SelectStep step{};
  step.lists = lists_;
  step.num_lists = level.experts()->size();
  SelectStep::Gate* gates = tables_.allocate<SelectStep::Gate>(level.gates()->size());
  for (uoffset_t g = 0; g < level.gates()->size(); ++g) {
    const schema::Gate& gate = *level.gates()->Get(g);
    if (!needs.gates.contains(g) || max_selected_of(gate) == 0) continue;
    RowList** lists = tables_.allocate<RowList*>(gate.experts()->size());
    for (uoffset_t i = 0; lists && i < gate.experts()->size(); ++i) {
      const std::uint32_t expert = gate.experts()->Get(i);
      lists[i] = sparse_.contains(expert) ? lists_ + expert : nullptr;
    }
    if (gates) gates[step.num_gates] = {gates_[g].selected, max_selected_of(gate), gates_[g].counts, lists};
    ++step.num_gates;
  }
  step.gates = gates;
  add_step(StepKind::kSelect).select = step;
}

void PlanBuilder::add_mixes(const schema::Level& level, const LevelNeeds& needs) {
  const Arena::End out_end = Arena::opposite(in_end_);
  for (uoffset_t g = 0; g < level.gates()->size(); ++g) {
    if (!needs.gates.contains(g)) continue;
    const schema::Gate& gate = *level.gates()->Get(g);
    const std::uint32_t first = gate.experts()->Get(0);
    if (passes_through(gate)) {
      streams_[g] = experts_[first];
      continue;
    }
    const DenseLayers& layers = *level.experts()->Get(first)->layers();
    const View output = buffer(out_end, layers.Get(layers.size() - 1)->outputs());
    add_mix(gate, g, output);
    streams_[g] = output;
  }
}

void PlanBuilder::add_mix(const schema::Gate& gate, std::size_t index, const View& output) {
  const std::size_t num_experts = gate.experts()->size();
  const std::size_t max_selected = max_selected_of(gate);
  kernels::ExpertOutput* experts = tables_.allocate<kernels::ExpertOutput>(num_experts);
  for (uoffset_t i = 0; experts && i < num_experts; ++i) {
    const View& expert = experts_[gate.experts()->Get(i)];
    experts[i] = {expert.data, expert.stride};
  }
  kernels::MixArgs args{};
  args.experts = experts;
  args.num_weights = max_selected != 0 ? max_selected : num_experts;
  if (gate.kind() == schema::GateKind_Constant) {
    args.weights = ModelAccess::floats(model_, static_cast<std::size_t>(gate.constant()));
  } else {
    args.weights = gates_[index].weights;
    args.weights_stride = gates_[index].stride;
    args.selected = gates_[index].selected;
    args.counts = gates_[index].counts;
  }
  args.dim = output.stride;  // whole panels: what lies in the padding is never read as a stream
  args.output = output.data;
  args.output_stride = output.stride;
  MixStep step{};
  step.args = args;
  if (kHasExtras && gate.kind() == schema::GateKind_ScaledSoftmax) {
    step.scales = ModelAccess::floats(model_, static_cast<std::size_t>(gate.scales()));
    step.scaled = gates_[index].weights;
  }
  add_step(StepKind::kMix).mix = step;
  add_work(args.num_weights, args.dim);
}

}  // namespace mmoe
