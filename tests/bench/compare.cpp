// compare: mmoe-edge and its peers side by side, in one run. run.sh builds and starts it.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "runtime/tools/bench/timing.h"
#include "runtime/tools/support/command_line.h"
#include "runtime/tools/support/output_file.h"
#include "tests/bench/aligned.h"
#include "tests/bench/measure.h"
#include "tests/bench/read_network.h"
#include "tests/bench/report.h"

namespace mmoe::bench {
namespace {

constexpr const char* kDescription =
    "Times mmoe-edge and other engines on the same models, weights and inputs: one thread, rounds in which\n"
    "every engine gets a slice, medians. Every engine's scores are compared with ours before it is timed.\n"
    "FOLDER holds what make_models.py and mmoe-convert have written.";

struct Options {
  std::string folder;
  std::vector<std::string> models = {"paper", "small", "medium", "large"};
  std::vector<std::size_t> batches = {1, 8, 64, 256, 1024};
  std::vector<std::string> engines;
  EngineOptions engine;
  MeasureOptions measure;
  std::optional<int> cpu;
  std::string csv;
  bool least = false;
  bool quick = false;
};

void declare(tools::CommandLine& app, Options& options) {
  app.add_option("FOLDER", options.folder, "the models")->required()->type_name("");
  app.add_option("--models", options.models, "names [paper,small,medium,large]")->type_name("NAME,...")->delimiter(',');
  app.add_option("--batch", options.batches, "rows per call [1,8,64,256,1024]")->type_name("N,...")->delimiter(',');
  std::vector<std::string> names;
  for (const EngineEntry& entry : all_engines()) names.push_back(entry.name);
  app.add_option("--engines", options.engines, "besides ours [all]")
      ->type_name("NAME,...")
      ->delimiter(',')
      ->one_of(names);
  // Of what run.sh passes, the last counts.
  app.add_option("--onnxruntime", options.engine.onnxruntime, "libonnxruntime.so")
      ->type_name("FILE")
      ->take_last();
  app.add_option("--torch-python", options.engine.torch_python, "a Python that has PyTorch")
      ->type_name("PROGRAM")
      ->take_last();
  app.add_option("--rounds", options.measure.rounds, "[21]")->type_name("N")->range(1, 100000);
  app.add_option("--slice", options.measure.slice_seconds, "time per engine and round, s [0.01]")
      ->type_name("S")
      ->real_range(1e-5, 10.0);
  app.add_option("--cpu", options.cpu, "processor to stay on [wherever the system puts it]")
      ->type_name("N")
      ->take_last();
  app.add_option("--csv", options.csv, "write the results there")->type_name("FILE")->take_last();
  app.add_flag("--least", options.least, "print the least times too, for a machine that others use meanwhile");
  app.add_flag("--quick", options.quick, "5 rounds of 2 ms: a look, not a measurement");
}

bool wanted(const Options& options, const EngineEntry& entry) {
  const auto& names = options.engines;
  return entry.kind == Kind::kOurs || names.empty() || std::find(names.begin(), names.end(), entry.name) != names.end();
}

std::vector<NamedEngine> make_engines(const Options& options) {
  std::vector<NamedEngine> engines;
  for (const EngineEntry& entry : all_engines()) {
    if (!wanted(options, entry)) continue;
    try {
      engines.push_back({entry.name, entry.kind, entry.make(options.engine)});
    } catch (const Unavailable& missing) {
      std::fprintf(stderr, "skipped: %s: %s\n", entry.name.c_str(), missing.what());
    }
  }
  return engines;
}

// x ~ N(0, 1), the same in every run.
AlignedFloats random_inputs(std::size_t size) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  AlignedFloats x(size);
  for (std::size_t i = 0; i < size; ++i) x.data()[i] = normal(random);
  return x;
}

std::vector<Cell> measure_all(std::vector<NamedEngine>& engines, const Options& options) {
  std::vector<Cell> cells;
  const std::filesystem::path folder = options.folder;
  for (const std::string& model : options.models) {
    const Network network = read_network(folder / (model + ".pt"), folder / (model + ".json"));
    for (const std::size_t batch : options.batches) {
      const AlignedFloats x = random_inputs(batch * network.input_dim);
      std::fprintf(stderr, "%s x %zu\n", model.c_str(), batch);
      cells.push_back(measure(engines, {model, folder, &network, batch, x.data()}, options.measure));
    }
  }
  return cells;
}

int run(Options& options) {
  if (options.cpu && !tools::pin_to_cpu(*options.cpu)) {
    throw tools::UsageError("--cpu: the system refuses processor " + std::to_string(*options.cpu));
  }
  std::signal(SIGPIPE, SIG_IGN);  // of a worker that has stopped: its silence says so
  options.engine.torch_worker = MMOE_BENCH_TORCH_WORKER;
  if (options.quick) {
    options.measure.rounds = 5;
    options.measure.slice_seconds = 0.002;
  }
  std::vector<NamedEngine> engines = make_engines(options);
  const std::vector<Cell> cells = measure_all(engines, options);
  std::fputs(report_text(cells, Statistic::kMedian).c_str(), stdout);
  if (options.least) std::fputs(('\n' + report_text(cells, Statistic::kLeast)).c_str(), stdout);
  if (!options.csv.empty()) {
    tools::OutputFile file(options.csv);
    file.write(report_csv(cells));
    file.commit();
  }
  const auto failed = [](const Measured& measured) { return !measured.failure.empty(); };
  for (const Cell& cell : cells) {
    if (std::any_of(cell.engines.begin(), cell.engines.end(), failed)) return tools::kExitFailure;
  }
  return tools::kExitOk;
}

}  // namespace
}  // namespace mmoe::bench

int main(int argc, char** argv) {
  mmoe::bench::Options options;
  mmoe::tools::CommandLine app(mmoe::bench::kDescription, "compare");
  mmoe::bench::declare(app, options);
  return mmoe::tools::run_tool(app, argc, argv, [&options] { return mmoe::bench::run(options); });
}
