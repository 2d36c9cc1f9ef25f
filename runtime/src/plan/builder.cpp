#include "plan/builder.h"

#include <limits>
#include <new>

#include "model/parts.h"
#include "model/stored_types.h"
#include "model/vocabulary.h"

namespace mmoe {

using namespace internal;  // NOLINT: this file is the inside of the plan
using flatbuffers::uoffset_t;

namespace {

// Weighted kinds follow the plain ones, but for the maximum, which has none.
kernels::Pooling pooling_of(schema::Pooling pooling) {
  switch (pooling) {
    case schema::Pooling_WeightedSum: return kernels::Pooling::kSum;
    case schema::Pooling_WeightedMean: return kernels::Pooling::kMean;
    case schema::Pooling_WeightedSqrtN: return kernels::Pooling::kSqrtN;
    default: return static_cast<kernels::Pooling>(pooling);
  }
}

// A program's memory: Program, steps, tables, work buffers, and 64 bytes that a kernel may read beyond the
// last buffer.
struct Layout {
  std::size_t steps, tables, work, total;

  explicit Layout(std::size_t num_steps, std::size_t table_bytes, std::size_t work_floats)
      : steps(round_up(sizeof(Program), kArenaAlignment)),
        tables(round_up(saturating_add(steps, saturating_multiply(num_steps, sizeof(Step))), kArenaAlignment)),
        work(round_up(saturating_add(tables, table_bytes), kArenaAlignment)),
        total(saturating_add(work, saturating_add(saturating_multiply(work_floats, sizeof(float)), kArenaAlignment))) {}
};

// How many runs of columns follow each other both in the caller's order, that of the list of features, and in the
// program's. `runs`: where they go; may be null.
std::size_t find_column_runs(const schema::Model& root, ColumnRun* runs) {
  std::size_t count = 0;
  std::uint32_t next = 0;
  for (uoffset_t i = 0; i < size_of(root.features()); ++i) {
    const schema::Feature& feature = *root.features()->Get(i);
    const bool starts = count == 0 || feature.column() != next;
    next = feature.column() + feature.width();
    if (starts) ++count;
    if (!runs) continue;
    if (starts) runs[count - 1] = {feature.column(), 0};
    runs[count - 1].width += feature.width();
  }
  return count;
}

}  // namespace

void PlanBuilder::measure(Plan& plan) {
  plan.num_steps_ = plan.table_bytes_ = plan.work_floats_ = 0;
  PlanBuilder builder(plan, nullptr);
  builder.run();
  plan.num_steps_ = builder.num_steps_;
  plan.num_gates_ = builder.num_gates_;
  plan.num_gate_weights_ = builder.num_gate_weights_;
  plan.num_logits_ = num_logits(builder.root_, builder.needs_, size_of(builder.root_.towers()));
  plan.multiply_adds_ = builder.multiply_adds_;
  plan.table_bytes_ = builder.tables_.used();
  const std::size_t scratch_floats = builder.lay_out_scratch(nullptr) / sizeof(float);
  plan.work_floats_ = builder.work_.peak() > scratch_floats ? builder.work_.peak() : scratch_floats;
  const Layout layout(plan.num_steps_, plan.table_bytes_, plan.work_floats_);
  plan.arena_bytes_ = saturating_add(layout.total, kArenaAlignment - 1);
}

Program* PlanBuilder::build(const Plan& plan, std::uint8_t* memory) {
  MMOE_ASSERT(memory && reinterpret_cast<std::uintptr_t>(memory) % kArenaAlignment == 0);
  PlanBuilder builder(plan, memory);
  if (builder.lay_out_scratch(nullptr) > plan.work_floats_ * sizeof(float)) return nullptr;
  builder.run();
  const bool as_measured = builder.num_steps_ == plan.num_steps_ && builder.tables_.used() == plan.table_bytes_ &&
                           builder.work_.peak() <= plan.work_floats_;
  return as_measured ? builder.program_ : nullptr;
}

PlanBuilder::PlanBuilder(const Plan& plan, std::uint8_t* memory)
    : plan_(plan),
      root_(*ModelAccess::root(plan.data_)),
      block_rows_(plan.block_rows_),
      needs_(find_needs(root_, plan.tasks_, plan.num_tasks_)),
      tables_(nullptr),
      work_(nullptr, 0) {
  if (!memory) return;
  const Layout layout(plan.num_steps_, plan.table_bytes_, plan.work_floats_);
  program_ = new (memory) Program();
  steps_ = reinterpret_cast<Step*>(memory + layout.steps);
  tables_ = TableArena(memory + layout.tables);
  work_ = WorkArena(reinterpret_cast<float*>(memory + layout.work), plan.work_floats_);
  lay_out_scratch(memory + layout.work);
}

// Sets scratch_, at `memory` unless that is null, and returns its bytes, a multiple of the arena's alignment.
std::size_t PlanBuilder::lay_out_scratch(std::uint8_t* memory) {
  std::size_t num_gates = 1, num_outputs = size_of(root_.towers());  // the trunk's stream is the first
  for (const schema::Level* level : *root_.levels()) {
    const std::size_t gates = level->gates()->size(), both = gates + level->experts()->size();
    num_gates = gates > num_gates ? gates : num_gates;
    num_outputs = both > num_outputs ? both : num_outputs;
  }
  TableArena arena(memory);
  Scratch scratch;
  scratch.streams = arena.allocate<Buffer>(num_gates);
  scratch.gates = arena.allocate<GateOutput>(num_gates);
  scratch.copies = kHasStreams ? arena.allocate<Buffer>(size_of(root_.streams())) : nullptr;
  scratch.nodes = kHasNodes ? arena.allocate<Buffer>(size_of(root_.nodes())) : nullptr;
  scratch.outputs = arena.allocate<Buffer>(num_outputs);
  if (memory) scratch_ = scratch;
  return round_up(arena.used(), kArenaAlignment);
}

void PlanBuilder::run() {
  if (program_) {
    program_->file = plan_.data_;
    program_->kernels = static_cast<const kernels::KernelTable*>(plan_.kernels_);
    program_->input_dim = root_.input_dim();
    program_->shared_dim = root_.shared_dim();
  }
  add_features();
  if (kHasNodes) reserve_nodes();
  add_trunk();
  for (uoffset_t i = 0; i < root_.levels()->size(); ++i) {
    if (kHasNodes) add_nodes(i);
    add_level(i);
  }
  if (kHasNodes) add_nodes(root_.levels()->size());
  add_towers();
  add_links();
  if (program_) {
    program_->steps = steps_;
    program_->num_steps = num_steps_;
  }
}

Step& PlanBuilder::add_step(StepKind kind) {
  const bool fits = steps_ && num_steps_ < plan_.num_steps_;
  Step& step = *new (fits ? steps_ + num_steps_ : &scratch_step_) Step();
  ++num_steps_;
  step.kind = kHasNodes && adds_of_user_ ? StepKind::kOfUser : kind;
  step.work = kind;
  return step;
}

void PlanBuilder::add_features() {
  const std::size_t num_features = kHasFeatures ? size_of(root_.features()) : 0;
  const std::size_t num_runs = find_column_runs(root_, nullptr);
  const bool reorders = num_runs > 1;
  if (reorders || num_features != 0) {
    float* input = tables_.allocate<float>(saturating_multiply(block_rows_, root_.input_dim()));
    if (program_) program_->input = {input, root_.input_dim()};
  }
  if (reorders) {
    ColumnRun* runs = tables_.allocate<ColumnRun>(num_runs);
    if (program_) {
      find_column_runs(root_, runs);
      program_->column_runs = runs;
      program_->num_column_runs = num_runs;
    }
  }
  if (num_features == 0) return;
  FeatureStep* steps = tables_.allocate<FeatureStep>(num_features);
  std::size_t most_ids = block_rows_, most_weights = 0;
  for (const schema::Feature* feature : *root_.features()) {
    if (feature->kind() != schema::FeatureKind_Sequence) continue;
    if (feature->length() > most_ids) most_ids = feature->length();
    if (is_weighted(*feature) && feature->length() > most_weights) most_weights = feature->length();
    const bool kept = kHasNodes && feature->pooling() == schema::Pooling_Kept;
    add_work(kept ? 1 : feature->length(), feature->width());
  }
  std::int32_t* ids = tables_.allocate<std::int32_t>(most_ids);
  float* weights = tables_.allocate<float>(most_weights);
  if (!program_) return;
  program_->features = steps;
  program_->num_features = num_features;
  program_->ids = ids;
  program_->weights = weights;
  for (uoffset_t i = 0; i < num_features; ++i) {
    const schema::Feature& feature = *root_.features()->Get(i);
    FeatureStep& step = steps[i];
    step.sparse = feature.kind() != schema::FeatureKind_Dense;
    const bool sequence = feature.kind() == schema::FeatureKind_Sequence;
    step.kept = kHasNodes && sequence && feature.pooling() == schema::Pooling_Kept;
    step.pooled = sequence && !step.kept;
    step.length = sequence ? feature.length() : step.sparse ? 1 : 0;
    step.weighted = is_weighted(feature);
    step.pooling = pooling_of(feature.pooling());
    step.padding_id = feature.padding_id();
    if (kHasWeights) step.empty_id = feature.empty_id();
    step.column = feature.column();
    step.width = feature.width();
    if (step.sparse) {
      const std::uint32_t table = root_.embeddings()->Get(static_cast<uoffset_t>(feature.embedding()))->table();
      const schema::Tensor& tensor = *root_.tensors()->Get(table);
      table_type_of(tensor, step.table_type);
      step.table = ModelAccess::tensor(plan_.data_, table);
      step.num_ids = tensor.rows();
      step.unknown_rule = feature.vocabulary()->unknown();
      step.unknown_id = static_cast<std::int32_t>(feature.vocabulary()->unknown_id());
      continue;
    }
    const schema::Scaling* scaling = feature.scaling();
    step.offset = scaling ? scaling->offset() : 0.0f;
    step.factor = scaling ? scaling->factor() : 1.0f;
    step.lower = scaling ? scaling->lower() : -std::numeric_limits<float>::infinity();
    step.upper = scaling ? scaling->upper() : std::numeric_limits<float>::infinity();
    step.missing = scaling ? scaling->missing() : std::numeric_limits<float>::quiet_NaN();
    if (!kHasFunctions) continue;
    step.function = static_cast<kernels::NumberFunction>(scaling ? scaling->function() : 0);
    step.exponent = scaling ? scaling->exponent() : 1.0f;
    if (!scaling || scaling->function() < schema::NumberFunction_Points) continue;
    const auto points = static_cast<std::uint32_t>(scaling->points());
    step.points = {static_cast<const double*>(ModelAccess::tensor(plan_.data_, points)),
                   root_.tensors()->Get(points)->cols()};
  }
}

void PlanBuilder::add_trunk() {
  LayerInput input = x();
  for (uoffset_t i = 0; i < size_of(root_.trunk()); ++i) {
    const schema::Dense& layer = *root_.trunk()->Get(i);
    const PanelSpan span = span_of(layer);
    const Arena::End out_end = Arena::opposite(in_end_);
    const Buffer output = buffer(out_end, span.count * kPanelWidth);
    add_dense(input, layer, span, span.count, nullptr, output);
    input = {part_of(output, layer, span), false, 0, 0};
    add_norm(layer, nullptr, input.buffer);
    release(in_end_);
    in_end_ = out_end;
  }
  keep_stream(0, input.buffer);
}

void PlanBuilder::add_towers() { add_mlps({nullptr, 0, size_of(root_.towers())}); }

void PlanBuilder::add_links() {
  std::uint32_t links[kMaxTasks] = {};  // of each task
  std::uint32_t count = 0;
  for (std::size_t position = 0; position < num_all_tasks(root_); ++position) {
    const std::size_t task = task_at(root_, position);
    if (!needs_.tasks.contains(task)) continue;
    add_link(link_of(root_, task), links, count);
    links[task] = count++;
  }
  // Behind them, what a whole register may touch.
  const std::size_t scores =
      work_.allocate(in_end_, saturating_add(saturating_multiply(count, block_rows_), kPanelWidth - 1));
  std::uint32_t* requested = tables_.allocate<std::uint32_t>(plan_.num_tasks_);
  if (!program_) return;
  program_->scores = work_.at(scores);
  program_->requested = requested;
  for (std::size_t i = 0; i < plan_.num_tasks_; ++i) requested[i] = links[plan_.tasks_[i]];
}

void PlanBuilder::add_link(const schema::Link& link, const std::uint32_t* links, std::size_t index) {
  const schema::LinkKind kind = source_of(link);
  const std::size_t num_sigmoids = kind == schema::LinkKind_Sigmoid ? 1 + take_sigmoids() : 0;
  LinkStep& step = add_step(StepKind::kLink).link;
  step.num_sigmoids = num_sigmoids;
  step.kind = static_cast<std::uint8_t>(kind);
  step.index = index;
  if (kHasExtras && link.kind() == schema::LinkKind_Mapped) step.map = link.map();
  if (kind == schema::LinkKind_Product) {
    step.num_factors = link.factors()->size();
    std::uint32_t* factors = tables_.allocate<std::uint32_t>(step.num_factors);
    for (uoffset_t i = 0; factors && i < step.num_factors; ++i) factors[i] = links[link.factors()->Get(i)];
    step.factors = factors;
  } else {
    const schema::Tower& tower = *root_.towers()->Get(link.tower());
    step.logits = view_of(output_at(link.tower()));
    step.num_logits = outputs_of(tower);
    step.first_logit = num_logits(root_, needs_, link.tower());
    step.column = link.column();
    if (kHasExtras && kind == schema::LinkKind_Expected) step.values = link.values()->data();
    const std::size_t room = kind == schema::LinkKind_LogSoftmax ? block_rows_ : step.num_logits;
    if (kind >= schema::LinkKind_Softmax) {
      step.room = work_.at(work_.allocate(in_end_, room));
      add_work(step.num_logits, kColumnWork);
    }
  }
}

// How many sigmoids the step before leaves to the next one. It leaves all: neighbours are finished in one go.
std::size_t PlanBuilder::take_sigmoids() {
  if (!program_ || num_steps_ == 0 || num_steps_ > plan_.num_steps_) return 0;
  Step& before = steps_[num_steps_ - 1];
  if (before.kind != StepKind::kLink) return 0;
  const std::size_t taken = before.link.num_sigmoids;
  before.link.num_sigmoids = 0;
  return taken;
}

}  // namespace mmoe
