#include "converter/writer/architecture.h"

#include <algorithm>

namespace mmoe::converter {
namespace {

bool is_softmax(const Gate& gate) { return gate.logits.has_value(); }

bool all_gates(const ModelDescription& model, bool (*holds)(const Level&, const Gate&)) {
  return std::all_of(model.levels.begin(), model.levels.end(), [&](const Level& level) {
    return std::all_of(level.gates.begin(), level.gates.end(), [&](const Gate& gate) { return holds(level, gate); });
  });
}

bool any_top_k(const ModelDescription& model) {
  return !all_gates(model, [](const Level&, const Gate& gate) {
    return gate.top_k == 0 || gate.top_k >= gate.experts.size();
  });
}

std::string constant_name(const ModelDescription& model) {
  const bool pass = all_gates(model, [](const Level&, const Gate& gate) {
    return gate.experts.size() == 1 && gate.constant_weights.front() == 1.0f;
  });
  if (!pass) return "Cross-Stitch";
  if (model.tasks.size() == 1) return "Single-Task";
  const bool shared = model.levels.size() == 1 && model.levels.front().experts.size() == 1;
  return shared ? "Shared-Bottom" : "Single-Task per task (or L2-Constrained)";
}

std::string mixture_name(const ModelDescription& model) {
  const bool stacked = model.levels.size() > 1;
  const bool mixes_all = all_gates(model, [](const Level& level, const Gate& gate) {
    return is_softmax(gate) && gate.experts.size() == level.experts.size();
  });
  if (!mixes_all) return stacked ? "PLE" : "CGC";
  const bool one_gate = model.levels.back().gates.size() == 1;
  const std::string name = !one_gate ? "MMoE" : model.tasks.size() == 1 ? "MoE" : "OMoE";
  return stacked ? "stacked " + name : name;
}

}  // namespace

std::string architecture_name(const ModelDescription& model) {
  const bool constant = all_gates(model, [](const Level&, const Gate& gate) { return !is_softmax(gate); });
  std::string name = constant ? constant_name(model) : mixture_name(model);
  if (any_top_k(model)) name = "top-k " + name;
  const bool product = std::any_of(model.tasks.begin(), model.tasks.end(), [](const Task& task) {
    return std::holds_alternative<ProductLink>(task.link);
  });
  if (product) name += " with product link (ESMM)";
  if (!model.trunk.empty()) name += " on a shared trunk";
  return name;
}

}  // namespace mmoe::converter
