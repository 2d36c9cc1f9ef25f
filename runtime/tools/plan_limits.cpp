#include "runtime/tools/plan_limits.h"

#include <CLI/CLI.hpp>
#include <limits>

namespace mmoe::tools {
namespace {

void declare_limit(CLI::App& app, const char* name, std::uint64_t& limit, const char* text) {
  const auto number_or_none = [](const std::string& value) {
    return value == "none" ? std::to_string(std::numeric_limits<std::uint64_t>::max()) : value;
  };
  app.add_option(name, limit, text)->transform(number_or_none, "")->type_name("N|none")->group(
      "Limits: what a file may ask for. Raise them for files that you trust");
}

}  // namespace

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

void declare_limits(CLI::App& app, PlanLimits& limits) {
  declare_limit(app, "--max-multiply-adds", limits.max_multiply_adds, "of a row [64 per byte of the file]");
  declare_limit(app, "--max-steps", limits.max_steps, "operations one after the other [1 per 32 bytes of the file]");
  declare_limit(app, "--max-arena-bytes", limits.max_arena_bytes, "of working memory [16 times the file]");
  declare_limit(app, "--max-ids", limits.max_ids, "categories of a row, sequences in full length [65536]");
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
