#include "converter/model/architecture.h"

#include <algorithm>

#include "converter/error.h"

namespace mmoe::converter {
namespace {

bool is_computed(const Gate& gate) { return gate.logits.has_value(); }

bool all_gates(const TrainedModel& model, bool (*holds)(const Level&, const Gate&)) {
  return std::all_of(model.levels.begin(), model.levels.end(), [&](const Level& level) {
    return std::all_of(level.gates.begin(), level.gates.end(), [&](const Gate& gate) { return holds(level, gate); });
  });
}

bool any_top_k(const TrainedModel& model) {
  return !all_gates(
      model, [](const Level&, const Gate& gate) { return gate.top_k == 0 || gate.top_k >= gate.experts.size(); });
}

bool any_smooth_step(const TrainedModel& model) {
  return !all_gates(model, [](const Level&, const Gate& gate) { return gate.function != GateFunction::kSmoothStep; });
}

const char* const kSingleTask = "Single-Task";

std::string constant_name(const TrainedModel& model) {
  const bool pass = all_gates(model, [](const Level&, const Gate& gate) {
    return gate.experts.size() == 1 && gate.constant_weights.front() == 1.0f;
  });
  if (!pass) return "Cross-Stitch";
  const bool shared = model.towers.size() > 1 && model.levels.size() == 1 && model.levels.front().experts.size() == 1;
  return shared ? "Shared-Bottom" : kSingleTask;
}

std::string mixture_name(const TrainedModel& model) {
  const bool stacked = model.levels.size() > 1;
  const bool mixes_all = all_gates(model, [](const Level& level, const Gate& gate) {
    return is_computed(gate) && gate.experts.size() == level.experts.size();
  });
  if (!mixes_all) return stacked ? "PLE" : "CGC";
  const bool one_gate = model.levels.back().gates.size() == 1;
  const std::string name = !one_gate ? "MMoE" : model.tasks.size() == 1 ? "MoE" : "OMoE";
  return stacked ? "stacked " + name : name;
}

bool has_product(const TrainedModel& model) {
  return std::any_of(model.tasks.begin(), model.tasks.end(),
                     [](const Task& task) { return task.link.source == LinkSource::kProduct; });
}

std::string structural_name(const TrainedModel& model) {
  const bool constant = all_gates(model, [](const Level&, const Gate& gate) { return !is_computed(gate); });
  std::string name = constant ? constant_name(model) : mixture_name(model);
  if (any_smooth_step(model)) name = "DSelect-k " + name;
  if (any_top_k(model)) name = "top-k " + name;
  // ESMM (Ma et al., SIGIR 2018) has a network per score and nothing that mixes.
  if (has_product(model)) name = name == kSingleTask ? "ESMM" : name + " with product link (ESMM)";
  if (!model.nodes.empty()) name += " with nodes";
  if (!model.trunk.empty()) name += " on a shared trunk";
  return name;
}

// Other names of networks that share nothing at inference: what tells them apart is how they were trained.
bool is_alias(const std::string& claimed, const std::string& structural) {
  return structural == kSingleTask && (claimed == "L2-Constrained" || claimed == "Tensor-Factorization");
}

}  // namespace

std::string architecture_name(const TrainedModel& model) {
  const std::string structural = structural_name(model);
  const bool claimed = !model.architecture.empty() && !model.nodes.empty();
  return claimed || is_alias(model.architecture, structural) ? model.architecture : structural;
}

void check_architecture(const TrainedModel& model) {
  const std::string& claimed = model.architecture;
  if (claimed.empty() || !model.nodes.empty()) return;  // what stands beside levels has many names
  const std::string structural = structural_name(model);
  if (claimed == structural || is_alias(claimed, structural)) return;
  throw ConvertError("architecture: found \"" + claimed + "\", but what is described is " + structural);
}

}  // namespace mmoe::converter
