// mmoe-inspect: says what a .mmoe file holds.
#include <filesystem>
#include <string>
#include <vector>

#include "runtime/tools/describe/describe.h"
#include "runtime/tools/describe/print_model.h"
#include "runtime/tools/inspect/vocabulary_dump.h"
#include "runtime/tools/model/map_model.h"
#include "runtime/tools/report/report.h"
#include "runtime/tools/report/report_html.h"
#include "runtime/tools/support/command_line.h"
#include "runtime/tools/support/input_files.h"
#include "runtime/tools/support/output_file.h"
#include "runtime/tools/support/printable.h"

namespace mmoe::tools {
namespace {

constexpr const char* kDescription =
    "Shows what a .mmoe file holds: features, nodes, experts, gates, towers and tasks, and what they cost.";

constexpr const char* kFooter =
    "FLOPs are counted as 2 per multiply-add of layers, gates, nodes and mixing. Activations are not counted. For\n"
    "top-k gates, the least is for gates of a level that select the same experts, the most for gates that select\n"
    "different ones. A bias of zeros does not count as parameters.\n\n"
    "Keys of --json (only ever added): file, file_bytes, format_version, name, architecture, input_dim, user_dim,\n"
    "candidate_dim, parameters, weight_bytes, flops_per_row {all_experts, top_k_min, top_k_max}, golden_rows,\n"
    "score_change {rows, rows_file, tasks [{task, largest, mean, labels, quality {measure, f32, stored}}]}, features,\n"
    "trunk, nodes, levels [{experts, gates}], towers, tasks, auxiliary_tasks, segments, header_xxh64, tensors (with\n"
    "--tensors), provenance.\n\n"
    "--report scores rows, which it reads as mmoe-score does, and writes one HTML file without external resources.\n"
    "It shows how much weight the gate of each task gives to each expert, what each expert costs, which experts are\n"
    "not used, and what top-k gates would save and change.\n\n"
    "If the rows have labels, it also shows what top-k does to the quality: the AUC for tasks that end in a\n"
    "probability (labels 0 and 1), R squared and the mean squared error for others. Labels are in the column\n"
    "label_TASK or TASK, or in that of --label. A row with an empty label is left out for that task. '--label\n"
    "TASK=' uses no labels.\n\n"
    "Exit codes: 0 success; 1 the model, rows or a file cannot be used, or the output cannot be written; 2 wrong\n"
    "command line.";

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
  Option* json = app.add_flag("--json", options.json, "print the structure as JSON");
  Option* tensors = app.add_flag("--tensors", options.tensors, "list the tensors too");
  Option* vocabulary = app.add_option("--vocabulary", options.vocabulary,
                                      "print only the values and ids of a categorical feature, as CSV")
                           ->type_name("FEATURE")
                           ->excludes(json)
                           ->excludes(tensors);
  Option* report =
      app.add_option("--report", options.report,
                     "write an HTML report of the gates for these rows: CSV, .npy, or '-' for standard input")
          ->type_name("ROWS")
          ->check([](const std::string& rows) { return std::string(rows.empty() ? "no file is named" : ""); })
          ->excludes(json)
          ->excludes(tensors)
          ->excludes(vocabulary);
  app.add_option("--label", options.labels,
                 "column of ROWS with the labels of a task; can be repeated [label_TASK or TASK]")
      ->type_name("TASK=COLUMN")
      ->one_argument_each()
      ->needs(report);
  app.add_option("-o,--output", options.output, "where to write the report [report.html, unless it exists]")
      ->type_name("FILE")
      ->needs(report);
  declare_limits(app, options.limits);
}

int write_report(const Options& options) {
  const bool named = !options.output.empty();
  const std::string path = named ? options.output : kDefaultReport;
  if (!named && std::filesystem::exists(path)) {
    throw UsageError(path + " exists already: pass --output " + path + " to replace it, or another name");
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
