#include "converter/description/gates.h"

#include <algorithm>

#include "converter/description/layers.h"
#include "converter/description/mixes.h"
#include "converter/description/routes.h"
#include "converter/description/stated.h"
#include "converter/error.h"
#include "converter/model/limits.h"
#include "converter/reading/activations.h"
#include "converter/reading/keys.h"
#include "converter/reading/text.h"
#include "converter/shape_text.h"

namespace mmoe::converter {

namespace {

const char* const kLogitsMeaning =
    "the pattern of the layer that gives one logit per expert (or `constant`, or `route`)";

// One entry of `gates`, read once and bound once, or once per task.
class GateGroup {
 public:
  GateGroup(const JsonReader& object, const std::vector<Pool>& pools, const std::vector<std::string>& task_names);

  const std::string& name() const { return name_; }
  bool per_task() const { return per_task_; }
  Gate bind(Slot slot, TensorIndex& tensors, Streams& streams, const Level& level) const;

 private:
  void read_constant(const JsonReader& constant);
  void read_route();
  void read_per();
  void read_logits();
  void read_function();
  void read_top_k();
  void check_widths(const Gate& gate, const Level& level) const;
  void bind_constant(Gate& gate, const Slot& slot, TensorIndex& tensors, const Level& level) const;
  void bind_scales(Gate& gate, const Slot& slot, TensorIndex& tensors, const Level& level) const;
  void check_count(const std::vector<float>& weights, const char* key, const Gate& gate, const Level& level) const;
  std::vector<float> read_constant_tensor(const Slot& slot, TensorIndex& tensors, size_t num_experts) const;
  void bind_computed(Gate& gate, const Slot& slot, const ConstantColumns& constants, TensorIndex& tensors,
                     Streams& streams) const;
  NumberedTensor find_logits(const Slot& slot, TensorIndex& tensors) const;
  void bind_logits(Gate& gate, const Slot& slot, std::optional<size_t> inputs, TensorIndex& tensors) const;
  void bind_selectors(Gate& gate, const Slot& slot, std::optional<size_t> inputs, TensorIndex& tensors) const;
  void bind_static(Gate& gate, const Slot& slot, TensorIndex& tensors) const;
  [[noreturn]] void fail_selectors(const std::string& tensor, size_t found, size_t selectors, const Gate& gate) const;

  JsonReader object_;
  std::string name_ = "gates";
  bool per_task_ = false;
  Mixes mixes_;
  std::vector<float> constant_;
  bool uniform_ = false;         // constant: all the same, with the sum 1
  std::vector<float> scales_;    // of a softmax gate
  std::string scales_tensor_;    // pattern of the tensor that holds them, else empty
  std::string constant_tensor_;  // pattern of the tensor that holds them, else empty
  std::string logits_;           // empty: constant or a route
  std::optional<JsonReader> route_;
  GateFunction function_ = GateFunction::kSoftmax;
  Activation activation_;         // of the logits, where that gives the weights
  std::string selector_weights_;  // smooth steps: pattern of the layer that gives the selectors' shares
  bool static_ = false;           // smooth steps of numbers that no row changes: the patterns are of tensors
  double gamma_ = 1;
  DenseForm form_;
  NormFields norm_;
  std::optional<LayersFields> hidden_;
  size_t top_k_ = 0;
  TopKMode top_k_mode_ = TopKMode::kSoftmaxOfTopK;
  double temperature_ = 1;
};

GateGroup::GateGroup(const JsonReader& object, const std::vector<Pool>& pools,
                     const std::vector<std::string>& task_names)
    : object_(object),
      mixes_(object, pools, task_names),
      form_(read_dense_form(object)),
      norm_(object, "batch_norm", false) {
  object.allow_keys(gates_keys());
  if (const auto field = object.find("name")) name_ = field->string();
  if (name_ == "input") object.fail("a gates group cannot be named \"input\": that is x");
  if (const auto constant = object.find("constant")) {
    read_constant(*constant);
  } else if ((route_ = object.find("route"))) {
    read_route();
  } else {
    read_logits();
  }
}

void GateGroup::read_constant(const JsonReader& constant) {
  object_.allow_keys({"constant", "per", "orientation", "mixes", "name", "reads"});
  if (constant.is_string() && constant.string() == "uniform") {
    if (const auto field = object_.find("orientation"))
      field->fail("is allowed only with a `constant` that names a tensor");
    uniform_ = true;
  } else if (constant.is_string()) {
    constant_tensor_ = constant.string();
    per_task_ = Pattern(constant_tensor_, constant.path()).has(Placeholder::kTask);
  } else {
    if (const auto field = object_.find("orientation"))
      field->fail("is allowed only with a `constant` that names a tensor");
    for (const JsonReader& item : constant.items()) constant_.push_back(item.real());
    if (constant_.empty()) constant.fail_expected("one weight per expert");
  }
  read_per();
}

void GateGroup::read_per() {
  const auto per = object_.find("per");
  if (!per) return;
  per->choice({"task"});
  if (per_task_) per->fail("`constant` has {task}: there is a gate per task already");
  per_task_ = true;
}

void GateGroup::read_route() {
  object_.allow_keys({"route", "per", "mixes", "name"});
  read_per();
}

// What only one function has.
void GateGroup::read_function() {
  if (const auto field = object_.find("activation")) {
    const std::string name = field->is_string() ? field->string() : "";
    function_ = name == "softmax"       ? GateFunction::kSoftmax
                : name == "smooth_step" ? GateFunction::kSmoothStep
                                        : GateFunction::kActivation;
    if (function_ == GateFunction::kActivation) activation_ = read_activation(*field);
    const bool slopes = activation_.kind == ActivationKind::kPRelu || activation_.kind == ActivationKind::kDice;
    if (slopes)
      field->fail("has slopes; expected \"softmax\", \"smooth_step\" or an activation without, as \"sigmoid\"");
  }
  const bool steps = function_ == GateFunction::kSmoothStep;
  for (const char* key : {"selector_weights", "gamma", "static"}) {
    const auto field = object_.find(key);
    if (field && !steps) field->fail("is allowed only with the activation \"smooth_step\"");
  }
  for (const char* key : {"temperature", "batch_norm", "batch_norm_tensors", "batch_norm_epsilon"}) {
    const auto field = object_.find(key);
    if (field && steps) field->fail("is not allowed with the activation \"smooth_step\", whose width is `gamma`");
  }
  if (!steps) return;
  selector_weights_ =
      object_.get("selector_weights", "the pattern of the layer that gives one logit per selector").string();
  if (const auto field = object_.find("gamma")) {
    gamma_ = field->real();
    if (!(gamma_ > 0)) field->fail_expected("more than 0");
  }
  if (const auto field = object_.find("static")) static_ = field->boolean();
  for (const char* key : {"hidden", "top_k", "weight_scales", "weight", "bias", "orientation"}) {
    const auto field = object_.find(key);
    if (field && static_) field->fail("is not allowed with `static`: the weights are constants");
  }
}

void GateGroup::read_top_k() {
  if (const auto field = object_.find("top_k")) top_k_ = field->count();
  const auto field = object_.find("top_k_mode");
  if (!field) return;
  if (top_k_ == 0) field->fail("has no meaning without `top_k`");
  if (function_ != GateFunction::kSoftmax) field->fail("is allowed only with the activation \"softmax\"");
  // The k largest of the softmax divided by their sum are the softmax of the k largest.
  const size_t mode = field->choice({"softmax_of_top_k", "top_k_of_softmax", "top_k_of_softmax_renormalised"});
  top_k_mode_ = mode == 1 ? TopKMode::kTopKOfSoftmax : TopKMode::kSoftmaxOfTopK;
}

void GateGroup::read_logits() {
  logits_ = object_.get("logits", kLogitsMeaning).string();
  per_task_ = Pattern(logits_, object_.path() + ".logits").has(Placeholder::kTask);
  if (const auto per = object_.find("per")) {
    per->choice({"task"});
    if (per_task_) per->fail("`logits` has {task}: there is a gate per task already");
    per_task_ = true;
  }
  if (const auto field = object_.find("hidden")) hidden_.emplace(*field, layers_keys(), false);
  read_function();
  read_top_k();
  if (const auto field = object_.find("weight_scales")) {
    if (field->is_string()) {
      scales_tensor_ = field->string();
    } else {
      for (const JsonReader& item : field->items()) scales_.push_back(item.real());
      if (scales_.empty()) field->fail_expected("one number per expert, or the pattern of a tensor");
    }
  }
  if (const auto field = object_.find("temperature")) {
    temperature_ = field->real();
    if (!(temperature_ > 0)) field->fail_expected("more than 0");
  }
}

Gate GateGroup::bind(Slot slot, TensorIndex& tensors, Streams& streams, const Level& level) const {
  Gate gate;
  gate.name = per_task_ ? name_ + "." + tensors.task_names()[*slot.task] : name_;
  if (route_) {
    gate.input = streams.operand(*route_, slot.task);
    gate.experts = mixes_.experts(slot.task);
    check_widths(gate, level);
    bind_route(*route_, streams, gate);
    return gate;
  }
  // Constant weights read nothing; what `reads` says is checked all the same.
  ConstantColumns constants;
  const bool constant = logits_.empty() || static_;
  if (!constant || object_.find("reads")) {
    const StreamRef input = streams.resolve(object_, slot.task, &constants);
    if (!constant) gate.input = input;
  }
  gate.experts = mixes_.experts(slot.task);
  check_widths(gate, level);
  if (logits_.empty()) {
    bind_constant(gate, slot, tensors, level);
  } else if (static_) {
    bind_static(gate, slot, tensors);
  } else {
    bind_computed(gate, slot, constants, tensors, streams);
    bind_scales(gate, slot, tensors, level);
  }
  return gate;
}

void GateGroup::check_widths(const Gate& gate, const Level& level) const {
  const Expert& first = level.experts[gate.experts.front()];
  for (const size_t index : gate.experts) {
    const Expert& expert = level.experts[index];
    const size_t width = expert.layers.back().outputs();
    if (width == first.layers.back().outputs()) continue;
    throw ConvertError(expert.layers.back().name + ": " + counted(width, "output") + ", expected " +
                       std::to_string(first.layers.back().outputs()) + " like " + first.layers.back().name + ": " +
                       object_.path() + " mixes both");
  }
}

// The row of the slot's task in a matrix with a row per task (a stitch matrix), or the whole of a vector.
std::vector<float> GateGroup::read_constant_tensor(const Slot& slot, TensorIndex& tensors, size_t num_experts) const {
  const Pattern pattern(constant_tensor_, object_.path() + ".constant");
  const NumberedTensor found = find_numbered(tensors, pattern, slot).front();
  const TensorInfo& info = tensors.info(found.tensor);
  const bool row_per_task = per_task_ && !pattern.has(Placeholder::kTask);
  if (!row_per_task || info.shape.size() < 2) {
    return tensors.read_vector(found.tensor, num_experts, "one weight per expert");
  }
  const size_t num_tasks = tensors.task_names().size();
  const std::vector<uint64_t> expected =
      form_.in_out ? std::vector<uint64_t>{num_experts, num_tasks} : std::vector<uint64_t>{num_tasks, num_experts};
  if (info.shape != expected) {
    throw ConvertError(info.name + ": " + shape_text(info.shape) + ", expected " + shape_text(expected) + " (" +
                       counted(num_tasks, "task") + ", " + counted(num_experts, "expert") + " to mix)");
  }
  const std::vector<float> matrix = tensors.read(found.tensor);
  std::vector<float> weights;
  for (size_t e = 0; e < num_experts; ++e) {
    weights.push_back(matrix[form_.in_out ? e * num_tasks + *slot.task : *slot.task * num_experts + e]);
  }
  return weights;
}

void GateGroup::bind_constant(Gate& gate, const Slot& slot, TensorIndex& tensors, const Level& level) const {
  if (uniform_) {
    const size_t num_experts = gate.experts.size();
    gate.constant_weights.assign(num_experts, static_cast<float>(1.0 / static_cast<double>(num_experts)));
    return;
  }
  if (!constant_tensor_.empty()) {
    gate.constant_weights = read_constant_tensor(slot, tensors, gate.experts.size());
    return;
  }
  check_count(constant_, "constant", gate, level);
  gate.constant_weights = constant_;
}

void GateGroup::check_count(const std::vector<float>& weights, const char* key, const Gate& gate,
                            const Level& level) const {
  if (weights.size() == gate.experts.size()) return;
  std::vector<std::string> names;
  for (const size_t expert : gate.experts) names.push_back(level.experts[expert].name);
  object_.get(key, "").fail_expected(std::to_string(names.size()) + ", one weight per expert (" + join(names) + ")");
}

void GateGroup::bind_scales(Gate& gate, const Slot& slot, TensorIndex& tensors, const Level& level) const {
  if (!scales_tensor_.empty()) {
    const Pattern pattern(scales_tensor_, object_.path() + ".weight_scales");
    const NumberedTensor found = find_numbered(tensors, pattern, slot).front();
    gate.weight_scales = tensors.read_vector(found.tensor, gate.experts.size(), "one number per expert");
  } else if (!scales_.empty()) {
    check_count(scales_, "weight_scales", gate, level);
    gate.weight_scales = scales_;
  }
}

void GateGroup::bind_computed(Gate& gate, const Slot& slot, const ConstantColumns& constants, TensorIndex& tensors,
                              Streams& streams) const {
  std::optional<size_t> inputs = constants.with(streams.width(gate.input));
  if (function_ == GateFunction::kSmoothStep && !constants.empty())
    object_.get("reads", "").fail("has constants, which smooth steps cannot read");
  if (hidden_) {
    gate.hidden = hidden_->bind(tensors, slot, inputs);
    constants.fold_into(gate.hidden.front());
    streams.learn_width(gate.input, gate.hidden.front().inputs());
    inputs = gate.hidden.back().outputs();
  }
  function_ == GateFunction::kSmoothStep ? bind_selectors(gate, slot, inputs, tensors)
                                         : bind_logits(gate, slot, inputs, tensors);
  if (!hidden_) constants.fold_into(*gate.logits);
  if (!hidden_) streams.learn_width(gate.input, gate.logits->inputs());
  if (top_k_ > gate.experts.size()) {
    object_.get("top_k", "")
        .fail_expected("at most " + std::to_string(gate.experts.size()) + ", the experts that " + gate.name + " mixes");
  }
  gate.function = function_;
  gate.top_k = top_k_;
  gate.top_k_mode = top_k_mode_;
  gate.temperature = temperature_;
}

NumberedTensor GateGroup::find_logits(const Slot& slot, TensorIndex& tensors) const {
  const std::string path = object_.path() + ".logits";
  const Pattern pattern(logits_ + (static_ ? "" : form_.weight), path);
  if (pattern.has(Placeholder::kLayer)) {
    throw ConvertError(path + ": is one layer, without {layer}; those before it are `hidden`");
  }
  return find_numbered(tensors, pattern, slot).front();
}

void GateGroup::fail_selectors(const std::string& tensor, size_t found, size_t selectors, const Gate& gate) const {
  const size_t bits = selector_outputs(gate.experts.size()) - 1;
  throw ConvertError(tensor + ": " + std::to_string(found) + " for the smooth steps of " +
                     counted(selectors, "selector") + ", expected " + std::to_string(selectors * bits) + ": " +
                     std::to_string(bits) + " each choose one of " + counted(gate.experts.size(), "expert"));
}

// Both layers read the same: one below the other.
void GateGroup::bind_selectors(Gate& gate, const Slot& slot, std::optional<size_t> inputs, TensorIndex& tensors) const {
  if (gate.experts.size() < 2) object_.fail("smooth steps choose among two or more experts; " + gate.name + " has one");
  const NumberedTensor found = find_logits(slot, tensors);
  const Pattern shares_pattern(selector_weights_ + form_.weight, object_.path() + ".selector_weights");
  const NumberedTensor shares_found = find_numbered(tensors, shares_pattern, slot).front();
  const auto bias_of = [&](const std::string& layer, const NumberedTensor& numbered) {
    return Pattern(layer + form_.bias, object_.path() + ".bias").with(numbered.values).text();
  };
  DenseLayer layer = bind_dense(tensors, found.tensor, bias_of(logits_, found), form_, {inputs, {}, "output"});
  const DenseLayer shares = bind_dense(tensors, shares_found.tensor, bias_of(selector_weights_, shares_found), form_,
                                       {layer.inputs(), {}, "selector"});
  check_stated(tensors, layer, {}, AfterStack::kNothing, object_.path());
  check_stated(tensors, shares, {}, AfterStack::kNothing, object_.path());
  gate.num_selectors = shares.outputs();
  gate.gamma = gamma_;
  if (gate.num_selectors > kMaxSelectors) {
    throw ConvertError(shares.name + ": " + counted(gate.num_selectors, "selector") + ", expected at most " +
                       std::to_string(kMaxSelectors));
  }
  if (layer.outputs() + gate.num_selectors != gate.num_selectors * selector_outputs(gate.experts.size())) {
    fail_selectors(layer.name, layer.outputs(), gate.num_selectors, gate);
  }
  layer.bias.resize(layer.outputs());
  std::vector<float> bias = shares.bias;
  bias.resize(shares.outputs());
  layer.bias.insert(layer.bias.end(), bias.begin(), bias.end());
  layer.weight.rows += shares.outputs();
  layer.weight.data.insert(layer.weight.data.end(), shares.weight.data.begin(), shares.weight.data.end());
  if (layer.storage.coded != shares.storage.coded) layer.storage = {};  // what is rounded already stays as it is
  gate.logits = std::move(layer);
}

// The weights are the same for every row: what the model file holds is they.
void GateGroup::bind_static(Gate& gate, const Slot& slot, TensorIndex& tensors) const {
  if (gate.experts.size() < 2) object_.fail("smooth steps choose among two or more experts; " + gate.name + " has one");
  const NumberedTensor found = find_logits(slot, tensors);
  const Pattern shares_pattern(selector_weights_, object_.path() + ".selector_weights");
  const NumberedTensor shares_found = find_numbered(tensors, shares_pattern, slot).front();
  std::vector<float> numbers = tensors.read(found.tensor);
  const std::vector<float> shares = tensors.read(shares_found.tensor);
  if (shares.empty() || numbers.size() + shares.size() != shares.size() * selector_outputs(gate.experts.size())) {
    fail_selectors(tensors.info(found.tensor).name, numbers.size(), shares.size(), gate);
  }
  numbers.insert(numbers.end(), shares.begin(), shares.end());
  for (const double weight :
       smooth_step_weights({numbers.begin(), numbers.end()}, shares.size(), gamma_, gate.experts.size())) {
    gate.constant_weights.push_back(static_cast<float>(weight));
  }
}

void GateGroup::bind_logits(Gate& gate, const Slot& slot, std::optional<size_t> inputs, TensorIndex& tensors) const {
  const NumberedTensor found = find_logits(slot, tensors);
  const std::string bias = Pattern(logits_ + form_.bias, object_.path() + ".bias").with(found.values).text();
  gate.logits = bind_dense(tensors, found.tensor, bias, form_, {inputs, gate.experts.size(), "expert"});
  NormNames names;
  if (!norm_.module.empty()) {
    const NumberedTensor norm =
        find_numbered(tensors, Pattern(norm_.module + norm_.form.mean, norm_.path), slot).front();
    const std::string module = Pattern(norm_.module, norm_.path).with(norm.values).text();
    const double epsilon = stated_epsilon(tensors, tensors.info(norm.tensor).name, norm_);
    gate.logits->norm_before_activation =
        bind_batch_norm(tensors, module, norm_.form, gate.logits->outputs(), epsilon, norm_.path);
  }
  gate.logits->activation = activation_;
  const AfterStack after = function_ == GateFunction::kSoftmax ? AfterStack::kSoftmax : AfterStack::kNothing;
  check_stated(tensors, *gate.logits, names, after, object_.path());
}

}  // namespace

std::vector<StreamGroup> bind_gates(const JsonReader& field, size_t level_index, const std::vector<Pool>& pools,
                                    TensorIndex& tensors, Streams& streams, Level& level) {
  std::vector<StreamGroup> groups;
  for (const JsonReader& item : field.items_or_self()) {
    const GateGroup group(item, pools, tensors.task_names());
    for (const StreamGroup& other : groups) {
      if (other.name != group.name()) continue;
      item.fail("two gates groups are named \"" + other.name + "\"; give them a `name`");
    }
    const size_t count = group.per_task() ? tensors.task_names().size() : 1;
    groups.push_back({group.name(), group.per_task(), level.gates.size(), count});
    if (level.gates.size() + count > kMaxGatesPerLevel) {
      item.fail("more than " + std::to_string(kMaxGatesPerLevel) + " gates in one level");
    }
    for (size_t i = 0; i < count; ++i) {
      Slot slot;
      slot.level = level_index;
      if (group.per_task()) slot.task = i;
      level.gates.push_back(group.bind(slot, tensors, streams, level));
    }
  }
  if (groups.empty()) field.fail_expected("at least one gate");
  return groups;
}

}  // namespace mmoe::converter
