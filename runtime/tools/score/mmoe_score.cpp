// mmoe-score: scores the rows of a CSV or .npy file with a model.
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>

#include "runtime/tools/model/gate_names.h"
#include "runtime/tools/model/map_model.h"
#include "runtime/tools/rows/csv_reader.h"
#include "runtime/tools/rows/row_reader.h"
#include "runtime/tools/score/score_writer.h"
#include "runtime/tools/score/scorer.h"
#include "runtime/tools/support/command_line.h"
#include "runtime/tools/support/input_files.h"
#include "runtime/tools/support/output_file.h"
#include "runtime/tools/support/progress.h"
#include "runtime/tools/support/text.h"

namespace mmoe::tools {
namespace {

constexpr const char* kDescription =
    "Scores rows with a .mmoe model. Writes one line per row, with one score per task, as CSV.\n\n"
    "ROWS is a CSV file whose header line names the features of the model, in any order. Other columns are ignored.\n"
    "For a model without features, the columns are x0, x1, …, or there are exactly as many as x has, and ROWS can\n"
    "also be a .npy array of float32 or float64, [rows, input_dim]. For a model with features, a .npy array can hold\n"
    "features that are numbers or whole numbers, if --header names its columns; x itself is not read.\n"
    "'mmoe-inspect MODEL' lists features and tasks.\n\n"
    "With --user, ROWS are candidates of one user and have the item features only. The user's share of the model is\n"
    "computed once. The scores have the bits of whole rows.";

constexpr const char* kFooter =
    "An empty value is missing, and a category outside of the vocabulary is unknown. The model says what happens to\n"
    "them. Their numbers are printed to standard error at the end. A category, and each element of a sequence\n"
    "(a|b|c), is looked up as written, then without the blanks around it. A sequence can also have a column per\n"
    "element, NAME.0, NAME.1, …, where an empty one means no element. Whole numbers may be written as floats (5.0).\n"
    "Blank lines are skipped; in a table of one column they are rows without a value. Scores are printed with\n"
    "enough digits to read the same bits back.\n\n"
    "If any column has the name of a column of x (x0, x1, …), all columns of x must be there by name.\n\n"
    "The files of --output and --gates are replaced only when they are complete. They cannot be one of the inputs.\n\n"
    "--gates writes, for each row, the weight that each gate gives to each of its experts, after top-k. A skipped\n"
    "expert has the weight 0. A column is named TASK.expertE if the gate feeds one task only, else gateG.expertE,\n"
    "where G is the position of the gate in its level. With several levels, the name begins with 'levelL.'. The\n"
    "numbers are those of 'mmoe-inspect MODEL'. Gates with constant weights (Shared-Bottom, Cross-Stitch) have no\n"
    "columns.\n\n"
    "Exit codes: 0 success; 1 the model, rows or a file cannot be used, or the output cannot be written; 2 wrong\n"
    "command line.";

constexpr int kMaxTopK = 1 << 16;  // beyond what the format allows; a negative number must not wrap around
constexpr int kMaxBatch = 1 << 20;

struct Options {
  std::string model;
  std::string rows;
  std::string user;
  std::string output = "-";
  std::string tasks;
  std::string header;
  std::string keep;
  std::string gates;
  std::string non_finite = "nan";
  ScorerOptions scorer;
  bool table = false;
  bool verify_checksums = false;
  bool quiet = false;
};

void declare(CommandLine& app, Options& options) {
  app.footer(kFooter);
  app.add_option("MODEL", options.model, "the .mmoe file")->required()->type_name("");
  app.add_option("ROWS", options.rows, "CSV or .npy file; '-' or no argument: standard input")->type_name("");
  app.add_option("-o,--output", options.output, "where to write the scores [standard output]")->type_name("FILE");
  app.add_option("--user", options.user,
                 "CSV or .npy file with one row, the user and context features; ROWS are then candidates")
      ->type_name("FILE");
  app.add_option("--tasks", options.tasks, "tasks to score; what only other tasks need is not computed [all]")
      ->type_name("A,B");
  app.add_option("--top-k", options.scorer.top_k,
                 "keep the K largest weights of every gate, those of a softmax renormalised [as the model says]")
      ->range(0, kMaxTopK)
      ->type_name("K");
  app.add_option("--min-gate-weight", options.scorer.min_gate_weight,
                 "skip experts whose gate weight is less than W, and renormalise [0: none]")
      ->real_range(0.0, 1.0)
      ->type_name("W");
  app.add_option("--batch", options.scorer.batch_rows, "rows to read and score at a time [256]")
      ->range(1, kMaxBatch)
      ->type_name("ROWS");
  app.add_option("--kernel-set", options.scorer.kernel_set,
                 "kernel set, for example avx2 [environment variable MMOE_KERNEL_SET, else the fastest]")
      ->type_name("NAME");
  app.add_option("--header", options.header,
                 "column names of a CSV file that has no header line, or of an array of features")
      ->type_name("A,B");
  app.add_option("--keep", options.keep, "columns of the CSV input to copy before the scores")->type_name("A,B");
  app.add_option("--gates", options.gates,
                 "also write the gate weights of each row, as CSV; --keep applies to both files")
      ->type_name("FILE");
  app.add_option("--non-finite", options.non_finite,
                 "what happens to a row with a NaN or infinite input: NaN scores, or an error [nan]")
      ->one_of({"nan", "error"})
      ->type_name("nan|error");
  app.add_flag("--table", options.table, "write an aligned table for people instead of CSV");
  app.add_flag("--verify-checksums", options.verify_checksums,
               "first compare every byte of the model with its checksums");
  declare_limits(app, options.scorer.limits);
  app.add_flag("-q,--quiet", options.quiet, "do not report which features had unknown or missing values");
}

std::vector<std::string> split_names(const std::string& option, const std::string& names) {
  if (names.empty()) return {};
  try {
    return split_csv(option, names);
  } catch (const ToolError& error) {
    throw UsageError(error.what());
  }
}

// Standard input where no file is given, unless that would wait for somebody to type.
std::string rows_path(const std::string& given) {
  if (given.empty() && isatty(STDIN_FILENO)) throw UsageError("no rows: name a file, or pass '-' for standard input");
  return given.empty() ? "-" : given;
}

RowReaderOptions reader_options(const Options& options) {
  RowReaderOptions result;
  result.batch_rows = options.scorer.batch_rows;
  result.header = split_names("--header", options.header);
  result.keep = split_names("--keep", options.keep);
  return result;
}

std::unique_ptr<ScoreWriter> make_writer(const Options& options, OutputFile& output,
                                         const std::vector<std::string>& keep, const std::vector<std::string>& tasks) {
  if (options.table) return std::make_unique<TableScoreWriter>(output, keep, tasks);
  return std::make_unique<CsvScoreWriter>(output, keep, tasks);
}

// Where something about each row goes, one line a row.
struct Destination {
  OutputFile output;
  std::unique_ptr<ScoreWriter> writer;

  explicit Destination(const std::string& path) : output(path) {}

  /// values: [num_rows, width].
  void write(const RowBatch& batch, const float* values, std::size_t width) {
    for (std::size_t i = 0; i < batch.num_rows(); ++i) writer->write(batch.kept(i), values + i * width);
    if (output.is_live()) output.flush();
  }
  void finish() {
    writer->finish();
    output.commit();
  }
};

std::unique_ptr<Destination> gates_destination(const Options& options, const Scorer& scorer,
                                               const std::vector<std::string>& keep) {
  if (options.gates.empty()) return nullptr;
  require_gates(scorer.plan(), "--gates");
  auto gates = std::make_unique<Destination>(options.gates);
  gates->writer = std::make_unique<CsvScoreWriter>(gates->output, keep, gate_columns(scorer.plan()));
  return gates;
}

// `gates` may be null.
std::uint64_t score_all(RowReader& reader, Scorer& scorer, Destination& scored, Destination* gates,
                        Progress& progress) {
  const std::size_t num_tasks = scorer.task_names().size();
  const std::size_t num_weights = gates ? scorer.plan().num_gate_weights() : 0;
  std::uint64_t rows = 0;
  while (const RowBatch* batch = reader.next()) {
    scored.write(*batch, scorer.score(reader, *batch), num_tasks);
    if (gates) gates->write(*batch, scorer.gate_weights(), num_weights);
    rows += batch->num_rows();
    progress.update(rows);
  }
  return rows;
}

// Two results must not overwrite each other, or what they are made of.
void check_named_files(const Options& options, const std::string& rows) {
  check_outputs({{"--output", options.output, "has the scores"}, {"--gates", options.gates, "has the gates"}},
                {{"MODEL", options.model, "is the model"},
                 {"ROWS", rows, "has the rows"},
                 {"--user", options.user, "has the user"}});
}

// What would make scores worse without a word: rows whose categories are spelt in another way than the vocabulary.
void print_notes(const Options& options, const RowReader& reader, const char* of) {
  if (options.quiet) return;
  for (const std::string& note : reader.notes()) std::fprintf(stderr, "note: %s%s\n", of, note.c_str());
}

// The one row of --user.
void read_user(const Model& model, const Options& given, Scorer& scorer) {
  const std::string& path = given.user;
  if (model.user_dim() == 0) throw UsageError("--user: the model declares no user-side inputs");
  RowReaderOptions options;
  options.batch_rows = 2;
  RowReader reader(path, input_spec(model, Part::kUser), options);
  const RowBatch* batch = reader.next();
  if (!batch || batch->num_rows() != 1) {
    throw ToolError(path + ": expected one row, the user's, found " + (batch ? "more" : "none"));
  }
  scorer.set_user(reader, *batch);
  print_notes(given, reader, "--user: ");
}

int score(Options options) {
  options.scorer.non_finite = options.non_finite == "error" ? NonFinite::kError : NonFinite::kNanScores;
  options.scorer.tasks = split_names("--tasks", options.tasks);
  options.scorer.gates = !options.gates.empty();
  RowReaderOptions rows_options = reader_options(options);
  const std::string path = rows_path(options.rows);
  check_named_files(options, path);
  LoadOptions load_options;
  load_options.verify_checksums = options.verify_checksums;
  const Model model = map_model(options.model, load_options);
  Scorer scorer(model, options.scorer);
  rows_options.batch_rows = scorer.max_rows();
  if (!options.user.empty()) read_user(model, options, scorer);
  const Part part = options.user.empty() ? Part::kWhole : Part::kCandidate;
  RowReader reader(path, input_spec(model, part), rows_options);
  const std::unique_ptr<Destination> gates = gates_destination(options, scorer, rows_options.keep);
  Destination scored(options.output);
  scored.writer = make_writer(options, scored.output, rows_options.keep, scorer.task_names());
  Progress progress;
  std::uint64_t rows = 0;
  try {
    rows = score_all(reader, scorer, scored, gates.get(), progress);
  } catch (...) {
    progress.clear();
    throw;
  }
  scored.finish();
  if (gates) gates->finish();
  progress.finish(rows, counted(scorer.task_names().size(), "task"));
  print_notes(options, reader, "");
  return kExitOk;
}

}  // namespace
}  // namespace mmoe::tools

int main(int argc, char** argv) {
  mmoe::tools::Options options;
  mmoe::tools::CommandLine app(mmoe::tools::kDescription, "mmoe-score");
  mmoe::tools::declare(app, options);
  return mmoe::tools::run_tool(app, argc, argv, [&options] { return mmoe::tools::score(options); });
}
