// How the runtime reads a verified model: the FlatBuffers root and the tensors behind it.
#pragma once

#include "mmoe/model.h"
#include "model/parts.h"
#include "schema/format.h"
#include "schema/mmoe_generated.h"
#include "schema/nodes.h"

namespace mmoe::internal {

// Limits of the format. They bound what a plan keeps on the stack.
using schema::kMaxDim;
using schema::kMaxExperts;
using schema::kMaxFeatures;
using schema::kMaxGates;
using schema::kMaxLayers;
using schema::kMaxLevels;
using schema::kMaxNodeInputs;
using schema::kMaxNodes;
using schema::kMaxParts;
using schema::kMaxSelectors;
using schema::kMaxStreams;
using schema::kMaxTasks;

using DenseLayers = flatbuffers::Vector<flatbuffers::Offset<schema::Dense>>;

/// Number of elements of a FlatBuffers vector that may be absent.
template <class Vector>
std::size_t size_of(const Vector* vector) {
  return vector ? vector->size() : 0;
}

/// View of a FlatBuffers string that may be absent.
inline std::string_view text_of(const flatbuffers::String* text) {
  return text ? std::string_view(text->data(), text->size()) : std::string_view();
}

/// What a link starts from, whatever is done with it then.
inline schema::LinkKind source_of(const schema::Link& link) {
  return kHasExtras && link.kind() == schema::LinkKind_Mapped ? link.map()->kind() : link.kind();
}

/// A tower's logits.
inline std::size_t outputs_of(const schema::Tower& tower) {
  return tower.layers()->Get(tower.layers()->size() - 1)->outputs();
}

/// Tasks and, behind them, auxiliary ones, as factors number them.
inline std::size_t num_all_tasks(const schema::Model& root) {
  return root.tasks()->size() + (kHasExtras ? size_of(root.auxiliary()) : 0);
}
inline const schema::Link& link_of(const schema::Model& root, std::size_t index) {
  const std::size_t num_tasks = root.tasks()->size();
  const auto place = static_cast<flatbuffers::uoffset_t>(index < num_tasks ? index : index - num_tasks);
  return *(!kHasExtras || index < num_tasks ? root.tasks() : root.auxiliary())->Get(place)->link();
}

/// When a task is computed: auxiliary ones first.
inline std::size_t position_of(const schema::Model& root, std::size_t task) {
  const std::size_t num_tasks = root.tasks()->size();
  return task < num_tasks ? num_all_tasks(root) - num_tasks + task : task - num_tasks;
}

/// The task that is computed at this position.
inline std::size_t task_at(const schema::Model& root, std::size_t position) {
  const std::size_t num_auxiliary = kHasExtras ? size_of(root.auxiliary()) : 0;
  return position < num_auxiliary ? root.tasks()->size() + position : position - num_auxiliary;
}

/// Columns of a stream of Model.streams, and how many of them, the first ones, candidates of one request share.
struct StreamColumns {
  std::uint32_t width, shared;
};
inline StreamColumns columns_of(const schema::Model& root, const schema::Stream& stream) {
  StreamColumns columns{0, 0};
  for (const schema::StreamPart* part : *stream.parts()) {
    const std::uint32_t before = part->first() < root.shared_dim() ? root.shared_dim() - part->first() : 0;
    columns.width += part->width();
    if (part->source() != schema::StreamSource_ModelInput) continue;
    columns.shared += before < part->width() ? before : part->width();
  }
  return columns;
}

/// Calls visit(source, index) for every whole stream of which an expert, a gate, a tower or a node's MLP reads
/// something: output streams of the level before, nodes, x. `source` and `input` are the reader's.
template <class Visit>
void for_each_source(const schema::Model& root, schema::StreamSource source, std::uint32_t input, const Visit& visit) {
  if (!kHasStreams || source != schema::StreamSource_Named) return visit(source, input);
  for (const schema::StreamPart* part : *root.streams()->Get(input)->parts()) {
    visit(part->source(), part->input());
  }
}

/// The same of all that a node reads, whatever its kind.
template <class Visit>
void for_each_source_of_node(const schema::Model& root, const schema::Node& node, const Visit& visit) {
  if (node.kind() == schema::NodeKind_Mlp) return for_each_source(root, node.source(), node.input(), visit);
  for (const schema::Stream* input : *node.inputs()) {
    for (const schema::StreamPart* part : *input->parts()) visit(part->source(), part->input());
  }
}

/// How many numbers a verified node gives: at most kMaxDim.
inline std::uint32_t node_width(const schema::Node& node) {
  return static_cast<std::uint32_t>(schema::outputs_of(node));
}

struct ModelAccess {
  static const schema::Model* root(const void* data) { return schema::GetSizePrefixedModel(data); }
  static const schema::Model* root(const Model& model) { return root(model.data_); }

  /// A Model of a verified file that somebody else owns.
  static Model view(const void* data, std::size_t size) { return Model(data, size, Model::Ownership::kBorrowed); }

  /// First byte of a verified tensor of the file at `data`.
  static const void* tensor(const void* data, std::size_t index) {
    const schema::Model* root = ModelAccess::root(data);
    const schema::Tensor* tensor = root->tensors()->Get(static_cast<flatbuffers::uoffset_t>(index));
    const schema::Segment* segment = root->segments()->Get(tensor->segment());
    return static_cast<const char*>(data) + segment->offset() + tensor->offset();
  }
  static const float* floats(const void* data, std::size_t index) {
    return static_cast<const float*>(tensor(data, index));
  }
};

}  // namespace mmoe::internal
