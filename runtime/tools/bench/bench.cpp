#include "runtime/tools/bench/bench.h"

#include <chrono>

#include "mmoe/kernel_sets.h"
#ifdef MMOE_HAS_THREADS
#include "mmoe/thread_pool.h"
#endif
#include "runtime/tools/bench/roofline.h"
#include "runtime/tools/model/map_model.h"
#include "runtime/tools/model/model_view.h"
#include "runtime/tools/model/stored_numbers.h"
#include "runtime/tools/model/work.h"
#include "runtime/tools/support/error.h"
#include "runtime/tools/support/text.h"

namespace mmoe::tools {
namespace {

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

void require(const Status& status) {
  if (!status) throw ToolError(status.error().message());
}

std::vector<std::uint32_t> task_indices(const Model& model, const std::vector<std::string>& names) {
  std::vector<std::uint32_t> tasks;
  for (const std::string& name : names) {
    const std::size_t task = model.find_task(name);
    if (task == model.num_tasks()) throw UsageError("--tasks: the model has no task " + quoted(name));
    tasks.push_back(static_cast<std::uint32_t>(task));
  }
  return tasks;
}

Plan make_plan(const Model& model, const BenchOptions& options, std::size_t batch) {
  const std::vector<std::uint32_t> tasks = task_indices(model, options.tasks);
  SessionOptions session_options;
  session_options.max_batch = batch;
  session_options.kernel_set = options.kernel_set.empty() ? nullptr : options.kernel_set.c_str();
  session_options.top_k = options.top_k;
  session_options.min_gate_weight = options.min_gate_weight;
  session_options.skip_experts = options.skip_experts;
  session_options.tasks = tasks.empty() ? nullptr : tasks.data();
  session_options.num_tasks = tasks.size();
  options.limits.apply_to(session_options);
  Result<Plan> plan = Plan::create(model, session_options);
  if (!plan && plan.error().code() == ErrorCode::kLimitExceeded) throw ToolError(plan_message(plan.error()));
  if (!plan) throw UsageError(plan.error().message());
  return *plan;
}

Session make_session(const Model& model, const BenchOptions& options, std::size_t batch) {
  Result<Session> session = Session::create(make_plan(model, options, batch));
  if (!session) throw ToolError(session.error().message());
  return std::move(*session);
}

Timing time_session(Session& session, const Model& model, const BenchOptions& options, std::size_t batch) {
  const std::vector<float> x = inputs(batch * (options.candidates ? model.candidate_dim() : model.input_dim()));
  const std::vector<float> user = inputs(model.user_dim());
  std::vector<float> scores(batch * model.num_tasks());
  const Input rows = Input::x(x, batch);
  TimingOptions timing;
  timing.seconds = options.seconds;
  const auto score_rows = [&] { require(session.score(rows, {scores})); };
  const auto score_candidates = [&] {
    require(session.set_user(Input::x(user, 1)));
    require(session.score(rows.candidates(), {scores}));
  };
  return options.candidates ? time_calls(score_candidates, timing) : time_calls(score_rows, timing);
}

BenchRun time_batch_size(const Model& model, const BenchOptions& options, std::size_t batch) {
  WorkerOptions workers;
#ifdef MMOE_HAS_THREADS
  const Result<ThreadPool> pool = ThreadPool::create(options.threads);
  if (!pool) throw ToolError(pool.error().message());
  workers = {pool->executor(), options.threads};
#else
  if (options.threads != 1) throw UsageError("--threads: this build has no threads");
#endif
  const Plan plan = make_plan(model, options, batch);
  Result<Session> session = Session::create(plan, workers);
  if (!session) throw ToolError(session.error().message());
  return {batch, plan.block_rows(), time_session(*session, model, options, batch),
          Session::arena_bytes(plan, options.threads)};
}

double time_load(const BenchOptions& options, bool verify_checksums) {
  LoadOptions load;
  load.verify_checksums = verify_checksums;
  const auto body = [&] {
    const Model model = map_model(options.model, load);
    (void)make_session(model, options, 1);
  };
  return time_calls(body, {0.05, 0.02, 1e-4}).median;
}

std::uint64_t nanoseconds() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

std::vector<StepTime> profile(const Model& model, const BenchOptions& options, std::size_t batch) {
  Session session = make_session(model, options, batch);
  const std::vector<float> x = inputs(batch * model.input_dim());
  std::vector<float> scores(batch * model.num_tasks());
  std::vector<std::uint64_t> ticks(session.plan().num_steps());
  std::size_t calls = 0;
  for (const std::uint64_t start = nanoseconds(); static_cast<double>(nanoseconds() - start) < options.seconds * 1e9;
       ++calls) {
    require(session.profile(Input::x(x, batch), {scores}, nanoseconds, ticks));
  }
  std::vector<StepTime> times;
  for (std::size_t i = 0; i < ticks.size(); ++i) {
    times.push_back({session.step(i), static_cast<double>(ticks[i]) * 1e-9 / static_cast<double>(calls)});
  }
  return times;
}

std::size_t lanes_of(const std::string& name) {
  for (std::size_t i = 0; i < num_kernel_sets(); ++i) {
    if (kernel_set(i).name == name) return kernel_set(i).lanes;
  }
  return 1;
}

}  // namespace

BenchReport run_bench(const BenchOptions& options) {
  if (options.cpu && !pin_to_cpu(*options.cpu)) {
    throw UsageError("--cpu: the system does not let this process run on processor " + std::to_string(*options.cpu));
  }
  const Model model = map_model(options.model);
  if (options.candidates && model.user_dim() == 0) {
    throw UsageError("--candidates: the model declares no user-side inputs");
  }
  BenchReport report;
  report.kernel_set = make_session(model, options, 1).plan().kernel_set();
  report.input_dim = model.input_dim();
  report.user_dim = model.user_dim();
  report.num_tasks = options.tasks.empty() ? model.num_tasks() : options.tasks.size();
  report.weights = stored_weights(ModelView(model).root());
  report.weight_bytes = static_cast<std::size_t>(total_bytes(report.weights));
  report.tables = table_bytes_per_row(ModelView(model).root());
  report.flops_per_row = static_cast<double>(flops_per_row(ModelView(model).root()).all_experts);
  report.load_seconds = time_load(options, false);
  report.verified_load_seconds = time_load(options, true);
  if (options.roofline) {
    const std::size_t lanes = lanes_of(report.kernel_set);
    report.peak_flops = peak_flops(lanes);
    report.read_bandwidth = read_bandwidth(lanes, report.weight_bytes);
  }
  for (const std::size_t batch : options.batches) report.runs.push_back(time_batch_size(model, options, batch));
  if (options.profile) report.profile = profile(model, options, options.batches.back());
  return report;
}

}  // namespace mmoe::tools
