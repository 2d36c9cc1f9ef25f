// Apart from plan_limits.cpp: whoever checks files without a command line leaves this file out.
#include <limits>

#include "runtime/tools/support/command_line.h"
#include "runtime/tools/support/plan_limits.h"

namespace mmoe::tools {
namespace {

void declare_limit(CommandLine& line, const char* name, std::uint64_t& limit, const char* text) {
  const auto number_or_none = [](std::string value) {
    return value == "none" ? std::to_string(std::numeric_limits<std::uint64_t>::max()) : value;
  };
  line.add_option(name, limit, text)
      ->transform(number_or_none)
      ->type_name("N|none")
      ->group("Limits on what a model file may ask for; raise them for files that you trust");
}

}  // namespace

void declare_limits(CommandLine& line, PlanLimits& limits) {
  declare_limit(line, "--max-multiply-adds", limits.max_multiply_adds,
                "multiply-adds per row [64 per byte of the file]");
  declare_limit(line, "--max-steps", limits.max_steps,
                "operations per row, one after the other [1 per 32 bytes of the file]");
  declare_limit(line, "--max-arena-bytes", limits.max_arena_bytes,
                "bytes of working memory [16 times the size of the file]");
  declare_limit(line, "--max-ids", limits.max_ids, "categories per row, with sequences at full length [65536]");
}

}  // namespace mmoe::tools
