// mmoe-inspect: says what a .mmoe file holds.
#include <filesystem>
#include <string>
#include <vector>

#include "runtime/tools/inspect/vocabulary_dump.h"
#include "runtime/tools/model/describe.h"
#include "runtime/tools/model/map_model.h"
#include "runtime/tools/model/print_model.h"
#include "runtime/tools/report/report.h"
#include "runtime/tools/report/report_html.h"
#include "runtime/tools/support/command_line.h"
#include "runtime/tools/support/input_files.h"
#include "runtime/tools/support/output_file.h"
#include "runtime/tools/support/printable.h"

namespace mmoe::tools {
namespace {

constexpr const char* kDescription =
    "Says what a .mmoe file holds: features, experts, gates, towers, tasks, and what they cost.";

constexpr const char* kFooter =
    "FLOPs: 2 per multiply-add of dense layers, gates and mixing; activations are not counted. With top-k gates,\n"
    "the least is when all gates of a level pick the same experts, the most when they pick different ones.\n"
    "Parameters: a bias of zeros counts as none.\n\n"
    "Keys of --json (only ever added): file, file_bytes, format_version, name, architecture, input_dim, user_dim,\n"
    "candidate_dim, parameters, weight_bytes, flops_per_row {all_experts, top_k_min, top_k_max}, golden_rows, features, trunk,\n"
    "levels [{experts, gates}], towers, tasks, segments, header_xxh64, tensors (with --tensors), provenance.\n\n"
    "--report scores rows, read as mmoe-score reads them, and writes one HTML file that needs nothing else: which\n"
    "experts each task's gate gives its weight to, how often, what the experts cost, which nobody uses, and what\n"
    "top-k gates would skip and change. Where the rows have a column label_TASK or TASK, or --label names one, it\n"
    "also says what top-k does to the AUC (labels 0 and 1 of tasks that end in a probability; else to R squared and\n"
    "the mean squared error). An empty label leaves its row out for that task; '--label TASK=' all rows.\n\n"
    "Exit codes: 0 success; 1 bad model, rows or file, or output that cannot be written; 2 wrong command line.";

constexpr const char* kDefaultReport = "report.html";

struct Options {
  std::string model;
  std::string report;
  std::string output;
  std::vector<std::string> labels;
  std::string vocabulary;
  PlanLimits limits;
  bool json = false;
  bool tensors = false;
};

void declare(CommandLine& app, Options& options) {
  app.footer(kFooter);
  app.add_option("MODEL", options.model, "the .mmoe file")->required()->type_name("");
  Option* json = app.add_flag("--json", options.json, "print JSON for programs");
  Option* tensors = app.add_flag("--tensors", options.tensors, "list the tensors too");
  Option* vocabulary =
      app.add_option("--vocabulary", options.vocabulary, "print a categorical feature's values and ids instead, as CSV")
      ->type_name("FEATURE")
      ->excludes(json)
      ->excludes(tensors);
  Option* report =
      app.add_option("--report", options.report, "write an HTML report of the gates on these rows; CSV, .npy or '-'")
          ->type_name("ROWS")
          ->check([](const std::string& rows) { return std::string(rows.empty() ? "no file is named" : ""); })
          ->excludes(json)
          ->excludes(tensors)
          ->excludes(vocabulary);
  app.add_option("--label", options.labels, "column of ROWS with a task's labels; may be repeated [label_TASK, TASK]")
      ->type_name("TASK=COLUMN")
      ->one_argument_each()
      ->needs(report);
  app.add_option("-o,--output", options.output, "where the report goes [report.html, if there is none yet]")
      ->type_name("FILE")
      ->needs(report);
  declare_limits(app, options.limits);
}

int write_report(const Options& options) {
  const bool named = !options.output.empty();
  const std::string path = named ? options.output : kDefaultReport;
  if (!named && std::filesystem::exists(path)) {
    throw UsageError(path + " is there already: say --output " + path + " to replace it, or another name");
  }
  check_outputs({{"--output", path, "has the report"}},
                {{"MODEL", options.model, "is the model"}, {"--report", options.report, "has the rows"}});
  const Model model = map_model(options.model);
  ReportOptions report_options;
  report_options.model_path = options.model;
  report_options.rows_path = options.report;
  report_options.labels = options.labels;
  report_options.limits = options.limits;
  OutputFile out(path);  // first: a place that cannot be written should not be known only after all rows
  const Report report = make_report(model, report_options);
  out.write(report_html(report));
  out.commit();
  return kExitOk;
}

int inspect(const Options& options) {
  if (!options.report.empty()) return write_report(options);
  const Model model = map_model(options.model);
  OutputFile out("-");
  if (!options.vocabulary.empty()) {
    write_vocabulary(model, options.vocabulary, out);
  } else {
    const Json described = describe(model, options.model, options.tensors);
    // Names are the user's bytes; what is not UTF-8 is replaced rather than refused.
    out.write(options.json ? printable_json(described.dump(2, ' ', false, Json::error_handler_t::replace)) + "\n"
                           : model_text(described));
  }
  out.commit();
  return kExitOk;
}

}  // namespace
}  // namespace mmoe::tools

int main(int argc, char** argv) {
  mmoe::tools::Options options;
  mmoe::tools::CommandLine app(mmoe::tools::kDescription, "mmoe-inspect");
  mmoe::tools::declare(app, options);
  return mmoe::tools::run_tool(app, argc, argv, [&options] { return mmoe::tools::inspect(options); });
}
