// mmoe-bench: how fast this machine scores a model.
#include <string>

#include "runtime/tools/bench/bench.h"
#include "runtime/tools/support/command_line.h"
#include "runtime/tools/support/output_file.h"

namespace mmoe::tools {
namespace {

constexpr const char* kDescription =
    "Measures how fast this machine scores a .mmoe model. Prints medians of many samples, after a warm-up.";

constexpr const char* kFooter =
    "Times are per call, that is, per batch. Rows are given as x: embedding tables are not read. GFLOP/s counts 2 per\n"
    "multiply-add of layers and mixing, in whatever numbers they are. It is shown only where all experts of all\n"
    "tasks are computed. weights/row is what a row's layers read of the weights, which the rows of a block share. The\n"
    "load time covers mapping, verification and planning, with the file in the page cache. roofline is the least time\n"
    "that the measured peak rate and memory bandwidth of the machine permit, divided by the time taken. It is not\n"
    "shown for w8a8, whose sums of whole numbers are faster than the peak rate of floats.\n\n"
    "Keys of --json (only ever added): file, kernel_set, cpu, input_dim, user_dim, tasks, candidates, threads,\n"
    "weight_bytes, weights {type: bytes}, table_bytes_per_row {type: bytes}, load_us, verified_load_us,\n"
    "flops_per_row, peak_gflop_per_second, read_gb_per_second, runs [{batch, p50_us, p99_us, best_us,\n"
    "rows_per_second, gflop_per_second, roofline_share, weight_bytes_per_row, arena_bytes, samples}], profile\n"
    "[{kind, inputs, outputs, sparse, us}].\n\n"
    "Exit codes: 0 success; 1 the model cannot be used, or the output cannot be written; 2 wrong command line.";

void declare(CommandLine& app, BenchOptions& options, bool& json) {
  app.footer(kFooter);
  app.add_option("MODEL", options.model, "the .mmoe file")->required()->type_name("");
  app.add_option("--batch", options.batches, "batch sizes, in rows per call [1,8,64,256,1024]")
      ->type_name("N,...")
      ->delimiter(',')
      ->range(1, 1 << 20);
  app.add_option("--kernel-set", options.kernel_set,
                 "kernel set, for example avx2 [environment variable MMOE_KERNEL_SET, else the fastest]")
      ->type_name("NAME");
  app.add_option("--tasks", options.tasks, "score only these tasks [all]")->type_name("NAME,...")->delimiter(',');
  app.add_option("--top-k", options.top_k, "keep the K largest weights of every gate [as the file says]")
      ->type_name("K");
  app.add_option("--min-gate-weight", options.min_gate_weight, "skip experts whose gate weight is less than W [0]")
      ->type_name("W");
  app.add_choice<SkipExperts>("--skip-experts", options.skip_experts,
                              {{"where_faster", SkipExperts::kWhereFaster},
                               {"always", SkipExperts::kAlways},
                               {"never", SkipExperts::kNever}},
                              "when to skip experts that no gate of a row selects: where_faster, always or never "
                              "[where_faster]")
      ->type_name("WHEN");
  app.add_flag("--candidates", options.candidates,
               "treat each batch as the candidates of one user, and include setting the user");
  app.add_option("--threads", options.threads, "threads that share each batch [1]")->type_name("N")->range(1, 256);
  app.add_option("--seconds", options.seconds, "time to spend on each batch size, in seconds [0.5]")
      ->type_name("S")
      ->real_range(0.001, 3600.0);
  app.add_option("--cpu", options.cpu, "pin the process to this processor [the system chooses]")->type_name("N");
  app.add_flag("--roofline", options.roofline, "also measure the peak rate and bandwidth of this core, and compare");
  app.add_flag("--profile", options.profile, "also print the time of each step, at the last batch size");
  declare_limits(app, options.limits);
  app.add_flag("--json", json, "print the result as JSON");
}

int run(const BenchOptions& options, bool json) {
  const BenchReport report = run_bench(options);
  OutputFile out("-");
  out.write(json ? bench_json(options, report) : bench_text(options, report));
  out.commit();
  return kExitOk;
}

}  // namespace
}  // namespace mmoe::tools

int main(int argc, char** argv) {
  mmoe::tools::BenchOptions options;
  bool json = false;
  mmoe::tools::CommandLine app(mmoe::tools::kDescription, "mmoe-bench");
  mmoe::tools::declare(app, options, json);
  return mmoe::tools::run_tool(app, argc, argv, [&] { return mmoe::tools::run(options, json); });
}
