// The options alone need CLI11: whoever checks files without a command line leaves this file out.
#include <CLI/CLI.hpp>
#include <limits>

#include "runtime/tools/support/plan_limits.h"

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

void declare_limits(CLI::App& app, PlanLimits& limits) {
  declare_limit(app, "--max-multiply-adds", limits.max_multiply_adds, "of a row [64 per byte of the file]");
  declare_limit(app, "--max-steps", limits.max_steps, "operations one after the other [1 per 32 bytes of the file]");
  declare_limit(app, "--max-arena-bytes", limits.max_arena_bytes, "of working memory [16 times the file]");
  declare_limit(app, "--max-ids", limits.max_ids, "categories of a row, sequences in full length [65536]");
}

}  // namespace mmoe::tools
