// mmoe-inspect: says what a .mmoe file holds.
#include <CLI/CLI.hpp>
#include <string>

#include "runtime/tools/command_line.h"
#include "runtime/tools/describe.h"
#include "runtime/tools/output_file.h"
#include "runtime/tools/print_model.h"
#include "runtime/tools/vocabulary_dump.h"

namespace mmoe::tools {
namespace {

constexpr const char* kDescription =
    "Says what a .mmoe file holds: features, experts, gates, towers, tasks, and what they cost.";

constexpr const char* kFooter =
    "FLOPs: 2 per multiply-add of dense layers, gates and mixing; activations are not counted. With top-k gates,\n"
    "the least is when all gates of a level pick the same experts, the most when they pick different ones.\n"
    "Parameters: a bias of zeros counts as none.\n\n"
    "Keys of --json (only ever added): file, file_bytes, format_version, name, architecture, input_dim, shared_dim,\n"
    "parameters, weight_bytes, flops_per_row {all_experts, top_k_min, top_k_max}, golden_rows, features, trunk,\n"
    "levels [{experts, gates}], towers, tasks, segments, header_xxh64, tensors (with --tensors), provenance.\n\n"
    "Exit codes: 0 success; 1 bad model; 2 wrong command line.";

struct Options {
  std::string model;
  std::string vocabulary;
  bool json = false;
  bool tensors = false;
};

void declare(CLI::App& app, Options& options) {
  app.footer(kFooter);
  app.add_option("MODEL", options.model, "the .mmoe file")->required()->type_name("");
  CLI::Option* json = app.add_flag("--json", options.json, "print JSON for programs");
  CLI::Option* tensors = app.add_flag("--tensors", options.tensors, "list the tensors too");
  app.add_option("--vocabulary", options.vocabulary, "print a categorical feature's values and ids instead, as CSV")
      ->type_name("FEATURE")
      ->excludes(json)
      ->excludes(tensors);
}

int inspect(const Options& options) {
  const Model model = map_model(options.model);
  OutputFile out("-");
  if (!options.vocabulary.empty()) {
    write_vocabulary(model, options.vocabulary, out);
  } else {
    const Json described = describe(model, options.model, options.tensors);
    // Names are the user's bytes; what is not UTF-8 is replaced rather than refused.
    out.write(options.json ? described.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"
                           : model_text(described));
  }
  out.commit();
  return kExitOk;
}

}  // namespace
}  // namespace mmoe::tools

int main(int argc, char** argv) {
  mmoe::tools::Options options;
  CLI::App app(mmoe::tools::kDescription, "mmoe-inspect");
  mmoe::tools::declare(app, options);
  return mmoe::tools::run_tool(app, argc, argv, [&options] { return mmoe::tools::inspect(options); });
}
