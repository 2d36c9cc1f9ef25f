// What people call the gates of a plan, and the columns of their weights.
#pragma once

#include <string>
#include <vector>

#include "mmoe/plan.h"

namespace mmoe::tools {

/// All gates of the plan, in one walk over the model.
std::vector<GateInfo> gates_of(const Plan& plan);

/// One per gate of the plan, all different: the task's name of a gate that feeds one task alone (unless it is longer
/// than 256 bytes), else "gate1", its place in its level; behind "level1." where the model has several levels. Gates of
/// a level that would share a task's name have their places instead. Levels are counted from 1, gates and experts from
/// 0, as mmoe-inspect does.
std::vector<std::string> gate_names(const Plan& plan);

/// The name of an expert of a gate's level: "expert3".
std::string expert_name(std::size_t expert);

/// One per column of Output::gate_weights: "income.expert0", "level1.gate0.expert3".
std::vector<std::string> gate_columns(const Plan& plan);

/// Throws UsageError, which begins with `option`, when the plan computes no gates.
void require_gates(const Plan& plan, const std::string& option);

}  // namespace mmoe::tools
