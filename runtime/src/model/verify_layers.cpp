#include "model/verify_layers.h"

#include "core/make_error.h"
#include "kernels/kernels.h"
#include "kernels/panel16.h"
#include "model/access.h"
#include "model/tensor_check.h"

namespace mmoe::internal {
namespace {

using flatbuffers::uoffset_t;

// Where in the file a check stands, as "levels[0].gates[1].logits"; links up the call stack.
struct Path {
  const Path* parent;
  const char* field;
  std::int64_t index;  // negative: none

  void append_to(Error& error) const {
    if (parent) {
      parent->append_to(error);
      error.append(".");
    }
    error.append(field);
    if (index >= 0) error.append("[").append(static_cast<std::uint64_t>(index)).append("]");
  }
};

template <class... Parts>
Error error_at(const Path& path, ErrorCode code, const Parts&... parts) {
  Error error(code);
  path.append_to(error);
  append_part(error, ": ");
  (append_part(error, parts), ...);
  return error;
}

// What this build computes.
constexpr auto kLastLink = kHasExtras ? schema::LinkKind_MAX : schema::LinkKind_Product;
constexpr auto kLastGate = kHasExtras ? schema::GateKind_MAX : schema::GateKind_Constant;

bool is_finite(float x) { return x - x == 0; }

// Widths of a level's output streams.
struct Streams {
  std::size_t count = 0;
  std::uint32_t width[kMaxGates];
};

class LayerVerifier {
 public:
  explicit LayerVerifier(const schema::Model& root) : root_(root) {}

  Status run() {
    Streams streams;
    streams.count = 1;
    streams.width[0] = root_.input_dim();
    const Path trunk{nullptr, "trunk", -1};
    if (size_of(root_.trunk()) != 0) {
      if (Status status = mlp(root_.trunk(), root_.input_dim(), trunk, streams.width[0]); !status) return status;
    }
    const Path levels{nullptr, "levels", -1};
    if (Status status = count(root_.levels()->size(), 1, kMaxLevels, levels); !status) return status;
    for (uoffset_t i = 0; i < root_.levels()->size(); ++i) {
      const Path path{nullptr, "levels", i};
      if (Status status = level(*root_.levels()->Get(i), path, streams); !status) return status;
    }
    return tasks(streams);
  }

 private:
  static Status count(std::size_t found, std::size_t least, std::size_t most, const Path& path) {
    if (found >= least && found <= most) return {};
    return error_at(path, ErrorCode::kDamaged, found, " entries, expected ", least, " to ", most);
  }

  Status dense(const schema::Dense& layer, std::uint32_t inputs, const Path& path) const {
    if (layer.inputs() != inputs || layer.outputs() == 0 || layer.outputs() > kMaxDim) {
      return error_at(path, ErrorCode::kDamaged, layer.outputs(), " outputs of ", layer.inputs(),
                      " inputs, where ", inputs, " arrive");
    }
    const schema::Tensor* weight = tensor_at(root_, layer.weight());
    if (!weight) return error_at(path, ErrorCode::kDamaged, "weight: no tensor ", layer.weight());
    if (weight->dtype() != schema::DType_F32 || weight->layout() != schema::Layout_Panel16) {
      return error_at(path, ErrorCode::kUnsupported, "weight: this runtime computes with f32 panel-16 weights only");
    }
    if (weight->cols() != inputs || layer.column() > weight->rows() ||
        layer.outputs() > weight->rows() - layer.column()) {
      return error_at(path, ErrorCode::kDamaged, "weight: outputs from ", layer.column(), " on, in a tensor of ",
                      weight->rows(), " x ", weight->cols());
    }
    const TensorShape per_output{schema::DType_F32, schema::Layout_RowMajor, 1, padded_outputs(weight->rows())};
    if (!find_tensor(root_, layer.bias(), per_output)) {
      return error_at(path, ErrorCode::kDamaged, "bias: not a row of ", per_output.cols, " floats");
    }
    if (!kernels::is_activation(layer.activation())) {
      return error_at(path, ErrorCode::kUnsupported, "activation: ", layer.activation());
    }
    if (Status status = parameters(layer.activation(), layer.alpha(), layer.beta(), path); !status) return status;
    const schema::Norm* norm = layer.norm();
    if (norm) {
      if (Status status = normalisation(layer, *norm, per_output.cols, path); !status) return status;
    }
    const bool dice = norm && norm->use() == schema::NormUse_Dice;
    if ((dice || layer.activation() == schema::ActivationKind_PRelu) && !find_tensor(root_, layer.slopes(), per_output)) {
      return error_at(path, ErrorCode::kDamaged, "slopes: not a row of ", per_output.cols, " floats");
    }
    return {};
  }

  // Celu and softplus divide by alpha.
  static Status parameters(schema::ActivationKind activation, float alpha, float beta, const Path& path) {
    using namespace schema;  // NOLINT: its names are long
    const bool divides =
        kHasExtras && (activation == ActivationKind_Celu || activation == ActivationKind_ScaledSoftplus);
    if (is_finite(alpha) && is_finite(beta) && (!divides || alpha > 0)) return {};
    return error_at(path, ErrorCode::kDamaged, "alpha or beta: not finite, or not above 0");
  }

  // It writes whole panels: they must not begin within those of another layer.
  Status normalisation(const schema::Dense& layer, const schema::Norm& norm, std::uint64_t padded,
                       const Path& path) const {
    if (norm.kind() > schema::NormKind_MAX || norm.use() > schema::NormUse_MAX) {
      return error_at(path, ErrorCode::kUnsupported, "norm: kind ", norm.kind(), ", use ", norm.use());
    }
    if (layer.column() % kPanelWidth != 0) {
      return error_at(path, ErrorCode::kDamaged, "column: ", layer.column(), " of a layer with a norm");
    }
    if (norm.use() == schema::NormUse_Dice && layer.activation() != schema::ActivationKind_Identity) {
      return error_at(path, ErrorCode::kDamaged, "activation: ", layer.activation(), " of a layer with Dice");
    }
    if (!is_finite(norm.epsilon())) return error_at(path, ErrorCode::kDamaged, "norm.epsilon: not finite");
    if (find_tensor(root_, norm.scale_shift(), {schema::DType_F32, schema::Layout_RowMajor, 2, padded})) return {};
    return error_at(path, ErrorCode::kDamaged, "norm.scale_shift: not two rows of ", padded, " floats");
  }

  // Layers one behind the other; `width` becomes the last one's outputs. No layers: the inputs pass.
  Status mlp(const DenseLayers* layers, std::uint32_t inputs, const Path& path, std::uint32_t& width) const {
    if (Status status = count(size_of(layers), 0, kMaxLayers, path); !status) return status;
    width = inputs;
    for (uoffset_t i = 0; i < size_of(layers); ++i) {
      const Path layer{path.parent, path.field, i};
      if (Status status = dense(*layers->Get(i), width, layer); !status) return status;
      width = layers->Get(i)->outputs();
    }
    return {};
  }

  // Width of the stream that an expert or a gate reads.
  template <class Reader>
  Status stream(const Reader& reader, const Streams& streams, const Path& path, std::uint32_t& width) const {
    if (reader.source() == schema::StreamSource_ModelInput) {
      width = root_.input_dim();
      return {};
    }
    if (reader.source() != schema::StreamSource_Previous) {
      return error_at(path, ErrorCode::kUnsupported, "source: ", reader.source());
    }
    if (reader.input() >= streams.count) {
      return error_at(path, ErrorCode::kDamaged, "input: stream ", reader.input(), " of ", streams.count);
    }
    width = streams.width[reader.input()];
    return {};
  }

  Status level(const schema::Level& level, const Path& path, Streams& streams) const {
    const Path experts{&path, "experts", -1};
    const Path gates{&path, "gates", -1};
    if (Status status = count(level.experts()->size(), 1, kMaxExperts, experts); !status) return status;
    if (Status status = count(level.gates()->size(), 1, kMaxGates, gates); !status) return status;
    std::uint32_t widths[kMaxExperts];
    for (uoffset_t i = 0; i < level.experts()->size(); ++i) {
      const Path at{&path, "experts", i};
      if (Status status = expert(*level.experts()->Get(i), streams, at, widths[i]); !status) return status;
    }
    Streams next;
    next.count = level.gates()->size();
    for (uoffset_t i = 0; i < next.count; ++i) {
      const Path at{&path, "gates", i};
      const schema::Gate& gate = *level.gates()->Get(i);
      if (Status status = mixed(gate, level.experts()->size(), widths, at, next.width[i]); !status) return status;
      if (Status status = weights(gate, streams, at); !status) return status;
    }
    streams = next;
    return {};
  }

  Status expert(const schema::Expert& expert, const Streams& streams, const Path& path, std::uint32_t& width) const {
    std::uint32_t inputs = 0;
    if (Status status = stream(expert, streams, path, inputs); !status) return status;
    const Path layers{&path, "layers", -1};
    if (Status status = count(expert.layers()->size(), 1, kMaxLayers, layers); !status) return status;
    return mlp(expert.layers(), inputs, layers, width);
  }

  // The experts that a gate lists exist and are equally wide.
  static Status mixed(const schema::Gate& gate, std::size_t num_experts, const std::uint32_t* widths,
                      const Path& path, std::uint32_t& width) {
    const Path experts{&path, "experts", -1};
    if (Status status = count(gate.experts()->size(), 1, kMaxExperts, experts); !status) return status;
    for (uoffset_t i = 0; i < gate.experts()->size(); ++i) {
      const Path at{&path, "experts", i};
      const std::uint32_t index = gate.experts()->Get(i);
      if (index >= num_experts) {
        return error_at(at, ErrorCode::kDamaged, index, ", but the level has ", num_experts, " experts");
      }
      if (i == 0) width = widths[index];
      if (widths[index] != width) {
        return error_at(at, ErrorCode::kDamaged, "expert ", index, " is ", widths[index], " wide, the first ", width);
      }
    }
    return {};
  }

  Status weights(const schema::Gate& gate, const Streams& streams, const Path& path) const {
    const std::uint32_t num_experts = gate.experts()->size();
    if (gate.kind() > kLastGate) return error_at(path, ErrorCode::kUnsupported, "kind: ", gate.kind());
    const bool constant = gate.kind() == schema::GateKind_Constant;
    if (constant || (kHasExtras && gate.kind() == schema::GateKind_ScaledSoftmax)) {
      const std::int32_t weights = constant ? gate.constant() : gate.scales();
      if (!find_tensor(root_, weights, {schema::DType_F32, schema::Layout_RowMajor, 1, num_experts})) {
        return error_at(path, ErrorCode::kDamaged, constant ? "constant" : "scales", ": not a row of ", num_experts,
                        " floats");
      }
      if (constant) return {};
    }
    if (gate.top_k() > num_experts) {
      return error_at(path, ErrorCode::kDamaged, "top_k: ", gate.top_k(), " of ", num_experts, " experts");
    }
    if (gate.top_k_mode() > schema::TopKMode_MAX) {
      return error_at(path, ErrorCode::kUnsupported, "top_k_mode: ", gate.top_k_mode());
    }
    std::uint32_t width = 0;
    if (Status status = stream(gate, streams, path, width); !status) return status;
    const Path hidden{&path, "hidden", -1};
    if (Status status = mlp(gate.hidden(), width, hidden, width); !status) return status;
    const Path logits{&path, "logits", -1};
    if (!gate.logits()) return error_at(logits, ErrorCode::kDamaged, "missing");
    if (gate.logits()->outputs() != num_experts) {
      return error_at(logits, ErrorCode::kDamaged, gate.logits()->outputs(), " for ", num_experts, " experts");
    }
    return dense(*gate.logits(), width, logits);
  }

  Status tasks(const Streams& streams) const {
    const Path towers{nullptr, "towers", -1};
    const Path tasks{nullptr, "tasks", -1};
    if (Status status = count(size_of(root_.towers()), 0, kMaxTasks, towers); !status) return status;
    const std::size_t num_tasks = root_.tasks()->size() == 0 ? 0 : num_all_tasks(root_);
    if (Status status = count(num_tasks, 1, kMaxTasks, tasks); !status) return status;
    std::uint32_t widths[kMaxTasks];
    for (uoffset_t i = 0; i < size_of(root_.towers()); ++i) {
      const Path at{nullptr, "towers", i};
      const schema::Tower& tower = *root_.towers()->Get(i);
      if (tower.input() >= streams.count) {
        return error_at(at, ErrorCode::kDamaged, "input: stream ", tower.input(), " of ", streams.count);
      }
      const Path layers{&at, "layers", -1};
      if (Status status = count(tower.layers()->size(), 1, kMaxLayers, layers); !status) return status;
      if (Status status = mlp(tower.layers(), streams.width[tower.input()], layers, widths[i]); !status) return status;
    }
    for (std::size_t position = 0; position < num_tasks; ++position) {
      const std::size_t task = task_at(root_, position);
      const bool output = task < root_.tasks()->size();
      const Path at{nullptr, output ? "tasks" : "auxiliary", static_cast<std::int64_t>(output ? task : position)};
      if (Status status = link(link_of(root_, task), position, widths, at); !status) return status;
    }
    return {};
  }

  static Status map(const schema::Link& link, const Path& path) {
    const Path at{&path, "link.map", -1};
    const schema::LinkMap* map = link.map();
    if (!map || !is_finite(map->scale()) || !is_finite(map->shift()) || !(map->lower() <= map->upper())) {
      return error_at(at, ErrorCode::kDamaged, "missing, not finite, or empty bounds");
    }
    const bool links = map->kind() < schema::LinkKind_Mapped && map->kind() != schema::LinkKind_Sigmoid;
    if (!links || !kernels::is_activation(map->activation()) || map->activation() == schema::ActivationKind_PRelu) {
      return error_at(at, ErrorCode::kUnsupported, "kind ", map->kind(), ", activation ", map->activation());
    }
    return parameters(map->activation(), map->alpha(), map->beta(), at);
  }

  // `position`: when the task is computed (task_at).
  Status link(const schema::Link& link, std::size_t position, const std::uint32_t* widths, const Path& path) const {
    if (link.kind() > kLastLink) return error_at(path, ErrorCode::kUnsupported, "link: ", link.kind());
    if (kHasExtras && link.kind() == schema::LinkKind_Mapped) {
      if (Status status = map(link, path); !status) return status;
    }
    const schema::LinkKind kind = source_of(link);
    if (kind == schema::LinkKind_Product) {
      const Path factors{&path, "factors", -1};
      if (Status status = count(size_of(link.factors()), 1, kMaxTasks, factors); !status) return status;
      for (uoffset_t i = 0; i < link.factors()->size(); ++i) {
        const std::size_t factor = link.factors()->Get(i);
        if (factor < num_all_tasks(root_) && position_of(root_, factor) < position) continue;
        return error_at(path, ErrorCode::kDamaged, "factors: task ", link.factors()->Get(i), " does not come before");
      }
      return {};
    }
    if (link.tower() >= size_of(root_.towers())) {
      return error_at(path, ErrorCode::kDamaged, "tower: ", link.tower(), " of ", size_of(root_.towers()));
    }
    const std::uint32_t width = widths[link.tower()];
    if (kHasExtras && kind == schema::LinkKind_Expected && size_of(link.values()) != width) {
      return error_at(path, ErrorCode::kDamaged, "values: ", size_of(link.values()), " for ", width, " classes");
    }
    const bool too_few = kHasExtras && kind == schema::LinkKind_LogSoftmax && width < 2;
    if (too_few || (kind >= schema::LinkKind_Softmax && width > kMaxExperts)) {
      return error_at(path, ErrorCode::kUnsupported, "softmax over ", width, " classes, expected 2 to ", kMaxExperts);
    }
    if (link.column() < width) return {};
    return error_at(path, ErrorCode::kDamaged, "column: ", link.column(), " of ", width);
  }

  const schema::Model& root_;
};

}  // namespace

Status verify_layers(const schema::Model& root) { return LayerVerifier(root).run(); }

}  // namespace mmoe::internal
