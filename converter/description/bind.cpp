#include "converter/description/bind.h"

#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "converter/description/derived.h"
#include "converter/description/features.h"
#include "converter/description/layers.h"
#include "converter/description/levels.h"
#include "converter/description/nodes.h"
#include "converter/description/numbers.h"
#include "converter/description/stated.h"
#include "converter/description/streams.h"
#include "converter/description/tasks.h"
#include "converter/error.h"
#include "converter/model/architecture.h"
#include "converter/model/limits.h"
#include "converter/reading/json_reader.h"
#include "converter/reading/keys.h"
#include "converter/reading/text.h"
#include "converter/shape_text.h"

namespace mmoe::converter {

namespace {

class Binder {
 public:
  Binder(const nlohmann::json& description, const std::shared_ptr<const DerivedWeights>& weights, const OpenFile& open)
      : json_(description),
        root_(description),
        weights_(*weights),
        tensors_(weights, read_names()),
        streams_(std::nullopt, {}, {}),
        open_(open) {}

  TrainedModel bind(const std::string& default_name);
  BindReport report() const;
  /// Throws when the file has tensors that the description does not account for.
  void refuse_unused() const;

 private:
  std::vector<std::string> read_names();
  void tell_tasks_apart();
  void bind_input();
  size_t bind_input_dim(const JsonReader& given) const;
  void bind_shared_dim();
  void bind_trunk();
  void bind_levels();
  void bind_towers();
  void bind_towers_with_layers(const JsonReader& object);
  void bind_towers_without_layers(const JsonReader& object);
  void split_towers();
  void ignore_tensors();

  const nlohmann::json& json_;
  JsonReader root_;
  const DerivedWeights& weights_;
  TrainedModel model_;
  TensorIndex tensors_;
  Streams streams_;
  const OpenFile& open_;
  std::vector<std::string> notes_;
};

// The top level's keys and the tasks: what {task} stands for has to be known before any tensor is looked up.
std::vector<std::string> Binder::read_names() {
  root_.allow_keys(description_keys());
  const JsonReader version = root_.get("mmoe_description", "the version of this format, 1");
  if (version.integer() != 1) version.fail_expected("1, the version that this converter reads");
  model_.tasks = read_tasks(root_.get("tasks", "the tasks' names and links"));
  return tower_task_names(model_.tasks);
}

// The names up to the first placeholder, of whatever has neither {task} nor {previous_task} in its pattern.
void add_shared_names(const nlohmann::json& value, std::set<std::string>& names) {
  if (value.is_string()) {
    const std::string text = value.get<std::string>();
    if (text.find("task}") == text.npos) names.insert(text.substr(0, text.find('{')));
  }
  if (!value.is_structured()) return;
  for (const nlohmann::json& child : value) add_shared_names(child, names);
}

void Binder::tell_tasks_apart() {
  tensors_.set_task_numbers(tower_task_numbers(root_.get("tasks", ""), model_.tasks));
  std::set<std::string> names;
  for (const char* key : {"trunk", "nodes", "levels", "towers"}) {
    if (const auto field = json_.find(key); field != json_.end()) add_shared_names(*field, names);
  }
  tensors_.set_shared_names(std::move(names));
}

void Binder::bind_input() {
  std::optional<size_t> input_dim;
  if (const auto features = root_.find("features")) {
    KeySources sources{open_, {}};
    bind_features(*features, tensors_, sources, model_);
    notes_.insert(notes_.end(), sources.notes.begin(), sources.notes.end());
    input_dim = model_.input_dim;
  }
  if (const auto given = root_.find("input_dim")) input_dim = bind_input_dim(*given);
  streams_ = Streams(input_dim, InputParts(model_.features, model_.embeddings), tensors_.task_names());
}

size_t Binder::bind_input_dim(const JsonReader& given) const {
  const size_t input_dim = given.count(kMaxDim);
  if (input_dim == 0) given.fail_expected("1 or more");
  if (!model_.features.empty() && model_.input_dim != input_dim) {
    given.fail_expected(std::to_string(model_.input_dim) + ", the sum of the features' widths");
  }
  return input_dim;
}

// With features the sides of the features say it.
void Binder::bind_shared_dim() {
  const auto given = root_.find("shared_dim");
  if (!given) return;
  if (!model_.features.empty()) given->fail("with `features`, their sides say what candidates share");
  model_.shared_dim = given->count(model_.input_dim);
  for (const Node& node : model_.nodes) {
    for (size_t i = 1; node.kind == NodeKind::kAttention && i < node.inputs.size(); ++i) {
      const ColumnRange columns = node.inputs[i].parts.empty() ? ColumnRange() : node.inputs[i].parts.front().columns;
      const bool of_x = node.inputs[i].reads_x();
      if (!of_x || columns.first >= model_.shared_dim || columns.first + columns.width <= model_.shared_dim) continue;
      given->fail("ends within a sequence of the node \"" + node.name + "\"");
    }
  }
}

void Binder::bind_trunk() {
  const auto trunk = root_.find("trunk");
  if (!trunk) return;
  const StreamRef x = input_stream();
  model_.trunk = LayersFields(*trunk, layers_keys(), false).bind(tensors_, {}, streams_.width(x));
  streams_.learn_width(x, model_.trunk.front().inputs());
  streams_.pass_trunk(model_.trunk.back().outputs());
}

void Binder::bind_levels() {
  const auto field = root_.find("levels");
  if (!field) return;
  const JsonReader& list = *field;
  const std::vector<JsonReader> items = list.items();
  if (items.empty()) list.fail_expected("at least one level");
  if (items.size() > kMaxLevels) list.fail_expected("at most " + std::to_string(kMaxLevels));
  for (const JsonReader& item : items) {
    model_.levels.push_back(bind_level(item, model_.levels.size(), tensors_, streams_, notes_));
    if (const auto nodes = item.find("nodes")) {
      bind_nodes(*nodes, model_.levels.size(), tensors_, streams_, model_.nodes);
    }
  }
}

// Logits that nodes give.
void Binder::bind_towers_without_layers(const JsonReader& object) {
  object.allow_keys({"reads"});
  object.get("reads", "the node that gives a task's logits, as there are no `layers`");
  const std::vector<std::string>& names = tensors_.task_names();
  for (size_t task = 0; task < names.size(); ++task) {
    const StreamRef input = streams_.resolve(object, task);
    const std::optional<size_t> width = streams_.width(input);
    if (!width || *width > kMaxExpertsPerLevel) {
      object.get("reads", "").fail_expected("at most " + std::to_string(kMaxExpertsPerLevel) + " logits");
    }
    model_.towers.push_back({names[task], input, {identity_layer(*width, names[task] + " logits")}});
  }
}

void Binder::bind_towers_with_layers(const JsonReader& object) {
  const LayersFields layers(object, towers_keys(), true);
  const std::vector<std::string>& names = tensors_.task_names();
  if (!layers.has(Placeholder::kTask) && names.size() > 1) {
    const std::string count = std::to_string(names.size());
    object.get("layers", "").fail("no {task} in it, but there are " + count + " tasks with a tower");
  }
  for (size_t task = 0; task < names.size(); ++task) {
    Slot slot;
    slot.task = task;
    ConstantColumns constants;
    const StreamRef input = streams_.resolve(object, task, &constants);
    Mlp tower = layers.bind(tensors_, slot, constants.with(streams_.width(input)));
    constants.fold_into(tower.front());
    streams_.learn_width(input, tower.front().inputs());
    model_.towers.push_back({names[task], input, std::move(tower)});
  }
}

void Binder::bind_towers() {
  const JsonReader object = root_.get("towers", "the layers from a task's stream to its logits");
  if (!model_.nodes.empty() && object.is_object() && !object.find("layers")) {
    bind_towers_without_layers(object);
  } else {
    bind_towers_with_layers(object);
  }
  check_links(root_.get("tasks", ""), model_.tasks, model_.towers);
  for (const Task& task : model_.tasks) {
    if (!task.link.reads_tower()) continue;
    const std::string note = check_stated_link(tensors_, model_.towers[task.link.tower], task);
    if (!note.empty()) notes_.push_back(note);
  }
  for (const std::string& name : streams_.unread()) {
    notes_.push_back("no tower reads \"" + name + "\" of the last level");
  }
  for (const std::string& name : streams_.unread_nodes()) notes_.push_back("nothing reads the node \"" + name + "\"");
}

// A constant gate of weight 1 over one expert.
void pass_on(const std::string& name, const StreamRef& input, Mlp layers, Level& level) {
  Gate gate;
  gate.name = name;
  gate.experts = {level.experts.size()};
  gate.constant_weights = {1.0f};
  level.gates.push_back(std::move(gate));
  level.experts.push_back({name, input, std::move(layers)});
}

// Without `levels`: the trunk is the one expert of a Shared-Bottom; without a trunk each task has a network of its
// own, whose layers but the last are the task's expert.
void Binder::split_towers() {
  Level level;
  if (!model_.trunk.empty()) {
    if (!model_.nodes.empty()) root_.get("nodes", "").fail("with a trunk, needs `levels`");
    pass_on("bottom", StreamRef(), std::move(model_.trunk), level);
    model_.trunk.clear();
  } else {
    for (size_t t = 0; t < model_.towers.size(); ++t) {
      Tower& tower = model_.towers[t];
      if (tower.layers.size() == 1) {
        const DenseLayer& only = tower.layers.front();
        tower.layers.push_back(identity_layer(only.outputs(), only.name));
      }
      DenseLayer last = std::move(tower.layers.back());
      tower.layers.pop_back();
      pass_on(tower.name, tower.input, std::move(tower.layers), level);
      tower.layers = {std::move(last)};
      tower.input = t;
    }
  }
  model_.levels.push_back(std::move(level));
}

void Binder::ignore_tensors() {
  const auto list = root_.find("ignore");
  if (!list) return;
  for (const JsonReader& item : list->items()) {
    const size_t count = tensors_.ignore(item.string());
    if (count != 0)
      notes_.push_back("ignored as the description says: " + counted(count, "tensor") + " (" + item.string() + ")");
  }
}

TrainedModel Binder::bind(const std::string& default_name) {
  const auto name = root_.find("name");
  model_.name = name ? name->string() : default_name;
  tell_tasks_apart();
  bind_input();
  bind_trunk();
  if (const auto nodes = root_.find("nodes")) bind_nodes(*nodes, 0, tensors_, streams_, model_.nodes);
  bind_levels();
  bind_towers();
  if (model_.levels.empty()) split_towers();
  ignore_tensors();
  if (const auto numbers = root_.find("numbers")) bind_numbers(*numbers, tensors_.used_prefix(), model_);
  if (const auto field = root_.find("architecture")) {
    model_.architecture = field->string();
  } else if (weights_.has_factors() && architecture_name(model_) == "Single-Task") {
    model_.architecture = "Tensor-Factorization";
  }
  check_architecture(model_);
  model_.input_dim = streams_.input_dim().value();  // an expert or the trunk has read x
  bind_shared_dim();
  return std::move(model_);
}

std::string with_shape(const TensorInfo& info) { return info.name + " " + shape_text(info.shape); }

void Binder::refuse_unused() const {
  constexpr size_t kMaxListed = 20;
  const std::vector<size_t> unused = tensors_.unused();
  if (unused.empty()) return;
  std::vector<std::string> listed;
  nlohmann::json names = nlohmann::json::array();
  for (const size_t tensor : unused) {
    if (listed.size() == kMaxListed) break;
    listed.push_back(with_shape(tensors_.info(tensor)));
    names.push_back(tensors_.info(tensor).name);
  }
  const std::string more =
      unused.size() > kMaxListed ? " and " + std::to_string(unused.size() - kMaxListed) + " more" : "";
  throw UnusedTensorsError(counted(unused.size(), "tensor") + " of the file " + (unused.size() == 1 ? "is" : "are") +
                           " not used: " + join(listed) + more +
                           ". A part of the model is not described. If the scores do not need " +
                           (unused.size() == 1 ? "it" : "them") + ", the description says so with \"ignore\": " +
                           names.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) +
                           (more.empty() ? "" : " and so on") + ", where * stands for any text");
}

BindReport Binder::report() const {
  BindReport report{notes_, stated_types(weights_.keras_layers()), {}};
  for (const size_t tensor : tensors_.unused()) report.unused_tensors.push_back(with_shape(tensors_.info(tensor)));
  if (!tensors_.used_prefix().empty()) {
    report.notes.push_back("all tensors' names begin with \"" + tensors_.used_prefix() +
                           "\", which the description's patterns leave out");
  }
  return report;
}

}  // namespace

TrainedModel bind_description(const nlohmann::json& description, const WeightSource& weights,
                              const std::string& default_name, BindReport* report, UnusedTensors unused,
                              const OpenFile& open) {
  Binder binder(description, std::make_shared<const DerivedWeights>(description, weights), open);
  TrainedModel model = binder.bind(default_name);
  if (unused == UnusedTensors::kRefuse) binder.refuse_unused();
  if (report != nullptr) *report = binder.report();
  return model;
}

TrainedModel bind_description_text(std::string_view text, const WeightSource& weights, const std::string& default_name,
                                   BindReport* report, UnusedTensors unused, const OpenFile& open) {
  return bind_description(parse_json(text), weights, default_name, report, unused, open);
}

}  // namespace mmoe::converter
