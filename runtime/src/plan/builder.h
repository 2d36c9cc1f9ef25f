// Turns a verified model and a plan's choices into a Program. The same code runs twice: without memory, to
// measure; with memory, to fill.
#pragma once

#include <cstddef>
#include <cstdint>

#include "model/access.h"
#include "model/parts.h"
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
  using Buffer = internal::Buffer;
  using MlpJob = internal::MlpJob;
  using MlpGroup = internal::MlpGroup;
  using LayerInput = internal::LayerInput;
  using LevelPlan = internal::LevelPlan;

  // What a mix needs to know of its gate's step.
  struct GateOutput {
    float* weights;
    std::size_t stride;
    std::uint16_t* selected;
    std::uint16_t* counts;
  };

  // What one level leaves for the next step of planning. It lies where the work buffers will be, which nobody uses
  // before the program runs. All null while measuring: sizes depend on no address.
  struct Scratch {
    Buffer* streams;    // [most gates of a level] into the current level
    Buffer* copies;     // [Model.streams] of several parts
    Buffer* nodes;      // [Model.nodes] what they give
    Buffer* outputs;    // [most experts and gates of a level, or towers] by place in the group
    GateOutput* gates;  // [most gates of a level]
  };

  // What a column of a normalisation or softmax counts as, in multiply-adds.
  static constexpr std::uint64_t kColumnWork = 16;

  /// Consecutive panels of one weight tensor.
  struct PanelSpan {
    std::size_t first;
    std::size_t count;
  };

  /// The first layers of neighbouring MLPs as one product.
  struct Product {
    std::size_t end;  ///< the first place behind them
    PanelSpan span;
    std::size_t num_activated;
  };

  PlanBuilder(const Plan& plan, std::uint8_t* memory);

  void run();
  void add_features();
  void add_trunk();
  void add_level(std::size_t index);
  void add_towers();

  // What stands behind `level` levels beside them. Results have places that nothing else takes.
  void reserve_nodes();
  void add_nodes(std::size_t level);
  void add_node_mlp(const schema::Node& node, const Buffer& output);
  void add_combine(const schema::Node& node, const Buffer& output);
  void add_softmax(const schema::Node& node, const Buffer& output);
  void add_each(const schema::Node& node, const Buffer& output);
  void add_scaled_dot(const schema::Node& node, const Buffer& output);
  void add_attention(const schema::Node& node, const Buffer& output);
  void find_user_nodes();
  void note_read(schema::StreamSource source, std::uint32_t index);
  void note_read(const schema::Stream& stream);
  bool is_of_user(const schema::Node& node) const;
  void add_user(const schema::Node& node, const Buffer& output);
  void add_element_layers(const schema::Node& node, std::size_t projected_stride, internal::AttentionStep& step);
  Buffer set_elements(const schema::Dense& layer, const Buffer& input, const Buffer& output,
                      internal::ElementsStep& step);
  internal::Keys make_keys(const internal::AttentionStep& step, std::size_t place);
  static std::size_t key_floats(const schema::Node& node);
  bool has_shared_keys(const schema::Node& node) const;
  Buffer node_input(const schema::Stream& stream, bool whole = true);
  std::size_t user_groups(const schema::Node& node) const;
  Buffer node_at(std::uint32_t node) const { return scratch_.nodes ? scratch_.nodes[node] : Buffer{0, 0}; }
  void need_user();
  void add_links();

  // One level: experts and gates, which experts run on which rows, mixing.
  void find_sparse_experts(LevelPlan& plan);
  void find_kept_experts(LevelPlan& plan) const;
  void add_gates(const LevelPlan& plan);
  void add_select(const LevelPlan& plan);
  void add_mixes(const LevelPlan& plan);
  void add_mix(const schema::Gate& gate, std::size_t index, const Buffer& output);

  // MLPs side by side on the same rows; first layers that share a packed tensor become one product.
  bool is_needed(const MlpGroup& group, std::size_t place) const;
  std::size_t next_place(const MlpGroup& group, std::size_t place) const;  // group.end: none from there on
  MlpJob job_at(const MlpGroup& group, std::size_t place) const;
  void add_mlps(const MlpGroup& group);
  Product join(const MlpGroup& group) const;
  std::size_t add_product(const MlpGroup& group);
  void add_later_layers(const MlpJob& job, std::size_t place, Buffer input);
  void add_dense(const LayerInput& input, const schema::Dense& layer, const PanelSpan& span, std::size_t num_activated,
                 const internal::RowList* list, const Buffer& output);

  void set_dense(const schema::Dense& layer, const PanelSpan& span, kernels::DenseArgs& args);
  void set_norm(const schema::Dense& layer, const Buffer& output, kernels::NormArgs& args);
  void add_weights(const schema::Dense& layer, const PanelSpan& span, kernels::DenseArgs& args);
  void add_parts(const schema::Tensor& tensor, std::size_t first, kernels::DenseArgs& args);
  void add_norm(const schema::Dense& layer, const internal::RowList* list, const Buffer& output);

  void add_link(const schema::Link& link, const std::uint32_t* links, std::size_t index);
  std::size_t take_sigmoids();

  internal::Step& add_step(internal::StepKind kind);
  // Of Plan::multiply_adds_per_row(): 2^20 steps of 2^40 at most.
  void add_work(std::uint64_t columns, std::uint64_t each) { multiply_adds_ += columns * each; }
  std::size_t top_k_of(const schema::Gate& gate) const;
  bool has_threshold(const schema::Gate& gate) const;
  std::size_t max_selected_of(const schema::Gate& gate) const;
  bool passes_through(const schema::Gate& gate) const;
  void find_chances(const LevelPlan& plan, std::size_t first, std::size_t count, float* unused) const;
  bool skipping_pays(const LevelPlan& plan) const;
  static PanelSpan span_of(const schema::Dense& layer);
  static bool can_join(const MlpJob& first, const MlpJob& next, const PanelSpan& span);
  static schema::ActivationKind fused_activation(const schema::Dense& layer);
  static bool same_activation(const schema::Dense& a, const schema::Dense& b);
  static Buffer part_of(const Buffer& output, const schema::Dense& layer, const PanelSpan& span);

  const kernels::KernelCosts& costs() const { return static_cast<const kernels::KernelTable*>(plan_.kernels_)->costs; }
  // `previous_is_x`: there is no trunk, nor a level before.
  template <class Reader>
  static std::uint32_t stream_number(bool previous_is_x, const Reader& reader) {
    if (internal::kHasStreams && reader.source() == schema::StreamSource_Named)
      return internal::kNamedStreams + reader.input();
    if (internal::kHasNodes && reader.source() == schema::StreamSource_Node)
      return internal::kNodeStreams + reader.input();
    const bool is_x = previous_is_x || reader.source() == schema::StreamSource_ModelInput;
    return is_x ? internal::kModelInputStream : reader.input();
  }
  LayerInput x() const { return {{0, 0}, true, 0, root_.shared_dim()}; }
  LayerInput input_of(std::uint32_t stream);
  LayerInput parts_of(std::uint32_t number);
  Buffer stream_at(std::uint32_t stream) const { return scratch_.streams ? scratch_.streams[stream] : Buffer{0, 0}; }
  Buffer whole_of(const schema::StreamPart& part) const {
    return internal::kHasNodes && part.source() == schema::StreamSource_Node ? node_at(part.input())
                                                                             : stream_at(part.input());
  }
  void add_copy(const schema::Stream& stream, const Buffer& output, bool whole);
  Buffer buffer(Arena::End end, std::size_t width) {
    const std::size_t stride = padded_outputs(width);
    return {work_.allocate(end, internal::saturating_multiply(block_rows_, stride)), stride};
  }
  View view_of(const Buffer& buffer) const { return {work_.at(buffer.offset), buffer.stride}; }
  void keep_output(std::size_t place, const Buffer& output) {
    if (scratch_.outputs) scratch_.outputs[place] = output;
  }
  void keep_stream(std::size_t stream, const Buffer& buffer) {
    if (scratch_.streams) scratch_.streams[stream] = buffer;
  }
  Buffer output_at(std::size_t place) const { return scratch_.outputs ? scratch_.outputs[place] : Buffer{0, 0}; }
  std::size_t lay_out_scratch(std::uint8_t* memory);
  // Gives back what lies at one end, but nodes' results.
  void release(Arena::End end) { work_.release_to(end, end == Arena::kLow ? node_floats_ : 0); }

  const Plan& plan_;
  const schema::Model& root_;
  std::size_t block_rows_;  // of buffers and of the room that layers need
  const internal::Needs needs_;
  internal::TableArena tables_;
  Arena work_;
  Scratch scratch_{};
  Program* program_ = nullptr;  // null while measuring, as are steps_ and all tables
  internal::Step* steps_ = nullptr;
  internal::Step scratch_step_{};  // where steps go while measuring
  std::size_t num_steps_ = 0;
  std::size_t num_gates_ = 0, num_gate_weights_ = 0;
  internal::BitSet<internal::kHasStreams ? internal::kMaxStreams : 1>
      copied_;  // of Model.streams, those whose copies the level has
  std::uint64_t multiply_adds_ = 0;
  bool user_ = false;  // the program keeps the user's columns
  // Nodes that read the user's columns alone; and those that something else reads.
  internal::BitSet<internal::kHasNodes ? internal::kMaxNodes : 1> of_user_, read_by_rows_;
  bool adds_of_user_ = false;        // the steps that are being added are of such a node
  std::size_t node_floats_ = 0;      // of nodes' results, at the low end
  Arena::End in_end_ = Arena::kLow;  // at which end of work_ the streams lie into what is planned
};

}  // namespace mmoe
