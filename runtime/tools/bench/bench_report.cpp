#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "runtime/tools/bench/bench.h"
#include "runtime/tools/support/printable.h"
#include "runtime/tools/support/text.h"
#include "runtime/tools/support/text_table.h"

namespace mmoe::tools {
namespace {

using Json = nlohmann::ordered_json;

std::string fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

double rows_per_second(const BenchRun& run) { return static_cast<double>(run.batch) / run.timing.median; }

// Only then is the work that flops_per_row counts the work that is done.
bool counts_flops(const BenchOptions& options) {
  return options.top_k == 0 && options.min_gate_weight == 0 && options.tasks.empty() && !options.candidates;
}

// The peak is that of multiply-adds of floats, which sums of whole numbers exceed.
bool has_whole_numbers(const BenchReport& report) {
  return std::any_of(report.weights.begin(), report.weights.end(),
                     [](const StoredBytes& part) { return part.type == "w8a8"; });
}

bool has_share(const BenchOptions& options, const BenchReport& report) {
  return options.roofline && counts_flops(options) && !has_whole_numbers(report);
}

// Every block of rows reads all weights once.
double weight_bytes_per_row(const BenchReport& report, const BenchRun& run) {
  const std::size_t passes = (run.batch + run.block_rows - 1) / run.block_rows;
  return static_cast<double>(report.weight_bytes) * static_cast<double>(passes) / static_cast<double>(run.batch);
}

double flops_per_second(const BenchReport& report, const BenchRun& run) {
  return rows_per_second(run) * report.flops_per_row;
}

// The least time that arithmetic and one read of the weights allow, over the time taken.
double roofline_share(const BenchReport& report, const BenchRun& run) {
  const double compute = static_cast<double>(run.batch) * report.flops_per_row / report.peak_flops;
  const double memory = static_cast<double>(report.weight_bytes) / report.read_bandwidth;
  return std::max(compute, memory) / run.timing.median;
}

std::string step_name(const StepInfo& step) {
  std::string name = std::string(step.kind) + " " + std::to_string(step.inputs);
  if (step.outputs != 0) name += " -> " + std::to_string(step.outputs);
  return step.sparse ? name + ", selected rows" : name;
}

std::string profile_text(const BenchOptions& options, const BenchReport& report) {
  double total = 0;
  for (const StepTime& time : report.profile) total += time.seconds;
  TextTable table({"step", "us", "share, %"});
  for (const StepTime& time : report.profile) {
    table.add({step_name(time.step), fixed(time.seconds * 1e6, 2), fixed(100 * time.seconds / total, 1)});
  }
  return "steps at batch " + std::to_string(options.batches.back()) + ":\n" + table.text("  ");
}

// {"w8a8": bytes, ...}
Json stored_json(const std::vector<StoredBytes>& stored) {
  Json out = Json::object();
  for (const StoredBytes& part : stored) out[part.type] = part.bytes;
  return out;
}

Json optional_number(bool present, double value) { return present ? Json(value) : Json(); }

}  // namespace

std::string bench_text(const BenchOptions& options, const BenchReport& report) {
  std::string out = printable(options.model) + ": " + std::to_string(report.input_dim) + " inputs" +
                    (options.candidates ? " (" + std::to_string(report.user_dim) + " of the user)" : "") + ", " +
                    counted(report.num_tasks, "task") + ", kernel set " + report.kernel_set + ", " +
                    counted(options.threads, "thread") + "\nload " + fixed(report.load_seconds * 1e6, 1) +
                    " us, with checksums " + fixed(report.verified_load_seconds * 1e6, 1) + " us\nweights " +
                    human_bytes(report.weight_bytes) + " in " + stored_text(report.weights) + "\n";
  if (!report.tables.empty()) {
    out += "tables in " + stored_text(report.tables) + ": raw features would read " +
           human_bytes(total_bytes(report.tables)) + " per row; these rows are x\n";
  }
  if (options.roofline) {
    out += "one core: fma peak " + fixed(report.peak_flops * 1e-9, 1) + " GFLOP/s; reads of the weights' size " +
           fixed(report.read_bandwidth * 1e-9, 1) + " GB/s\n";
  }
  const bool share = has_share(options, report);
  TextTable table(
      {"batch, rows", "p50, us", "p99, us", "best, us", "rows/s", "GFLOP/s", "roofline, %", "weights/row", "arena"});
  for (const BenchRun& run : report.runs) {
    table.add({std::to_string(run.batch), fixed(run.timing.median * 1e6, 2), fixed(run.timing.p99 * 1e6, 2),
               fixed(run.timing.best * 1e6, 2), with_thousands(static_cast<std::uint64_t>(rows_per_second(run))),
               counts_flops(options) ? fixed(flops_per_second(report, run) * 1e-9, 1) : "-",
               share ? fixed(100 * roofline_share(report, run), 0) : "-",
               human_bytes(static_cast<std::uint64_t>(weight_bytes_per_row(report, run))),
               human_bytes(run.arena_bytes)});
  }
  out += table.text("  ");
  return options.profile ? out + profile_text(options, report) : out;
}

std::string bench_json(const BenchOptions& options, const BenchReport& report) {
  Json out = {{"file", options.model},
              {"kernel_set", report.kernel_set},
              {"cpu", options.cpu ? Json(*options.cpu) : Json()},
              {"input_dim", report.input_dim},
              {"user_dim", report.user_dim},
              {"tasks", report.num_tasks},
              {"candidates", options.candidates},
              {"threads", options.threads},
              {"weight_bytes", report.weight_bytes},
              {"weights", stored_json(report.weights)},
              {"table_bytes_per_row", stored_json(report.tables)},
              {"load_us", report.load_seconds * 1e6},
              {"verified_load_us", report.verified_load_seconds * 1e6},
              {"flops_per_row", report.flops_per_row},
              {"peak_gflop_per_second", optional_number(options.roofline, report.peak_flops * 1e-9)},
              {"read_gb_per_second", optional_number(options.roofline, report.read_bandwidth * 1e-9)}};
  out["runs"] = Json::array();
  for (const BenchRun& run : report.runs) {
    const bool share = has_share(options, report);
    out["runs"].push_back(
        {{"batch", run.batch},
         {"p50_us", run.timing.median * 1e6},
         {"p99_us", run.timing.p99 * 1e6},
         {"best_us", run.timing.best * 1e6},
         {"rows_per_second", rows_per_second(run)},
         {"gflop_per_second", optional_number(counts_flops(options), flops_per_second(report, run) * 1e-9)},
         {"roofline_share", optional_number(share, share ? roofline_share(report, run) : 0)},
         {"weight_bytes_per_row", weight_bytes_per_row(report, run)},
         {"arena_bytes", run.arena_bytes},
         {"samples", run.timing.num_samples}});
  }
  out["profile"] = Json::array();
  for (const StepTime& time : report.profile) {
    out["profile"].push_back({{"kind", time.step.kind},
                              {"inputs", time.step.inputs},
                              {"outputs", time.step.outputs},
                              {"sparse", time.step.sparse},
                              {"us", time.seconds * 1e6}});
  }
  return printable_json(out.dump(2, ' ', false, Json::error_handler_t::replace)) + "\n";
}

}  // namespace mmoe::tools
