// mmoe-bench: how fast this machine scores a model.
#include <string>

#include "runtime/tools/bench/bench.h"
#include "runtime/tools/support/command_line.h"
#include "runtime/tools/support/output_file.h"

namespace mmoe::tools {
namespace {

constexpr const char* kDescription =
    "Times a .mmoe model on this machine: score() on rows of x, after a warm-up; medians of many samples.";

constexpr const char* kFooter =
    "Times are per call of a whole batch. GFLOP/s counts 2 per multiply-add of the layers and mixing, and is shown\n"
    "where all experts of all tasks are computed. roofline is the least time that the machine's measured peak and one\n"
    "read of the weights allow, over the time taken. load is mapping, verifying and planning, with the file in the\n"
    "page cache.\n\n"
    "Keys of --json (only ever added): file, kernel_set, cpu, input_dim, user_dim, tasks, candidates, threads,\n"
    "weight_bytes, load_us, verified_load_us, flops_per_row, peak_gflop_per_second, read_gb_per_second, runs [{batch,\n"
    "p50_us, p99_us, best_us, rows_per_second, gflop_per_second, roofline_share, arena_bytes, samples}], profile\n"
    "[{kind, inputs, outputs, sparse, us}].\n\n"
    "Exit codes: 0 ok; 1 bad model, or output that cannot be written; 2 wrong command line.";

void declare(CommandLine& app, BenchOptions& options, bool& json) {
  app.footer(kFooter);
  app.add_option("MODEL", options.model, "the .mmoe file")->required()->type_name("");
  app.add_option("--batch", options.batches, "rows per call [1,8,64,256,1024]")
      ->type_name("N,...")
      ->delimiter(',')
      ->range(1, 1 << 20);
  app.add_option("--kernel-set", options.kernel_set,
                 "kernel set, for example avx2 [environment variable MMOE_KERNEL_SET, else the fastest]")
      ->type_name("NAME");
  app.add_option("--tasks", options.tasks, "only these tasks [all]")->type_name("NAME,...")->delimiter(',');
  app.add_option("--top-k", options.top_k, "keep the K largest experts of every gate [as the file says]")
      ->type_name("K");
  app.add_option("--min-gate-weight", options.min_gate_weight, "skip experts of smaller gate weight [0]")
      ->type_name("W");
  app.add_choice<SkipExperts>("--skip-experts", options.skip_experts,
                              {{"where_faster", SkipExperts::kWhereFaster},
                               {"always", SkipExperts::kAlways},
                               {"never", SkipExperts::kNever}},
                              "where_faster, always or never: spare rows the experts that they do not select "
                              "[where_faster]")
      ->type_name("WHEN");
  app.add_flag("--candidates", options.candidates, "each batch is one user's candidates: set_user, score_candidates");
  app.add_option("--threads", options.threads, "threads that share each batch [1]")
      ->type_name("N")
      ->range(1, 256);
  app.add_option("--seconds", options.seconds, "time per batch size, s [0.5]")
      ->type_name("S")
      ->real_range(0.001, 3600.0);
  app.add_option("--cpu", options.cpu, "processor to stay on [wherever the system puts it]")->type_name("N");
  app.add_flag("--roofline", options.roofline, "measure this core's peak, and say how near the model comes");
  app.add_flag("--profile", options.profile, "also the time of each step, at the last batch size");
  declare_limits(app, options.limits);
  app.add_flag("--json", json, "print JSON for programs");
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
