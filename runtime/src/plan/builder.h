// Turns a verified model and a plan's choices into a Program. The same code runs twice: without memory, to
// measure; with memory, to fill.
#pragma once

#include <cstddef>
#include <cstdint>

#include "model/access.h"
#include "plan/arena.h"
#include "plan/mlp_group.h"
#include "plan/needs.h"
#include "plan/program.h"

namespace mmoe {

class PlanBuilder {
 public:
  /// Fills plan's sizes. REQUIRES: the plan's choices are set.
  static void measure(Plan& plan);

  /// Builds the program at `memory`, which is aligned to 64 and has plan.arena_bytes() - 63 bytes. Null when the
  /// model no longer is what was measured: somebody wrote to the file.
  static Program* build(const Plan& plan, std::uint8_t* memory);

 private:
  using Arena = internal::WorkArena;
  using View = internal::View;
  using MlpJob = internal::MlpJob;
  using LevelNeeds = internal::Needs::Level;

  // What a column of a normalisation or softmax counts as, in multiply-adds.
  static constexpr std::uint64_t kColumnWork = 16;

  /// Consecutive panels of one weight tensor.
  struct PanelSpan {
    std::size_t first;
    std::size_t count;
  };

  /// The first layers of neighbouring MLPs as one product.
  struct Product {
    std::size_t num_jobs;
    PanelSpan span;
    std::size_t num_activated;
  };

  PlanBuilder(const Plan& plan, std::uint8_t* memory);

  void run();
  void add_features();
  void add_trunk();
  void add_level(std::size_t index);
  void add_towers();
  void add_links();

  // One level: experts and gates, which experts run on which rows, mixing.
  void find_sparse_experts(const schema::Level& level, const LevelNeeds& needs);
  std::size_t list_experts(const schema::Level& level, const LevelNeeds& needs, MlpJob* jobs) const;
  std::size_t list_gates(const schema::Level& level, const LevelNeeds& needs, MlpJob* jobs) const;
  void take_experts(const schema::Level& level, const LevelNeeds& needs, const MlpJob* jobs);
  void add_gates(const schema::Level& level, const LevelNeeds& needs, const MlpJob* jobs);
  void add_select(const schema::Level& level, const LevelNeeds& needs);
  void add_mixes(const schema::Level& level, const LevelNeeds& needs);
  void add_mix(const schema::Gate& gate, std::size_t index, const View& output);

  // MLPs side by side on the same rows; first layers that share a packed tensor become one product.
  void add_mlps(MlpJob* jobs, std::size_t num_jobs);
  Product join(const MlpJob* jobs, std::size_t num_jobs) const;
  std::size_t add_group(MlpJob* jobs, std::size_t num_jobs);
  void add_later_layers(MlpJob& job, View input);
  void add_dense(const View& input, const schema::Dense& layer, const PanelSpan& span, std::size_t num_activated,
                 const internal::RowList* list, const View& output);

  void add_norm(const schema::Dense& layer, const internal::RowList* list, const View& output);

  void add_link(const schema::Link& link, const std::uint32_t* links, std::size_t index);
  std::size_t take_sigmoids();

  internal::Step& add_step(internal::StepKind kind);
  // Of Plan::multiply_adds_per_row(): 2^20 steps of 2^40 at most.
  void add_work(std::uint64_t columns, std::uint64_t each) { multiply_adds_ += columns * each; }
  std::size_t top_k_of(const schema::Gate& gate) const;
  bool has_threshold(const schema::Gate& gate) const;
  std::size_t max_selected_of(const schema::Gate& gate) const;
  bool passes_through(const schema::Gate& gate) const;
  void find_chances(const schema::Level& level, const LevelNeeds& needs, float* unused) const;
  bool skipping_pays(const schema::Level& level, const LevelNeeds& needs) const;
  static PanelSpan span_of(const schema::Dense& layer);
  static bool can_join(const MlpJob& first, const MlpJob& next, const PanelSpan& span);
  static bool is_normalized(const schema::Dense& layer);
  static schema::ActivationKind fused_activation(const schema::Dense& layer);
  static bool same_activation(const schema::Dense& a, const schema::Dense& b);
  static View part_of(const View& output, const schema::Dense& layer, const PanelSpan& span);

  template <class Reader>
  View stream_of(const Reader& reader) const {
    return reader.source() == schema::StreamSource_ModelInput ? View{nullptr, 0} : streams_[reader.input()];
  }
  template <class Reader>
  static std::uint32_t stream_number(const Reader& reader) {
    return reader.source() == schema::StreamSource_ModelInput ? internal::kModelInputStream : reader.input();
  }
  View buffer(Arena::End end, std::size_t width) {
    const std::size_t stride = padded_outputs(width);
    return {work_.allocate(end, internal::saturating_multiply(block_rows_, stride)), stride};
  }

  const Plan& plan_;
  const Model& model_;
  const schema::Model& root_;
  const std::size_t block_rows_;
  const internal::Needs needs_;
  internal::TableArena tables_;
  Arena work_;
  Program* program_ = nullptr;       // null while measuring, as are steps_ and all tables
  internal::Step* steps_ = nullptr;
  internal::Step scratch_step_{};    // where steps go while measuring
  std::size_t num_steps_ = 0;
  std::size_t num_gates_ = 0, num_gate_weights_ = 0;
  std::uint64_t multiply_adds_ = 0;

  // While walking the levels: the streams into the current level, and at which end of work_ they lie.
  Arena::End in_end_ = Arena::kLow;
  View streams_[internal::kMaxGates];
  View experts_[internal::kMaxExperts];
  internal::BitSet<internal::kMaxExperts> sparse_;  // experts that run only on the rows that select them
  bool any_sparse_ = false;
  internal::RowList* lists_ = nullptr;              // one per expert of the level, if any is sparse
  struct GateOutput {
    float* weights;
    std::size_t stride;
    std::uint16_t* selected;
    std::uint16_t* counts;
  } gates_[internal::kMaxGates];
  View towers_[internal::kMaxTasks];
};

}  // namespace mmoe
