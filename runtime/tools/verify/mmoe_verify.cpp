// mmoe-verify: checks on the device that a model file is whole and scores as the converter saw it score.
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "runtime/tools/support/command_line.h"
#include "runtime/tools/support/input_files.h"
#include "runtime/tools/support/output_file.h"
#include "runtime/tools/support/printable.h"
#include "runtime/tools/support/text.h"
#include "runtime/tools/support/text_table.h"
#include "runtime/tools/verify/golden_replay.h"

namespace mmoe::tools {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kDescription =
    "Checks that a .mmoe file is intact, and that this machine computes the scores that the converter computed. It\n"
    "checks the structure, the checksums, and the golden rows (inputs with known scores), one at a time and in one\n"
    "batch.";

constexpr const char* kFooter =
    "Kernel sets with fused multiply-adds must give the golden scores bit for bit. Scores of other sets (sse2) may\n"
    "differ by 2^-23 times the number of terms summed on the longest path through the model, times max(1, |score|).\n\n"
    "Keys of --json (only ever added): file, ok, structure {ok, error}, checksums {ok, error}, golden_rows,\n"
    "f32_scores {wrong, largest_difference}, replay_error, replays [{kernel_set, exact, batch, scores, wrong,\n"
    "tolerance, largest_difference, ok, first_wrong {row, task, found, expected}}].\n\n"
    "Exit codes: 0 all checks passed; 1 a check failed, or the result cannot be written; 2 wrong command line.";

struct Options {
  std::string model;
  std::string kernel_set;
  bool all_kernel_sets = false;
  bool json = false;
  PlanLimits limits;
};

struct Report {
  Status structure;
  Status checksums;
  std::size_t num_golden_rows = 0;
  std::vector<std::string> tasks;
  std::vector<Replay> replays;
  F32Comparison f32;
  std::string replay_error;  ///< golden rows that cannot be scored at all

  bool ok() const {
    bool result = structure.ok() && checksums.ok() && replay_error.empty() && f32.num_wrong == 0;
    for (const Replay& replay : replays) result = result && replay.report.num_wrong == 0;
    return result;
  }
};

void declare(CommandLine& app, Options& options) {
  app.footer(kFooter);
  app.add_option("MODEL", options.model, "the .mmoe file")->required()->type_name("");
  Option* all = app.add_flag("--all-kernel-sets", options.all_kernel_sets,
                             "replay the golden rows with every kernel set of this machine");
  app.add_option("--kernel-set", options.kernel_set,
                 "kernel set, for example avx2 [environment variable MMOE_KERNEL_SET, else the fastest]")
      ->type_name("NAME")
      ->excludes(all);
  app.add_flag("--json", options.json, "print the result as JSON");
  declare_limits(app, options.limits);
}

void replay_all(const Model& model, const Options& options, Report& report) {
  const std::vector<std::string> kernel_sets =
      options.all_kernel_sets ? available_kernel_sets() : std::vector<std::string>{options.kernel_set};
  std::vector<std::size_t> batches = {1};
  if (report.num_golden_rows > 1) batches.push_back(report.num_golden_rows);
  for (const std::string& kernel_set : kernel_sets) {
    for (const std::size_t batch : batches) {
      const char* name = kernel_set.empty() ? nullptr : kernel_set.c_str();
      report.replays.push_back(replay_golden_rows(model, name, batch, options.limits));
    }
  }
}

Report verify(const Options& options) {
  Report report;
  note_input(options.model);
  const Result<Model> model = Model::map(options.model.c_str());
  if (!model) {
    report.structure = model.error();
    return report;
  }
  report.checksums = model->verify_checksums();
  report.num_golden_rows = model->golden_rows().num_rows;
  report.f32 = compare_with_f32(*model);
  for (std::size_t i = 0; i < model->num_tasks(); ++i) report.tasks.emplace_back(model->task_name(i));
  try {
    if (report.num_golden_rows > 0) replay_all(*model, options, report);
  } catch (const UsageError&) {
    throw;
  } catch (const ToolError& error) {
    report.replay_error = error.what();
  }
  return report;
}

std::string float_text(float value) {
  std::string text;
  append_float(text, value);
  return text;
}

std::string difference_text(double difference) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2g", difference);
  return text;
}

std::string result_text(const Replay& replay, const Report& report) {
  if (replay.report.num_wrong == 0 && replay.report.exact) return "the same bits";
  const std::string largest = "largest difference " + difference_text(replay.report.largest_difference) +
                              (replay.report.exact ? "" : ", allowed " + difference_text(replay.report.tolerance));
  if (replay.report.num_wrong == 0) return largest;
  return "WRONG: " + with_thousands(replay.report.num_wrong) + " of " + counted(replay.report.num_scores, "score") +
         "; row " + std::to_string(replay.report.row) + ", task '" + printable(report.tasks[replay.report.task]) +
         "': " + float_text(replay.report.found) + ", expected " + float_text(replay.report.expected) + "; " + largest;
}

std::string status_text(const Status& status) {
  return status ? "ok" : std::string("FAILED: ") + printable(status.error().message());
}

std::string f32_text(const F32Comparison& f32) {
  if (!f32.present) return {};
  const std::string largest = "largest difference " + difference_text(f32.largest_difference);
  return "  f32 scores   " +
         (f32.num_wrong == 0
              ? largest + ", within what the file says"
              : "WRONG: " + counted(f32.num_wrong, "score") + " differ by more than the file says; " + largest) +
         "\n";
}

std::string report_text(const Options& options, const Report& report) {
  std::string out = printable(options.model) + "\n  structure    " + status_text(report.structure) + "\n";
  if (!report.structure) return out;
  out += "  checksums    " + status_text(report.checksums) + "\n  golden rows  ";
  if (report.num_golden_rows == 0) return out + "none: scores are not verified\n";
  out += counted(report.num_golden_rows, "row") + " x " + counted(report.tasks.size(), "task") + "\n" +
         f32_text(report.f32) + "\n";
  TextTable table({"kernel set", "batch, rows", "scores"});
  for (const Replay& replay : report.replays) {
    table.add({replay.kernel_set, std::to_string(replay.batch), result_text(replay, report)});
  }
  return out + (report.replays.empty() ? "" : table.text("  ")) +
         (report.replay_error.empty() ? "" : "  FAILED: " + printable(report.replay_error) + "\n");
}

Json status_json(const Status& status) {
  if (status) return {{"ok", true}, {"error", nullptr}};
  return {{"ok", false},
          {"error", {{"code", error_code_name(status.error().code())}, {"message", status.error().message()}}}};
}

Json finite_or_null(double value) { return std::isfinite(value) ? Json(value) : Json(); }

Json replay_json(const Replay& replay, const Report& report) {
  Json out = {{"kernel_set", replay.kernel_set},
              {"exact", replay.report.exact},
              {"batch", replay.batch},
              {"scores", replay.report.num_scores},
              {"wrong", replay.report.num_wrong},
              {"tolerance", replay.report.tolerance},
              {"largest_difference", finite_or_null(replay.report.largest_difference)},
              {"ok", replay.report.num_wrong == 0},
              {"first_wrong", nullptr}};
  if (replay.report.num_wrong > 0) {
    out["first_wrong"] = {{"row", replay.report.row},
                          {"task", report.tasks[replay.report.task]},
                          {"found", finite_or_null(double{replay.report.found})},
                          {"expected", finite_or_null(double{replay.report.expected})}};
  }
  return out;
}

std::string report_json(const Options& options, const Report& report) {
  Json out = {{"file", options.model}, {"ok", report.ok()}, {"structure", status_json(report.structure)}};
  out["checksums"] = report.structure ? status_json(report.checksums) : Json();
  out["golden_rows"] = report.structure ? Json(report.num_golden_rows) : Json();
  out["f32_scores"] = !report.f32.present ? Json()
                                          : Json{{"wrong", report.f32.num_wrong},
                                                 {"largest_difference", finite_or_null(report.f32.largest_difference)}};
  out["replay_error"] = report.replay_error.empty() ? Json() : Json(report.replay_error);
  out["replays"] = Json::array();
  for (const Replay& replay : report.replays) out["replays"].push_back(replay_json(replay, report));
  return printable_json(out.dump(2, ' ', false, Json::error_handler_t::replace)) + "\n";
}

int run(const Options& options) {
  const Report report = verify(options);
  OutputFile out("-");
  out.write(options.json ? report_json(options, report) : report_text(options, report));
  out.commit();
  return report.ok() ? kExitOk : kExitFailure;
}

}  // namespace
}  // namespace mmoe::tools

int main(int argc, char** argv) {
  mmoe::tools::Options options;
  mmoe::tools::CommandLine app(mmoe::tools::kDescription, "mmoe-verify");
  mmoe::tools::declare(app, options);
  return mmoe::tools::run_tool(app, argc, argv, [&options] { return mmoe::tools::run(options); });
}
