// compare: mmoe-edge and its peers side by side, in one run. run.sh builds and starts it.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "runtime/tools/bench/timing.h"
#include "runtime/tools/support/command_line.h"
#include "runtime/tools/support/output_file.h"
#include "tests/bench/aligned.h"
#include "tests/bench/estimate.h"
#include "tests/bench/measure.h"
#include "tests/bench/read_network.h"
#include "tests/bench/report.h"
#include "tests/bench/saved_cells.h"

namespace mmoe::bench {
namespace {

constexpr const char* kDescription =
    "Times mmoe-edge and other engines on the same models, weights and inputs: one thread, rounds in which\n"
    "every engine gets a slice, medians. Every engine's scores are compared with ours in f32 before it is timed. In\n"
    "smaller numbers they may differ by ten times what such numbers do to the model on average "
    "(tests/bench/rounding.h);\n"
    "an engine that differs by more is reported and not timed. FOLDER holds what make_models.py, make_quantised.py "
    "and\n"
    "mmoe-convert have written. With --csv every cell is in the file as soon as it is measured, and --resume measures\n"
    "those that are not.";

struct Options {
  std::string folder;
  std::vector<std::string> models = {"paper", "small", "medium", "large"};
  std::vector<std::size_t> batches = {1, 8, 64, 256, 1024};
  std::vector<std::string> engines;
  std::vector<std::string> numbers;
  EngineOptions engine;
  MeasureOptions measure;
  std::optional<int> cpu;
  std::string csv;
  bool resume = false;
  bool least = false;
  bool quick = false;
};

void declare(tools::CommandLine& app, Options& options) {
  app.add_option("FOLDER", options.folder, "the models")->required()->type_name("");
  app.add_option("--models", options.models, "names [paper,small,medium,large]")->type_name("NAME,...")->delimiter(',');
  app.add_option("--batch", options.batches, "rows per call [1,8,64,256,1024]")->type_name("N,...")->delimiter(',');
  std::vector<std::string> names;
  for (const EngineEntry& entry : all_engines()) names.push_back(entry.name);
  app.add_option("--engines", options.engines, "besides ours in f32 [all]")
      ->type_name("NAME,...")
      ->delimiter(',')
      ->one_of(names);
  app.add_option("--numbers", options.numbers, "only engines that compute in these [all]")
      ->type_name("TYPE,...")
      ->delimiter(',')
      ->one_of(all_numbers());
  // Of what run.sh passes, the last counts.
  app.add_option("--onnxruntime", options.engine.onnxruntime, "libonnxruntime.so")->type_name("FILE")->take_last();
  app.add_option("--openvino", options.engine.openvino, "libopenvino_c.so")->type_name("FILE")->take_last();
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
  app.add_option("--csv", options.csv, "write the results there, after every cell")->type_name("FILE")->take_last();
  app.add_flag("--resume", options.resume,
               "keep the cells that the CSV file has from the same engines, rounds and slice");
  app.add_flag("--least", options.least, "print the least times too, for a machine that others use meanwhile");
  app.add_flag("--quick", options.quick, "5 rounds of 2 ms: a look, not a measurement");
}

bool has(const std::vector<std::string>& names, const std::string& name) {
  return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
}

// The first is ours in f32, which the others are compared with.
bool wanted(const Options& options, const EngineEntry& entry) {
  if (&entry == &all_engines()[0]) return true;
  return has(options.engines, entry.name) && has(options.numbers, name_of(entry.numbers));
}

std::vector<NamedEngine> make_engines(const Options& options) {
  std::vector<NamedEngine> engines;
  for (const EngineEntry& entry : all_engines()) {
    if (!wanted(options, entry)) continue;
    try {
      engines.push_back({entry.name, entry.kind, entry.numbers, entry.make(options.engine)});
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

// Weights as make_models.py or plain_models.py has written them.
Network read_model(const std::filesystem::path& folder, const std::string& name) {
  const std::filesystem::path torch = folder / (name + ".pt");
  return read_network(std::filesystem::exists(torch) ? torch : folder / (name + ".safetensors"),
                      folder / (name + ".json"));
}

// All cells of the table, one after the other, and what is known of each.
class Comparison {
 public:
  Comparison(std::vector<NamedEngine>& engines, const Options& options) : engines_(engines), options_(options) {
    for (const std::string& model : options.models) networks_.emplace(model, read_model(options.folder, model));
    const std::vector<Cell> saved = options.resume ? read_cells(options.csv) : std::vector<Cell>();
    for (const std::string& model : options.models) {
      for (const std::size_t batch : options.batches) {
        Cell cell = planned_cell(engines, case_of(model, batch, nullptr), options.measure);
        const Cell* done = find_cell(saved, cell);
        if (done) cell.engines = done->engines;
        (done ? num_kept_ : num_left_) += 1;
        cells_.push_back(std::move(cell));
        is_done_.push_back(done != nullptr);
      }
    }
  }

  const std::vector<Cell>& run() {
    Estimate estimate(num_left_ > 0 ? speed() : 1.0, cells_to_measure());
    announce(estimate);
    for (std::size_t i = 0; i < cells_.size(); ++i) {
      if (is_done_[i]) continue;
      const auto start = std::chrono::steady_clock::now();
      const AlignedFloats x = random_inputs(cells_[i].batch * networks_.at(cells_[i].model).input_dim);
      const Case what = case_of(cells_[i].model, cells_[i].batch, x.data());
      cells_[i] = measure(engines_, what, limits(cells_[i].model), options_.measure);
      is_done_[i] = true;
      --num_left_;
      write_csv();
      estimate.take(cells_[i], std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
      const std::string left = num_left_ == 0 ? "" : "; " + duration_text(estimate.seconds_left()) + " left";
      std::fprintf(stderr, "%s%s\n", cell_text(cells_[i]).c_str(), left.c_str());
    }
    return cells_;
  }

 private:
  Case case_of(const std::string& model, std::size_t batch, const float* x) const {
    return {model, options_.folder, &networks_.at(model), batch, x, nullptr, 0};
  }

  // Of the model, which takes seconds for the largest.
  const Limits& limits(const std::string& model) {
    constexpr std::size_t kRows = 32;
    const auto [found, is_new] = limits_.emplace(model, Limits());
    const Network& network = networks_.at(model);
    const AlignedFloats x = random_inputs(kRows * network.input_dim);
    if (is_new) found->second = rounding_limits(network, x.data(), kRows, options_.measure.tolerance);
    return found->second;
  }

  // By the last model, which is the largest; peers are taken to be slower by a half.
  double speed() {
    constexpr std::size_t kBatch = 64;
    const std::string& model = options_.models.back();
    const AlignedFloats x = random_inputs(kBatch * networks_.at(model).input_dim);
    return flop_per_second(engines_, case_of(model, kBatch, x.data())) / 1.5;
  }

  std::vector<Cell> cells_to_measure() const {
    std::vector<Cell> cells;
    for (std::size_t i = 0; i < cells_.size(); ++i) {
      if (!is_done_[i]) cells.push_back(cells_[i]);
    }
    return cells;
  }

  void announce(const Estimate& estimate) const {
    const std::string kept =
        num_kept_ == 0 ? "" : " (" + std::to_string(num_kept_) + " are in " + options_.csv + " already)";
    std::fprintf(stderr, "%zu cells of %zu engines to measure%s: about %s\n", num_left_, engines_.size(), kept.c_str(),
                 duration_text(num_left_ == 0 ? 0 : estimate.seconds_left()).c_str());
  }

  // Those that are done, in the table's order. The file is never half written.
  void write_csv() const {
    if (options_.csv.empty()) return;
    std::vector<Cell> done;
    for (std::size_t i = 0; i < cells_.size(); ++i) {
      if (is_done_[i]) done.push_back(cells_[i]);
    }
    tools::OutputFile file(options_.csv);
    file.write(report_csv(done));
    file.commit();
  }

  std::vector<NamedEngine>& engines_;
  const Options& options_;
  std::map<std::string, Network> networks_;
  std::map<std::string, Limits> limits_;
  std::vector<Cell> cells_;
  std::vector<bool> is_done_;
  std::size_t num_left_ = 0, num_kept_ = 0;
};

int run(Options& options) {
  if (options.cpu && !tools::pin_to_cpu(*options.cpu)) {
    throw tools::UsageError("--cpu: the system refuses processor " + std::to_string(*options.cpu));
  }
  if (options.resume && options.csv.empty()) throw tools::UsageError("--resume goes with --csv");
  if (options.models.empty() || options.batches.empty()) throw tools::UsageError("no models, or no batch sizes");
  std::signal(SIGPIPE, SIG_IGN);  // of a worker that has stopped: its silence says so
  options.engine.torch_worker = MMOE_BENCH_TORCH_WORKER;
  options.engine.folder = options.folder;
  if (options.quick) {
    options.measure.rounds = 5;
    options.measure.slice_seconds = 0.002;
  }
  std::vector<NamedEngine> engines = make_engines(options);
  const std::vector<Cell> cells = Comparison(engines, options).run();
  std::fputs(report_text(cells, Statistic::kMedian).c_str(), stdout);
  if (options.least) std::fputs(('\n' + report_text(cells, Statistic::kLeast)).c_str(), stdout);
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
