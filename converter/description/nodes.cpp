#include "converter/description/nodes.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "converter/description/element_nodes.h"
#include "converter/description/layers.h"
#include "converter/description/written_out.h"
#include "converter/error.h"
#include "converter/model/limits.h"
#include "converter/reading/activations.h"
#include "converter/reading/keys.h"
#include "converter/reading/pattern.h"
#include "converter/reading/text.h"

namespace mmoe::converter {
namespace {

// In the order of operation_names().
constexpr NodeKind kKinds[] = {NodeKind::kSum,         NodeKind::kProduct,         NodeKind::kDot,
                               NodeKind::kLowerPairs,  NodeKind::kUpperPairs,      NodeKind::kBiInteraction,
                               NodeKind::kSumOfGroups, NodeKind::kSumWithinGroups, NodeKind::kSoftmax};

bool is_by_element(NodeKind kind) { return kind == NodeKind::kSum || kind == NodeKind::kProduct; }

// An operation with its field.
struct Operation {
  NodeKind kind;
  std::string key;
  JsonReader operands;
};

class NodeBinder {
 public:
  NodeBinder(const JsonReader& object, size_t level, TensorIndex& tensors, Streams& streams, std::vector<Node>& nodes)
      : object_(object),
        name_(object.get("name", "the node's name, by which others read it")),
        pattern_(name_.string(), name_.path()),
        tasks_(read_tasks(tensors.task_names())),
        level_(level),
        tensors_(tensors),
        streams_(streams),
        nodes_(nodes) {}

  bool per_task() const { return pattern_.has(Placeholder::kTask); }

  void bind() {
    if (!per_task()) return add(name_.string(), std::nullopt);
    for (const size_t task : tasks_) bind_task(task);
  }

  /// Nothing, if the node is not there for this task.
  void bind_task(size_t task) {
    if (std::find(tasks_.begin(), tasks_.end(), task) == tasks_.end()) return;
    PlaceholderValues values;
    values[Placeholder::kTask] = tensors_.task_names()[task];
    add(pattern_.with(values).text(), task);
  }

  void require_per_task() const {
    if (!per_task()) name_.fail_expected("a name with {task}: nodes of `task_by_task` are one for each task");
  }

 private:
  // Those for which the node is there, ascending.
  std::vector<size_t> read_tasks(const std::vector<std::string>& names) const {
    if (pattern_.has(Placeholder::kPreviousTask)) name_.fail("a node has the name of its own task");
    const auto given = object_.find("tasks");
    if (given && !per_task()) given->fail("the node's name has no {task}: it is one for all tasks");
    std::vector<size_t> tasks;
    if (!given || given->is_string()) {
      const bool later = given && given->choice({"first", "later"}) == 1;
      const size_t end = given && !later ? 1 : names.size();
      for (size_t i = later ? 1 : 0; i < end; ++i) tasks.push_back(i);
      return tasks;
    }
    for (const JsonReader& item : given->items()) {
      tasks.push_back(item.choice(names));
      if (std::count(tasks.begin(), tasks.end(), tasks.back()) > 1) item.fail("is there twice");
    }
    if (tasks.empty()) given->fail_expected("\"first\", \"later\", or a list of some tasks' names");
    std::sort(tasks.begin(), tasks.end());
    return tasks;
  }

  Slot slot_of(std::optional<size_t> task) const {
    Slot slot;
    slot.task = task;
    if (task) slot.tasks = tasks_;
    return slot;
  }

  void add(const std::string& name, std::optional<size_t> task) {
    if (is_constant()) return streams_.add_constant(name_, name, constant(task));
    const NodeFields fields{object_, task, slot_of(task), tensors_, streams_};
    if (has_own_mask(object_)) return write_masked_attention(writer(fields, name));
    if (object_.find("compressed_interaction")) return write_compressed_interaction(writer(fields, name));
    if (object_.find("attention")) return push(name, bind_attention(fields));
    if (object_.find("scaled_dot")) return push(name, bind_scaled_dot(fields));
    if (object_.find("layers")) return push(name, object_.find("each") ? bind_each(fields) : mlp(task));
    Node node = operation(find_operation(), task);
    if (!object_.find("layer_norm")) return push(name, std::move(node));
    const Activation activation = std::exchange(node.activation, {});
    push(name + " before its norm", std::move(node));
    push(name, bind_norm(fields, activation));
  }

  // Of a node that stands for several, which are bound like others.
  NodeWriter writer(const NodeFields& fields, const std::string& name) {
    const auto make = [this, &fields](const nlohmann::json& entry) -> Node& {
      NodeBinder binder(JsonReader(entry, object_.path()), level_, tensors_, streams_, nodes_);
      binder.tasks_ = tasks_;
      binder.add(binder.name_.string(), fields.task);
      return nodes_.back();
    };
    return {fields, name, make, [this](const std::string& made, Node node) { push(made, std::move(node)); }};
  }

  void push(const std::string& name, Node node) {
    if (nodes_.size() == kMaxNodes) object_.fail("more than " + std::to_string(kMaxNodes) + " nodes");
    node.name = name;
    node.level = level_;
    streams_.add_node(name_, name, node.width());
    nodes_.push_back(std::move(node));
  }

  // No operation and no layers: numbers of the file, which layers can read.
  bool is_constant() const {
    const Keys names = operation_names();
    return object_.find("constant") && !object_.find("layers") &&
           std::none_of(names.begin(), names.end(), [&](const std::string& name) { return object_.find(name); });
  }

  std::vector<float> constant(std::optional<size_t> task) {
    object_.allow_keys({"name", "tasks", "constant"});
    const size_t tensor = find_vector(object_.get("constant", ""), task);
    const std::vector<uint64_t>& shape = tensors_.info(tensor).shape;
    const size_t length = shape.empty() ? 1 : static_cast<size_t>(std::min<uint64_t>(shape.front(), kMaxDim));
    return tensors_.read_vector(tensor, length, "numbers that layers read");
  }

  Node mlp(std::optional<size_t> task) {
    Node node;
    ConstantColumns constants;
    node.input = streams_.resolve(object_, task, &constants);
    node.layers = LayersFields(object_, node_mlp_keys(), false)
                      .bind(tensors_, slot_of(task), constants.with(streams_.width(node.input)));
    constants.fold_into(node.layers.front());
    streams_.learn_width(node.input, node.layers.front().inputs());
    return node;
  }

  Operation find_operation() const {
    object_.allow_keys(operation_keys());
    std::optional<Operation> found;
    const Keys names = operation_names();
    for (size_t i = 0; i < names.size(); ++i) {
      const auto operands = object_.find(names[i]);
      if (!operands) continue;
      if (found) object_.fail("has `" + found->key + "` and `" + names[i] + "`");
      found.emplace(Operation{kKinds[i], names[i], *operands});
    }
    if (!found) object_.fail("expected `layers`, `scaled_dot`, or one of " + join(names));
    return *found;
  }

  Node operation(const Operation& operation, std::optional<size_t> task) {
    Node node;
    node.kind = operation.kind;
    bind_operands(operation, task, node);
    bind_group(operation, node);
    if (const auto scale = object_.find("scale")) {
      const bool scaled = node.kind != NodeKind::kSum && node.kind != NodeKind::kSoftmax;
      if (!scaled) scale->fail("a " + operation.key + " has none");
      node.scale = scale->real();
    }
    for (const char* key : {"layer_norm", "layer_norm_tensors", "layer_norm_epsilon"}) {
      const auto field = object_.find(key);
      if (!field) continue;
      if (!is_by_element(node.kind)) field->fail("is allowed only of a sum or a product");
      if (!object_.find("layer_norm")) field->fail("has no meaning without `layer_norm`");
    }
    if (const auto constant = object_.find("constant")) node.constant = bind_constant(*constant, operation, task, node);
    if (const auto activation = object_.find("activation")) {
      node.activation = read_activation(*activation);
      const bool slopes =
          node.activation.kind == ActivationKind::kPRelu || node.activation.kind == ActivationKind::kDice;
      if (slopes || node.kind == NodeKind::kSoftmax)
        activation->fail_expected("an activation without slopes, not of a softmax");
    }
    // As its formula is written; `scale` multiplies it.
    if (node.kind == NodeKind::kBiInteraction) node.scale *= 0.5f;
    return node;
  }

  // Of several operands each is a stream; else the whole list is one.
  void bind_operands(const Operation& operation, std::optional<size_t> task, Node& node) {
    const bool dot = node.kind == NodeKind::kDot;
    if (is_by_element(node.kind) || dot) {
      for (const JsonReader& operand : operation.operands.items())
        node.inputs.push_back(streams_.operand(operand, task));
      const size_t count = node.inputs.size();
      if (dot && count != 2) operation.operands.fail_expected("two streams");
      if (count == 0 || count > kMaxNodeInputs) {
        operation.operands.fail_expected("1 to " + std::to_string(kMaxNodeInputs) + " streams");
      }
    } else {
      node.inputs.push_back(streams_.operand(operation.operands, task));
    }
    std::vector<size_t> widths;
    for (const StreamRef& input : node.inputs) widths.push_back(streams_.width(input).value());
    node.input_width = *std::max_element(widths.begin(), widths.end());
    for (const size_t width : widths) {
      if (width != 0 && (is_by_element(node.kind) ? node.input_width % width == 0 : width == node.input_width))
        continue;
      operation.operands.fail("streams of " + std::to_string(width) + " and " + std::to_string(node.input_width) +
                              (dot ? " columns, expected the same" : " columns: the widest is no multiple"));
    }
    if (node.kind == NodeKind::kSoftmax && node.input_width > kMaxExpertsPerLevel) {
      operation.operands.fail_expected("at most " + std::to_string(kMaxExpertsPerLevel) + " columns");
    }
  }

  // What an operation on features begins with: the width that all parts have.
  std::optional<size_t> width_of_parts(const Node& node) const {
    const std::vector<StreamPart>& parts = node.inputs.front().parts;
    const auto other = [&](const StreamPart& part) { return part.columns.width != parts.front().columns.width; };
    if (parts.size() < 2 || std::any_of(parts.begin(), parts.end(), other)) return std::nullopt;
    return parts.front().columns.width;
  }

  void bind_group(const Operation& operation, Node& node) const {
    const auto group = object_.find("group");
    if (is_by_element(node.kind) || node.kind == NodeKind::kSoftmax) {
      if (group && !object_.find("layer_norm")) group->fail("a " + operation.key + " has no groups");
      return;
    }
    const bool whole = node.kind == NodeKind::kDot || node.kind == NodeKind::kSumWithinGroups;
    const size_t by_default = whole ? node.input_width : width_of_parts(node).value_or(0);
    node.group = group ? group->count(kMaxDim) : by_default;
    if (node.group == 0)
      object_.get("group", "the width of a group: the parts do not tell it").fail_expected("1 or more");
    if (node.input_width % node.group != 0) {
      object_.fail(counted(node.input_width, "column") + " in groups of " + std::to_string(node.group));
    }
    const bool pairs = node.kind == NodeKind::kLowerPairs || node.kind == NodeKind::kUpperPairs;
    if (pairs && node.input_width == node.group) operation.operands.fail_expected("at least two groups");
    if (pairs && node.width() > kMaxDim)
      operation.operands.fail_expected("at most " + std::to_string(kMaxDim) + " pairs");
  }

  // A vector of the weights file, by its name.
  std::vector<float> bind_constant(const JsonReader& field, const Operation& operation, std::optional<size_t> task,
                                   const Node& node) {
    if (node.kind != NodeKind::kSum) field.fail("a " + operation.key + " has none");
    const size_t tensor = find_vector(field, task);
    // A position embedding is a row for each element.
    uint64_t count = 1;
    for (const uint64_t length : tensors_.info(tensor).shape) count *= length;
    if (count == node.input_width) return tensors_.read(tensor);
    return tensors_.read_vector(tensor, node.input_width, field.path());
  }

  size_t find_vector(const JsonReader& field, std::optional<size_t> task) {
    const Pattern pattern(field.string(), field.path());
    if (pattern.has(Placeholder::kLayer)) field.fail("is one vector, without {layer}");
    return find_numbered(tensors_, pattern, slot_of(task)).front().tensor;
  }

  JsonReader object_, name_;
  Pattern pattern_;  // of the names
  std::vector<size_t> tasks_;
  size_t level_;
  TensorIndex& tensors_;
  Streams& streams_;
  std::vector<Node>& nodes_;
};

// Nodes of one task may read those of the task before.
void bind_task_by_task(const JsonReader& object, std::vector<NodeBinder> binders, size_t num_tasks) {
  object.allow_keys({"task_by_task"});
  for (const NodeBinder& binder : binders) binder.require_per_task();
  for (size_t task = 0; task < num_tasks; ++task) {
    for (NodeBinder& binder : binders) binder.bind_task(task);
  }
}

}  // namespace

void bind_nodes(const JsonReader& list, size_t level, TensorIndex& tensors, Streams& streams,
                std::vector<Node>& nodes) {
  for (const JsonReader& item : list.items()) {
    const auto group = item.find("task_by_task");
    std::vector<NodeBinder> binders;
    for (const JsonReader& node : group ? group->items() : std::vector<JsonReader>{item})
      binders.emplace_back(node, level, tensors, streams, nodes);
    if (binders.empty()) group->fail_expected("at least one node");
    if (group) {
      bind_task_by_task(item, std::move(binders), tensors.task_names().size());
    } else {
      binders.front().bind();
    }
  }
}

}  // namespace mmoe::converter
