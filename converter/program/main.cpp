// mmoe-convert: trained weights and a description in, a checked .mmoe file out.
#include <filesystem>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "converter/check/expect.h"
#include "converter/check/score_rows.h"
#include "converter/error.h"
#include "converter/importers/left_out.h"
#include "converter/importers/open_weights.h"
#include "converter/interpretation/interpretation.h"
#include "converter/model/number_names.h"
#include "converter/program/convert.h"
#include "converter/program/file_sink.h"
#include "converter/program/given_numbers.h"
#include "converter/program/hash_file.h"
#include "converter/program/number_summary.h"
#include "converter/program/pruning.h"
#include "converter/program/search_summary.h"
#include "converter/program/summary.h"
#include "converter/proof/prove.h"
#include "converter/recipes/recipe.h"
#include "converter/search/patterns.h"
#include "converter/search/scratch_sink.h"
#include "converter/search/search.h"
#include "converter/search/search_page.h"
#include "runtime/tools/support/command_line.h"
#include "runtime/tools/support/input_files.h"
#include "runtime/tools/support/output_file.h"
#include "runtime/tools/support/plan_limits.h"
#include "runtime/tools/support/printable.h"
#include "runtime/tools/support/text_file.h"

namespace {

namespace fs = std::filesystem;
using namespace mmoe::converter;

struct Arguments {
  std::string weights;
  std::string description;
  std::string recipe;
  std::string output;
  std::string rows;
  std::string expect;
  std::vector<std::string> labels;
  std::string weight_type = "f32", table_type = "f32";
  std::string numbers;
  std::string quantize;
  std::vector<std::string> budget;
  std::string page;
  Tolerance tolerance;
  ConvertOptions options;
  uint32_t prune = 0;
  bool print_description = false;
  bool quiet = false;
};

using mmoe::tools::printable;

/// Comes last: a report that cannot be printed must not cost the model, and must not look like a success.
void print(const std::string& text, const std::string& written) {
  try {
    mmoe::tools::OutputFile out("-");
    out.write(text);
    out.commit();
  } catch (const mmoe::tools::ToolError& error) {
    const std::string consolation = written.empty() ? "" : "; " + written + " is written and whole";
    throw mmoe::tools::ToolError(error.what() + consolation);
  }
}

void print_report(std::ostream& out, const Arguments& arguments, const TrainedModel& model, const BindReport& bound,
                  const std::optional<Pruning>& pruning, const std::optional<SearchResult>& found,
                  const ConvertReport& converted) {
  print_notes(out, bound.notes);
  print_model(out, model, converted);
  if (pruning) {
    for (const std::string& line : pruning->describe()) out << printable(line) << '\n';
  }
  if (found) {
    for (const std::string& line : describe_search(*found)) out << printable(line) << '\n';
  }
  for (const std::string& line : describe_numbers(converted, model.output_names())) {
    out << printable(line) << '\n';
  }
  if (found) {
    out << "to have these types again without a search, pass --numbers NUMBERS, or put them into the description's "
           "`numbers`:\n"
        << numbers_json(model) << '\n';
  }
  print_check(out, converted.check);
  if (!arguments.output.empty()) out << "wrote " << printable(arguments.output) << '\n';
}

void print_expected(std::ostream& out, const Arguments& arguments, const ExpectReport& report) {
  out << "expect: " << report.num_rows << " rows agree with " << printable(arguments.expect) << " within "
      << arguments.tolerance.absolute << " + " << arguments.tolerance.relative
      << " x the size of the scores; largest differences:";
  for (size_t i = 0; i < report.task_names.size(); ++i) {
    out << (i == 0 ? " " : ", ") << printable(report.task_names[i]) << ' ' << report.largest_difference[i];
  }
  out << '\n';
  for (const std::string& note : report.notes) out << "note: --rows: " << note << '\n';
}

/// Where a graph could not be evaluated, and where there is none, expected scores are what a file can be compared with.
void print_comparison(std::ostream& out, const Arguments& arguments, const OnnxGraph* graph,
                      const ProofReport& report) {
  print_proof(out, graph, report);
  if (report.num_rows > 0 || !arguments.expect.empty()) return;
  out << "note: not compared with your framework: to do that, pass --rows and --expect\n";
}

// The JSON itself may stand in the place of a description's name.
void check_named_files(const Arguments& arguments) {
  const bool is_file = !arguments.description.empty() && arguments.description.front() != '{';
  const bool is_list = !arguments.numbers.empty() && arguments.numbers.front() != '[';
  mmoe::tools::check_outputs(
      {{"--output", arguments.output, "has the model"}, {"--report", arguments.page, "has the report"}},
      {{"WEIGHTS", arguments.weights, "has the weights"},
       {"DESCRIPTION", is_file ? arguments.description : "", "is the description"},
       {"--numbers", is_list ? arguments.numbers : "", "has the types of numbers"},
       {"--rows", arguments.rows, "has the rows"},
       {"--expect", arguments.expect, "has the expected scores"}});
}

TrialOptions trial_options(const Arguments& arguments) {
  TrialOptions options;
  options.rows_path = arguments.rows;
  options.labels = arguments.labels;
  options.budget = parse_budget(arguments.budget);
  options.num_golden_rows = arguments.options.num_golden_rows;
  options.golden_seed = arguments.options.golden_seed;
  options.measure_times = !arguments.page.empty() || options.budget.time.has_value();
  return options;
}

void check_search(const Arguments& arguments) {
  using mmoe::tools::UsageError;
  if (arguments.quantize.empty()) {
    if (!arguments.budget.empty()) throw UsageError("--budget: what keeps it is found by --quantize auto");
    if (!arguments.page.empty()) throw UsageError("--report: it is about the choices of --quantize auto");
    return;
  }
  if (arguments.rows.empty()) {
    throw UsageError("--quantize auto: no rows: what smaller numbers do to the scores is measured on --rows FILE");
  }
  if (arguments.page == "-" && !arguments.quiet) {
    throw UsageError("--report -: standard output has the lines of text; --quiet leaves them out");
  }
  parse_budget(arguments.budget);
  const bool is_missing = arguments.rows != "-" && !fs::exists(arguments.rows);  // that has a message of its own
  if (is_missing || fs::is_regular_file(arguments.rows)) return;
  throw ConvertError("--rows: " + arguments.rows + " is not a file. With --quantize auto the rows are read twice");
}

// The rows are read once more for each of the other things that they are for.
std::optional<Pruning> drop_rare_ids(const Arguments& arguments, const ProvenanceInfo& provenance,
                                     uint64_t scratch_bytes, TrainedModel& model) {
  if (arguments.prune == 0) return std::nullopt;
  if (model.embeddings.empty()) throw ConvertError("--prune: the model has no categorical features");
  if (arguments.rows == "-" || (fs::exists(arguments.rows) && !fs::is_regular_file(arguments.rows))) {
    throw ConvertError("--rows: " + arguments.rows + " is not a file. With --prune the rows are read more than once");
  }
  return std::optional<Pruning>(std::in_place, provenance, arguments.options, arguments.rows, arguments.prune,
                                scratch_bytes, model);
}

// Types for what the description says nothing of.
std::optional<SearchResult> find_types(const Arguments& arguments, const ProvenanceInfo& provenance,
                                       TrainedModel& model) {
  if (arguments.quantize.empty()) return std::nullopt;
  const SearchResult found = search(model, provenance, trial_options(arguments));
  apply(found.parts, found.choice().choice, model);
  return found;
}

void run(Arguments arguments) {
  check_search(arguments);
  check_named_files(arguments);
  arguments.options.numbers = number_options(arguments.weight_type, arguments.table_type);
  if (!arguments.rows.empty()) {
    arguments.options.rows_file = fs::path(arguments.rows).filename().string();
    arguments.options.measure = [&arguments](std::string_view file, std::string_view f32_file,
                                             ScoreDifferences& differences) {
      if (!arguments.expect.empty() && !fs::is_regular_file(arguments.rows)) {
        throw ConvertError("--rows: " + arguments.rows +
                           " is not a file. With --expect and numbers smaller than f32 the rows are read twice");
      }
      add_rows(file, f32_file, arguments.rows, arguments.labels, differences);
    };
  }
  const fs::path weights_path(arguments.weights);
  const OpenedWeights weights = open_weights(weights_path);
  const Interpretation interpretation =
      interpret(*weights, weights.graph(), {arguments.weights, arguments.description, arguments.recipe});
  const std::string& text = interpretation.description;
  if (arguments.print_description) {
    if (interpretation.method == Method::kGraph) {
      throw ConvertError(arguments.weights +
                         ": an ONNX model is recognised by its graph, so there is no description to print");
    }
    print_notes(std::cerr, interpretation.notes);
    print(mmoe::tools::printable_json(text) + "\n", "");
    return;
  }
  BindReport bound;
  TrainedModel model = read_model(*weights, weights.graph(), interpretation, weights_path.stem().string(), bound);
  apply_numbers(arguments.numbers, model);
  for (const std::string& warning : describe_warnings(interpretation, bound)) {
    std::cerr << "warning: " << warning << '\n';
  }
  const ProvenanceInfo provenance{weights_path.filename().string(), hash_file(weights_path),
                                  XXH64(text.data(), text.size(), 0)};
  FileSink output(arguments.output);
  std::optional<mmoe::tools::OutputFile> page;  // first: a place that cannot be written is known before the search
  if (!arguments.page.empty()) page.emplace(arguments.page);
  std::optional<Pruning> pruning = drop_rare_ids(arguments, provenance, fs::file_size(weights_path), model);
  const std::optional<SearchResult> found = find_types(arguments, provenance, model);
  ScratchSink f32_output(fs::file_size(weights_path));
  const ConvertReport converted = convert(model, provenance, arguments.options, output, f32_output);
  // What the framework computes is compared with the model before its ids were dropped and its numbers rounded.
  const std::string_view f32_file = pruning            ? pruning->whole_file()
                                    : converted.is_f32 ? output.view()
                                                       : f32_output.view();
  ExpectReport expected;
  if (!arguments.expect.empty()) {
    expected = compare_with_expected(f32_file, arguments.rows, arguments.expect, arguments.tolerance);
  }
  const OnnxGraph* graph = weights.graph();
  ProofReport proof;
  if constexpr (kReadsOnnx) {
    const bool of_graph = interpretation.method == Method::kGraph;
    if (graph != nullptr)
      proof = prove(*graph, pruning ? pruning->whole_model() : model, f32_file, arguments.options.golden_seed,
                    of_graph ? Features::kOfGraph : Features::kOfDescription);
  }
  output.commit();
  if (page) {
    page->write(search_page(*found, {model.name, fs::path(arguments.rows).filename().string(),
                                     fs::path(arguments.output).filename().string(), numbers_json(model)}));
    page->commit();
  }
  if (arguments.quiet) return;
  if (converted.is_f32 && !found && !pruning && !arguments.rows.empty() && arguments.expect.empty()) {
    std::cerr << "note: --rows was not read: all numbers are f32, and there is no --expect\n";
  }
  std::ostringstream report;
  print_report(report, arguments, model, bound, pruning, found, converted);
  print_comparison(report, arguments, graph, proof);
  if (!arguments.expect.empty()) print_expected(report, arguments, expected);
  print(report.str(), arguments.output);
}

void declare(mmoe::tools::CommandLine& app, Arguments& arguments) {
  app.footer(
      "FILE is replaced only when the new file is complete and checked. It keeps the permissions of the file that it\n"
      "replaces, and cannot be one of the inputs.\n\n"
      "Exit codes: 0 written and checked; 1 input refused, nothing written, or the report could not be printed; 2\n"
      "wrong command line.");
  app.add_option(
         "WEIGHTS", arguments.weights,
         "a PyTorch state dict (.pt, .pth), .safetensors, NumPy .npz, Keras .keras or .h5, Paddle .pdparams, or ONNX; "
         "the first bytes decide which")
      ->required()
      ->type_name("");
  app.add_option(
         "DESCRIPTION", arguments.description,
         "what the tensors mean: a JSON file, or the JSON itself. Either a description (DESCRIPTION.md) or settings "
         "for a recipe (RECIPES.md). An ONNX model needs none (ONNX.md)")
      ->type_name("");
  mmoe::tools::Option* output =
      app.add_option("-o,--output", arguments.output, "the model file to write")->type_name("FILE");
  std::string libraries;
  for (const std::string& name : recipe_names()) libraries += (libraries.empty() ? "" : ", ") + name;
  app.add_option("--recipe", arguments.recipe,
                 "the weights were saved by this library: " + libraries + " [recognised by the names of the tensors]")
      ->one_of(recipe_names())
      ->type_name("NAME");
  app.add_flag("--print-description", arguments.print_description,
               "print the description that the recipe makes, and stop")
      ->excludes(output);
  mmoe::tools::Option* quantize =
      app.add_option("--quantize", arguments.quantize,
                     "auto: find the smallest types of weights and tables that keep --budget on --rows")
          ->one_of({"auto"})
          ->type_name("auto");
  app.add_option(
         "--budget", arguments.budget,
         "what --quantize may cost: score=X, the largest difference of a score; auc=X or r2=X, what a task "
         "with labels may lose; or shall reach: bytes=N, as bytes=2MB; us=X or us=X@ROWS, microseconds per row "
         "on this machine. Can be repeated [auc=0.0005 or r2=0.0005 of tasks with labels, score=0.001 of others]")
      ->type_name("KEY=VALUE")
      ->one_argument_each();
  app.add_option("--report", arguments.page, "write an HTML page of what --quantize has tried")->type_name("FILE");
  app.add_option(
         "--numbers", arguments.numbers,
         "types of some layers and tables: a JSON list as the description's key `numbers`, or a file with it. It "
         "refines the description's")
      ->type_name("JSON|FILE");
  app.add_option("--weights", arguments.weight_type,
                 "type of the layers' weights, where the description names none: f32, f16, bf16, i8, or w8a8 [f32]")
      ->one_of(weight_type_names())
      ->type_name("TYPE")
      ->excludes(quantize);
  app.add_option("--tables", arguments.table_type,
                 "type of the embedding tables, where the description names none: f32, f16, u8, or u4 [f32]")
      ->one_of(table_type_names())
      ->type_name("TYPE")
      ->excludes(quantize);
  mmoe::tools::Option* rows =
      app.add_option("--rows", arguments.rows,
                     "rows for --expect, and on which the difference from f32 is measured: CSV or .npy, as mmoe-score "
                     "reads them")
          ->type_name("FILE");
  app.add_option("--prune", arguments.prune,
                 "drop ids that --rows has fewer than N times, and their rows of the embedding tables: they become "
                 "unknown values. Features that refuse unknown values keep all")
      ->range(1, 1000000000)
      ->needs(rows)
      ->type_name("N");
  app.add_option("--expect", arguments.expect, "scores of --rows from the training framework: CSV or .npy")
      ->needs(rows)
      ->type_name("FILE");
  app.add_option("--label", arguments.labels,
                 "column of --rows with the labels of a task, for the AUC or R² before and after; can be repeated "
                 "[label_TASK or TASK]")
      ->type_name("TASK=COLUMN")
      ->one_argument_each()
      ->needs(rows);
  app.add_option("--tolerance", arguments.tolerance.absolute, "absolute tolerance of --expect [2e-6]")
      ->not_negative()
      ->type_name("X");
  app.add_option("--relative-tolerance", arguments.tolerance.relative,
                 "relative tolerance of --expect, times the size of the task's scores, is added [2e-6]")
      ->not_negative()
      ->type_name("X");
  app.add_option("--golden-rows", arguments.options.num_golden_rows, "number of rows with known scores to store [8]")
      ->range(0, 100000)
      ->type_name("N");
  app.add_option("--seed", arguments.options.golden_seed, "seed of the inputs of the golden rows [1]")->type_name("N");
  mmoe::tools::declare_limits(app, arguments.options.limits);
  app.add_flag("-q,--quiet", arguments.quiet, "print warnings and errors only");
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  mmoe::tools::CommandLine app(
      "Converts trained weights to a .mmoe model file, and checks the file: the runtime scores random rows with it,\n"
      "and the scores must equal those of the description, up to float rounding. If the weights are an ONNX model,\n"
      "they must also equal those of its graph. Some of the rows are stored in the file, for mmoe-verify.",
      "mmoe-convert");
  declare(app, arguments);
  return mmoe::tools::run_tool(app, argc, argv, [&arguments] {
    if (arguments.output.empty() && !arguments.print_description) {
      throw mmoe::tools::UsageError("--output is required");
    }
    try {
      run(arguments);
    } catch (const ConvertError& error) {
      throw mmoe::tools::ToolError(error.what());
    }
    return mmoe::tools::kExitOk;
  });
}
