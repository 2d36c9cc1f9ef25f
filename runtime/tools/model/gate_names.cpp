#include "runtime/tools/model/gate_names.h"

#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "runtime/tools/model/model_view.h"
#include "runtime/tools/support/error.h"

namespace mmoe::tools {
namespace {

std::string place_of(const GateInfo& gate) { return "gate" + std::to_string(gate.index); }

// The name of the only task that it feeds; "" where there are several, or it is longer than a column's should be: it
// stands before every expert's.
std::string name_of_task(const schema::Model& root, const GateInfo& gate) {
  constexpr std::size_t kMaxNameBytes = 256;
  std::string_view name;
  std::size_t count = 0;
  for (Index task = 0; task < root.tasks()->size(); ++task) {
    if (gate.feeds(task)) name = root.tasks()->Get(task)->name()->string_view(), ++count;
  }
  return count == 1 && name.size() <= kMaxNameBytes ? std::string(name) : "";
}

bool all_different(const std::vector<std::string>& names) {
  return std::set<std::string>(names.begin(), names.end()).size() == names.size();
}

std::vector<std::string> names_of(const std::vector<GateInfo>& gates, const std::vector<std::string>& tasks,
                                  bool with_level) {
  std::map<std::pair<std::size_t, std::string_view>, std::size_t> uses;  // of a task's name, in a level
  for (std::size_t i = 0; i < gates.size(); ++i) ++uses[{gates[i].level, tasks[i]}];
  std::vector<std::string> names;
  for (std::size_t i = 0; i < gates.size(); ++i) {
    const std::string level = with_level ? "level" + std::to_string(gates[i].level + 1) + "." : "";
    const bool shared = tasks[i].empty() || uses[{gates[i].level, tasks[i]}] > 1;
    names.push_back(level + (shared ? place_of(gates[i]) : tasks[i]));
  }
  return names;
}

}  // namespace

std::vector<GateInfo> gates_of(const Plan& plan) {
  std::vector<GateInfo> gates(plan.num_gates());
  plan.list_gates(gates.data());
  return gates;
}

std::vector<std::string> gate_names(const Plan& plan) {
  const std::vector<GateInfo> gates = gates_of(plan);
  std::vector<std::string> tasks;
  const schema::Model& root = ModelView(plan).root();
  for (const GateInfo& gate : gates) tasks.push_back(name_of_task(root, gate));
  const bool with_level = root.levels()->size() > 1;
  const std::vector<std::string> names = names_of(gates, tasks, with_level);
  // A task may be called "gate1".
  return all_different(names) ? names : names_of(gates, std::vector<std::string>(gates.size()), with_level);
}

std::string expert_name(std::size_t expert) { return "expert" + std::to_string(expert); }

std::vector<std::string> gate_columns(const Plan& plan) {
  const std::vector<std::string> names = gate_names(plan);
  const std::vector<GateInfo> gates = gates_of(plan);
  std::vector<std::string> columns;
  for (std::size_t i = 0; i < names.size(); ++i) {
    for (std::size_t e = 0; e < gates[i].num_experts; ++e) {
      columns.push_back(names[i] + "." + expert_name(gates[i].experts[e]));
    }
  }
  return columns;
}

void require_gates(const Plan& plan, const std::string& option) {
  if (plan.num_gates() > 0) return;
  std::string architecture = text_of(ModelView(plan).root().architecture());
  if (architecture.empty()) architecture = "the model";
  throw UsageError(option + ": no gate to show: " + architecture +
                   " mixes its experts by constants, the same for every row ('mmoe-inspect MODEL' shows them)");
}

}  // namespace mmoe::tools
