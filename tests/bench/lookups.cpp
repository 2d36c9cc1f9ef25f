// lookups: rows of embedding tables that do not fit a cache, by this runtime and by ONNX Runtime, in one run.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <optional>
#include <random>

#include "mmoe/session.h"
#include "runtime/src/session/call.h"
#include "runtime/src/session/score.h"
#include "runtime/tools/bench/timing.h"
#include "runtime/tools/support/command_line.h"
#include "runtime/tools/support/text_table.h"
#include "tests/bench/engine.h"
#include "tests/bench/gather_graph.h"
#include "tests/bench/lookup_tables.h"
#include "tests/bench/onnxruntime_api.h"
#include "tests/unit/models.h"

namespace mmoe::bench {
namespace {

using Clock = std::chrono::steady_clock;
using converter::TableType;

constexpr const char* kDescription =
    "Times lookups of embeddings: candidates with one id per sparse feature, random ids, other ids in every call, so\n"
    "that no cache holds them. This runtime with tables of f32, f16, u8 and u4, and ONNX Runtime with a Gather per\n"
    "feature and their Concat (int64 ids, tables in f32), take turns: one thread, medians. Before that, the "
    "embeddings\n"
    "in f32 must have the bits of the tables, and the others must be within half a step of what they are stored in.\n"
    "The tables take 64 bytes per row in f32 with 16 numbers; while models are made, three times as much.";

struct Options {
  LookupSizes sizes;
  std::size_t candidates = 500;
  std::size_t calls = 256;
  int rounds = 9;
  std::string onnxruntime;
  std::string kernel_set;
  std::optional<int> cpu;
  bool quick = false;
};

void declare(tools::CommandLine& app, Options& options) {
  app.add_option("--table-rows", options.sizes.table_rows, "rows of each table [1000000]")
      ->type_name("N")
      ->range(1, 1 << 24);
  app.add_option("--features", options.sizes.num_features, "sparse features, each with its table [20]")
      ->type_name("N")
      ->range(1, 256);
  app.add_option("--dim", options.sizes.dim, "numbers of an embedding [16]")->type_name("N")->range(1, 4096);
  app.add_option("--candidates", options.candidates, "rows per call [500]")->type_name("N")->range(1, 100000);
  app.add_option("--calls", options.calls, "calls with ids of their own, which a round makes [256]")
      ->type_name("N")
      ->range(1, 100000);
  app.add_option("--rounds", options.rounds, "[9]")->type_name("N")->range(1, 10000);
  app.add_option("--onnxruntime", options.onnxruntime, "libonnxruntime.so")->type_name("FILE")->take_last();
  app.add_option("--kernel-set", options.kernel_set, "of ours [the fastest]")->type_name("NAME");
  app.add_option("--cpu", options.cpu, "processor to stay on [wherever the system puts it]")
      ->type_name("N")
      ->take_last();
  app.add_flag("--quick", options.quick, "small tables, few calls: a test, not a measurement");
}

/// The ids of all calls: [calls, features, candidates], as both engines want them.
struct Ids {
  std::vector<std::int32_t> ours;
  std::vector<std::int64_t> theirs;

  explicit Ids(const Options& options) : ours(options.calls * options.sizes.num_features * options.candidates) {
    std::mt19937 random(1);
    std::uniform_int_distribution<std::int32_t> any(0, static_cast<std::int32_t>(options.sizes.table_rows) - 1);
    for (std::int32_t& id : ours) id = any(random);
    theirs.assign(ours.begin(), ours.end());
  }
};

class Lookups {
 public:
  virtual ~Lookups() = default;
  virtual std::string name() const = 0;
  virtual void run(std::size_t call) = 0;
  /// The embeddings of the call's rows [first, first + count) -> x [count, x_dim]. REQUIRES: run(call) came last.
  virtual void copy(std::size_t call, std::size_t first, std::size_t count, float* x) = 0;
};

/// What a session does with the ids of a call before its layers: a block of rows after the other, checked ids.
class Ours : public Lookups {
 public:
  Ours(const Options& options, const LookupTables& tables, const Ids& ids, TableType type, const char* name)
      : options_(options), ids_(ids), name_(name), file_(lookup_model_file(tables, type)), model_(test::load(file_)) {
    SessionOptions session_options;
    session_options.max_batch = options.candidates;
    session_options.kernel_set = options.kernel_set.empty() ? nullptr : options.kernel_set.c_str();
    Result<Session> session = Session::create(model_, session_options);
    if (!session) throw std::runtime_error(session.error().message());
    session_.emplace(std::move(*session));
    columns_.resize(options.sizes.num_features);
  }

  std::string name() const override {
    return std::string("ours, ") + name_ + " (" + session_->plan().kernel_set() + ")";
  }

  void run(std::size_t call) override {
    const internal::Call rows = checked_call(call);
    const std::size_t block = session_->plan().block_rows();
    for (std::size_t row = 0; row < options_.candidates; row += block) {
      require(internal::load_rows(program(), rows, row, std::min(block, options_.candidates - row)));
    }
  }

  void copy(std::size_t call, std::size_t first, std::size_t count, float* x) override {
    require(internal::load_rows(program(), checked_call(call), first, count));
    for (std::size_t row = 0; row < count; ++row) {
      std::memcpy(x + row * options_.sizes.x_dim(), program().input.data + row * program().input.stride,
                  options_.sizes.x_dim() * sizeof *x);
    }
  }

 private:
  static void require(const Status& status) {
    if (!status) throw std::runtime_error(status.error().message());
  }
  const Program& program() const { return internal::SessionAccess::program(*session_, 0); }

  internal::Call checked_call(std::size_t call) {
    const std::size_t first = call * options_.sizes.num_features;
    for (std::size_t f = 0; f < columns_.size(); ++f) {
      columns_[f].ids = {ids_.ours.data() + (first + f) * options_.candidates, options_.candidates};
    }
    internal::Call rows{};
    internal::InputAccess::copy(Input::columns(columns_, options_.candidates), rows);
    require(rows.features->check(program(), rows));
    return rows;
  }

  const Options& options_;
  const Ids& ids_;
  const char* name_;
  test::AlignedBytes file_;
  Model model_;
  std::optional<Session> session_;
  std::vector<FeatureColumn> columns_;
};

class OnnxRuntime : public Lookups {
 public:
  OnnxRuntime(const Options& options, LookupTables& tables, Ids& ids)
      : options_(options),
        ids_(ids),
        api_(options.onnxruntime),
        env_(api_),
        session_(api_, env_, gather_names(options.sizes.num_features),
                 gather_graph(options.sizes.num_features, options.sizes.table_rows, options.sizes.dim)),
        x_(options.candidates * options.sizes.x_dim()),
        output_(api_, x_.data(), {options.candidates, options.sizes.x_dim()}) {
    for (std::size_t f = 0; f < options.sizes.num_features; ++f) {
      tables_.push_back(std::make_unique<ort::Tensor>(
          api_, tables.table(f), std::vector<std::size_t>{options.sizes.table_rows, options.sizes.dim}));
    }
    for (std::size_t i = 0; i < options.calls * options.sizes.num_features; ++i) {
      id_tensors_.push_back(std::make_unique<ort::Tensor>(api_, ids_.theirs.data() + i * options.candidates,
                                                          std::vector<std::size_t>{options.candidates}));
    }
  }

  std::string name() const override { return "ONNX Runtime " + api_.version() + ", f32"; }

  void run(std::size_t call) override {
    inputs_.clear();
    for (const auto& table : tables_) inputs_.push_back(table.get());
    for (std::size_t f = 0; f < tables_.size(); ++f) inputs_.push_back(id_tensors_[call * tables_.size() + f].get());
    session_.run(inputs_, output_);
  }

  void copy(std::size_t, std::size_t first, std::size_t count, float* x) override {
    std::memcpy(x, x_.data() + first * options_.sizes.x_dim(), count * options_.sizes.x_dim() * sizeof *x);
  }

 private:
  const Options& options_;
  Ids& ids_;
  ort::Api api_;
  ort::Environment env_;
  ort::Session session_;
  AlignedFloats x_;
  ort::Tensor output_;
  std::vector<std::unique_ptr<ort::Tensor>> tables_, id_tensors_;
  std::vector<const ort::Tensor*> inputs_;
};

/// An engine in the running.
struct Entry {
  std::unique_ptr<Lookups> lookups;
  TableType type;
  float difference = 0;  ///< largest of a number, from the tables
  std::vector<double> samples = {};
};

// One embedding against the table's row.
void check_embedding(Entry& entry, const float* found, const float* expected, std::size_t dim) {
  const float limit = largest_rounding(expected, dim, entry.type);
  for (std::size_t j = 0; j < dim; ++j) {
    const float difference = std::fabs(found[j] - expected[j]);
    const bool same = std::memcmp(found + j, expected + j, sizeof *found) == 0;
    if (!(entry.type == TableType::kF32 ? same : difference <= limit)) {
      throw std::runtime_error(entry.lookups->name() + ": an embedding differs from its table by " +
                               std::to_string(difference) + ", at most " + std::to_string(limit) + " is right");
    }
    entry.difference = std::max(entry.difference, difference);
  }
}

// Every embedding of the first call and of the last one.
void check(Entry& entry, const Options& options, const LookupTables& tables, const Ids& ids) {
  constexpr std::size_t kRows = 64;
  const LookupSizes& sizes = options.sizes;
  std::vector<float> x(kRows * sizes.x_dim());
  for (const std::size_t call : {std::size_t{0}, options.calls - 1}) {
    entry.lookups->run(call);
    for (std::size_t first = 0; first < options.candidates; first += kRows) {
      const std::size_t count = std::min(kRows, options.candidates - first);
      entry.lookups->copy(call, first, count, x.data());
      for (std::size_t f = 0; f < sizes.num_features; ++f) {
        const std::int32_t* column = ids.ours.data() + (call * sizes.num_features + f) * options.candidates + first;
        for (std::size_t row = 0; row < count; ++row) {
          check_embedding(entry, x.data() + row * sizes.x_dim() + f * sizes.dim,
                          tables.row(f, static_cast<std::size_t>(column[row])), sizes.dim);
        }
      }
    }
  }
}

void run_rounds(std::vector<Entry>& entries, const Options& options) {
  for (int round = 0; round < options.rounds; ++round) {
    for (std::size_t i = 0; i < entries.size(); ++i) {
      Entry& entry = entries[(i + static_cast<std::size_t>(round)) % entries.size()];
      const Clock::time_point start = Clock::now();
      for (std::size_t call = 0; call < options.calls; ++call) entry.lookups->run(call);
      const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
      entry.samples.push_back(seconds / static_cast<double>(options.calls));
    }
  }
}

std::string number(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string report(const std::vector<Entry>& entries, const Options& options) {
  tools::TextTable table({"tables", "us per call", "least", "million rows/s", "ns per lookup", "speed, f32 = 1",
                          "table bytes per row", "largest difference"});
  const auto median = [](const Entry& entry) { return tools::quantile(entry.samples, 0.5); };
  const double rows = static_cast<double>(options.candidates);
  const double lookups = rows * static_cast<double>(options.sizes.num_features),
               dim = static_cast<double>(options.sizes.dim);
  for (const Entry& entry : entries) {
    const double bytes[] = {4 * dim, 2 * dim, dim + 8, dim / 2 + 4};
    table.add({entry.lookups->name(), number("%.1f", median(entry) * 1e6),
               number("%.1f", tools::quantile(entry.samples, 0) * 1e6), number("%.3f", rows / median(entry) * 1e-6),
               number("%.1f", median(entry) / lookups * 1e9), number("%.2f", median(entries[0]) / median(entry)),
               number("%.0f", bytes[static_cast<int>(entry.type)] * static_cast<double>(options.sizes.num_features)),
               number("%.2g", double{entry.difference})});
  }
  return std::to_string(options.candidates) + " rows of " + std::to_string(options.sizes.num_features) +
         " lookups per call, tables of " + std::to_string(options.sizes.table_rows) + " x " +
         std::to_string(options.sizes.dim) + ", medians of " + std::to_string(options.rounds) + " rounds of " +
         std::to_string(options.calls) + " calls\n" + table.text("");
}

int run(Options& options) {
  if (options.cpu && !tools::pin_to_cpu(*options.cpu)) {
    throw tools::UsageError("--cpu: the system refuses processor " + std::to_string(*options.cpu));
  }
  if (options.quick) {
    options.sizes.table_rows = 2000;
    options.calls = 8;
    options.rounds = 3;
  }
  LookupTables tables(options.sizes);
  Ids ids(options);
  std::vector<Entry> entries;
  const std::pair<TableType, const char*> types[] = {
      {TableType::kF32, "f32"}, {TableType::kF16, "f16"}, {TableType::kU8, "u8"}, {TableType::kU4, "u4"}};
  for (const auto& [type, name] : types) {
    std::fprintf(stderr, "making the model with tables of %s\n", name);
    entries.push_back({std::make_unique<Ours>(options, tables, ids, type, name), type});
  }
  try {
    if (options.onnxruntime.empty()) throw Unavailable("no library given (--onnxruntime libonnxruntime.so)");
    entries.push_back({std::make_unique<OnnxRuntime>(options, tables, ids), TableType::kF32});
  } catch (const Unavailable& missing) {
    std::fprintf(stderr, "skipped: ONNX Runtime: %s\n", missing.what());
  }
  for (Entry& entry : entries) check(entry, options, tables, ids);
  run_rounds(entries, options);
  std::fputs(report(entries, options).c_str(), stdout);
  return tools::kExitOk;
}

}  // namespace
}  // namespace mmoe::bench

int main(int argc, char** argv) {
  mmoe::bench::Options options;
  mmoe::tools::CommandLine app(mmoe::bench::kDescription, "lookups");
  mmoe::bench::declare(app, options);
  return mmoe::tools::run_tool(app, argc, argv, [&options] { return mmoe::bench::run(options); });
}
