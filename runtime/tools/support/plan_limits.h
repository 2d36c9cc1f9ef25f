// What a row of a model may cost: the limits of PlanOptions as options of a command line.
#pragma once

#include <cstdint>
#include <string>

#include "mmoe/error.h"
#include "mmoe/plan.h"

namespace mmoe::tools {

class CommandLine;

/// 0: the runtime's default, as in PlanOptions.
struct PlanLimits {
  std::uint64_t max_multiply_adds = 0;
  std::uint64_t max_steps = 0;
  std::uint64_t max_arena_bytes = 0;
  std::uint64_t max_ids = 0;

  void apply_to(PlanOptions& options) const;
};

/// For a file that has been found to keep its limits, or is trusted.
PlanLimits no_limits();

/// Declares --max-multiply-adds, --max-steps, --max-arena-bytes and --max-ids, each a number or "none".
void declare_limits(CommandLine& line, PlanLimits& limits);

/// The message of an error of Plan::create() or Session::create(); an exceeded limit has its option's name.
std::string plan_message(const Error& error);

}  // namespace mmoe::tools
