#include "runtime/tools/support/plan_limits.h"

#include <limits>

namespace mmoe::tools {
void PlanLimits::apply_to(PlanOptions& options) const {
  options.max_multiply_adds = max_multiply_adds;
  options.max_steps = max_steps;
  options.max_arena_bytes = max_arena_bytes;
  options.max_ids = max_ids;
}

PlanLimits no_limits() {
  constexpr std::uint64_t kNone = std::numeric_limits<std::uint64_t>::max();
  return {kNone, kNone, kNone, kNone};
}

std::string plan_message(const Error& error) {
  std::string message = error.message();
  if (error.code() != ErrorCode::kLimitExceeded) return message;
  const std::size_t end = message.find(':');
  for (std::size_t i = 0; i < end && i < message.size(); ++i) {
    if (message[i] == '_') message[i] = '-';
  }
  return "--" + message;
}

}  // namespace mmoe::tools
