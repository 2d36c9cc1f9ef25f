// mmoe-bench: how fast this machine scores a model.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "mmoe/session.h"
#include "runtime/tools/command_line.h"
#include "runtime/tools/describe.h"
#include "runtime/tools/output_file.h"
#include "runtime/tools/text.h"
#include "runtime/tools/text_table.h"
#include "runtime/tools/timing.h"
#include "runtime/tools/work.h"

namespace mmoe::tools {
namespace {

constexpr const char* kDescription =
    "Times a .mmoe model on this machine: score() on rows of x, one thread, after a warm-up; medians of many samples.";

constexpr const char* kFooter =
    "Times are per call of a whole batch. GFLOP/s counts 2 per multiply-add of the layers and mixing, every expert\n"
    "computed; with top-k gates the work that is really done is less. load is mapping, verifying and planning, with\n"
    "the file in the page cache.\n\n"
    "Keys of --json (only ever added): file, isa, cpu, input_dim, tasks, load_us, flops_per_row, runs [{batch, p50_us,\n"
    "p99_us, best_us, rows_per_second, gflop_per_second, arena_bytes, samples}].\n\n"
    "Exit codes: 0 ok; 1 bad model; 2 wrong command line.";

struct Options {
  std::string model;
  std::vector<std::size_t> batches = {1, 8, 64, 256, 1024};
  std::string isa;
  std::size_t top_k = 0;
  double seconds = 0.5;
  std::optional<int> cpu;
  bool json = false;
};

struct Run {
  std::size_t batch;
  Timing timing;
  std::size_t arena_bytes;
};

struct Report {
  std::string isa;
  std::size_t input_dim = 0;
  std::size_t num_tasks = 0;
  double load_seconds = 0;
  double flops_per_row = 0;
  std::vector<Run> runs;
};

void declare(CLI::App& app, Options& options) {
  app.footer(kFooter);
  app.add_option("MODEL", options.model, "the .mmoe file")->required()->type_name("");
  app.add_option("--batch", options.batches, "rows per call [1,8,64,256,1024]")
      ->type_name("N,...")
      ->delimiter(',')
      ->check(CLI::Range(1, 1 << 20));
  app.add_option("--isa", options.isa, "kernel set, as avx2 [environment variable MMOE_ISA, else the fastest]")
      ->type_name("NAME");
  app.add_option("--top-k", options.top_k, "keep the K largest experts of every gate [as the file says]")
      ->type_name("K");
  app.add_option("--seconds", options.seconds, "time per batch size, s [0.5]")->check(CLI::Range(0.001, 3600.0));
  app.add_option("--cpu", options.cpu, "processor to stay on [wherever the system puts it]")->type_name("N");
  app.add_flag("--json", options.json, "print JSON for programs");
}

// Values in [-1, 1), the same in every run.
std::vector<float> inputs(std::size_t size) {
  std::vector<float> x(size);
  std::uint32_t state = 1;
  for (float& value : x) {
    state = state * 1664525u + 1013904223u;
    value = static_cast<float>(state >> 8) / static_cast<float>(1 << 23) - 1;
  }
  return x;
}

SessionOptions session_options(const Options& options, std::size_t batch) {
  SessionOptions session;
  session.max_batch = batch;
  session.isa = options.isa.empty() ? nullptr : options.isa.c_str();
  session.top_k = options.top_k;
  return session;
}

Session make_session(const Model& model, const Options& options, std::size_t batch) {
  Result<Session> session = Session::create(model, session_options(options, batch));
  if (!session) throw UsageError(session.error().message());
  return std::move(*session);
}

Run time_batch_size(const Model& model, const Options& options, std::size_t batch) {
  Session session = make_session(model, options, batch);
  const std::vector<float> x = inputs(batch * model.input_dim());
  std::vector<float> scores(batch * model.num_tasks());
  TimingOptions timing;
  timing.seconds = options.seconds;
  const auto score = [&] {
    if (Status status = session.score(x.data(), batch, scores.data()); !status) {
      throw ToolError(status.error().message());
    }
  };
  return {batch, time_calls(score, timing), session.plan().arena_bytes()};
}

double time_load(const Options& options) {
  const auto load = [&] {
    const Model model = map_model(options.model);
    (void)make_session(model, options, 1);
  };
  return time_calls(load, {0.05, 0.02, 1e-4}).median;
}

Report measure(const Options& options) {
  if (options.cpu && !pin_to_cpu(*options.cpu)) {
    throw UsageError("--cpu: the system does not let this process run on processor " + std::to_string(*options.cpu));
  }
  const Model model = map_model(options.model);
  Report report;
  report.isa = make_session(model, options, 1).plan().isa();
  report.input_dim = model.input_dim();
  report.num_tasks = model.num_tasks();
  report.flops_per_row = static_cast<double>(flops_per_row(ModelView(model).root()).all_experts);
  report.load_seconds = time_load(options);
  for (const std::size_t batch : options.batches) report.runs.push_back(time_batch_size(model, options, batch));
  return report;
}

std::string fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

double rows_per_second(const Run& run) { return static_cast<double>(run.batch) / run.timing.median; }

std::string report_text(const Options& options, const Report& report) {
  std::string out = printable(options.model) + ": " + std::to_string(report.input_dim) + " inputs, " +
                    counted(report.num_tasks, "task") + ", kernel set " + report.isa + ", load " +
                    fixed(report.load_seconds * 1e6, 1) + " us\n";
  TextTable table({"batch, rows", "p50, us", "p99, us", "per row, us", "rows/s", "GFLOP/s", "arena"});
  for (const Run& run : report.runs) {
    table.add({std::to_string(run.batch), fixed(run.timing.median * 1e6, 2), fixed(run.timing.p99 * 1e6, 2),
               fixed(run.timing.median * 1e6 / static_cast<double>(run.batch), 3),
               with_thousands(static_cast<std::uint64_t>(rows_per_second(run))),
               fixed(rows_per_second(run) * report.flops_per_row * 1e-9, 1), human_bytes(run.arena_bytes)});
  }
  return out + table.text("  ");
}

std::string report_json(const Options& options, const Report& report) {
  nlohmann::ordered_json out = {{"file", options.model},
                                {"isa", report.isa},
                                {"cpu", options.cpu ? nlohmann::ordered_json(*options.cpu) : nlohmann::ordered_json()},
                                {"input_dim", report.input_dim},
                                {"tasks", report.num_tasks},
                                {"load_us", report.load_seconds * 1e6},
                                {"flops_per_row", report.flops_per_row}};
  out["runs"] = nlohmann::ordered_json::array();
  for (const Run& run : report.runs) {
    out["runs"].push_back({{"batch", run.batch},
                           {"p50_us", run.timing.median * 1e6},
                           {"p99_us", run.timing.p99 * 1e6},
                           {"best_us", run.timing.best * 1e6},
                           {"rows_per_second", rows_per_second(run)},
                           {"gflop_per_second", rows_per_second(run) * report.flops_per_row * 1e-9},
                           {"arena_bytes", run.arena_bytes},
                           {"samples", run.timing.num_samples}});
  }
  return out.dump(2) + "\n";
}

int run(const Options& options) {
  const Report report = measure(options);
  OutputFile out("-");
  out.write(options.json ? report_json(options, report) : report_text(options, report));
  out.commit();
  return kExitOk;
}

}  // namespace
}  // namespace mmoe::tools

int main(int argc, char** argv) {
  mmoe::tools::Options options;
  CLI::App app(mmoe::tools::kDescription, "mmoe-bench");
  mmoe::tools::declare(app, options);
  return mmoe::tools::run_tool(app, argc, argv, [&options] { return mmoe::tools::run(options); });
}
