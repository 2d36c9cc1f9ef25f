#include "mmoe/plan.h"

#include <cstdlib>
#include <type_traits>

#include "core/make_error.h"
#include "kernels/exact.h"
#include "plan/builder.h"

namespace mmoe {

using internal::make_error;

static_assert(Plan::kMaxTasks == internal::kMaxTasks);

namespace {

// MMOE_KERNEL_SET, where the build and the options let it choose.
const char* kernel_set_of_environment([[maybe_unused]] const PlanOptions& options) {
#ifdef MMOE_NO_ENVIRONMENT
  return nullptr;
#else
  return options.allow_environment ? std::getenv("MMOE_KERNEL_SET") : nullptr;
#endif
}

// The option, else the environment variable, else the fastest.
Result<const kernels::KernelTable*> choose_kernels(const PlanOptions& options) {
  const char* name = options.kernel_set ? options.kernel_set : kernel_set_of_environment(options);
  if (name && *name == '\0') name = nullptr;
  const kernels::KernelTable* table = kernels::select_kernels(name);
  if (table) return Result<const kernels::KernelTable*>(std::move(table));
  const char* source = options.kernel_set ? "kernel_set" : "environment variable MMOE_KERNEL_SET";
  Error error = make_error(ErrorCode::kUnsupported, source, ": this build and machine have no '", name, "', only");
  for (std::size_t i = 0; const kernels::KernelTable* available = kernels::available_kernels(i); ++i) {
    error.append(i == 0 ? " " : ", ").append(available->name);
  }
  return error;
}

#ifndef MMOE_TRUST_FILES

struct Limit {
  const char* option;
  std::uint64_t limit;     // 0: the default
  std::uint64_t least;     // what the default allows every file
  std::uint64_t for_file;  // and this one
  std::uint64_t needed;
};

// Ids that raw features have per row: up to 4,096 features of 2^20. Read from the file: Model::feature() would be
// linked into programs that ask for no feature.
std::uint64_t num_ids(const Model& model) {
  const auto* features = internal::ModelAccess::root(model.data())->features();
  std::uint64_t count = 0;
  for (flatbuffers::uoffset_t i = 0; i < model.num_features(); ++i) {
    const schema::Feature& feature = *features->Get(i);
    if (feature.kind() == schema::FeatureKind_Sequence) count += feature.length();
    if (feature.kind() == schema::FeatureKind_Sparse) ++count;
  }
  return count;
}

Status check_limits(const Model& model, const Plan& plan, const PlanOptions& options) {
  const std::uint64_t file_bytes = model.size_bytes();
  const Limit limits[] = {
      {"max_multiply_adds", options.max_multiply_adds, 1u << 24, 64 * file_bytes, plan.multiply_adds_per_row()},
      {"max_steps", options.max_steps, 4096, file_bytes / 32, plan.num_steps()},
      {"max_arena_bytes", options.max_arena_bytes, 1u << 26, 16 * file_bytes, plan.arena_bytes()},
      {"max_ids", options.max_ids, 1u << 16, 0, num_ids(model)},
  };
  for (const Limit& each : limits) {
    const std::uint64_t by_default = each.least > each.for_file ? each.least : each.for_file;
    const std::uint64_t limit = each.limit != 0 ? each.limit : by_default;
    if (each.needed <= limit) continue;
    return make_error(ErrorCode::kLimitExceeded, each.option, ": ", limit, ", the model needs ", each.needed,
                      ": raise the option if you trust the file");
  }
  return {};
}

#endif

}  // namespace

Result<Plan> Plan::create(const Model& model, const PlanOptions& options) {
  if (options.max_batch == 0) return make_error(ErrorCode::kInvalidArgument, "max_batch: 0");
  if (!(options.min_gate_weight >= 0 && options.min_gate_weight <= 1)) {
    return make_error(ErrorCode::kInvalidArgument, "min_gate_weight: not between 0 and 1");
  }
  Result<const kernels::KernelTable*> kernels = choose_kernels(options);
  if (!kernels) return kernels.error();

  Plan plan;
  plan.data_ = model.data();
  plan.size_bytes_ = model.size_bytes();
  plan.kernels_ = *kernels;
  plan.block_rows_ = options.max_batch < kMaxBlockRows ? options.max_batch : kMaxBlockRows;
  plan.top_k_ = options.top_k;
  plan.min_gate_weight_ = options.min_gate_weight;
  plan.renormalise_ = options.renormalise;
  plan.skip_experts_ = options.skip_experts;
  plan.non_finite_ = options.non_finite;
  if (!options.tasks && options.num_tasks != 0) {
    return make_error(ErrorCode::kInvalidArgument, "tasks: null, but num_tasks is ", options.num_tasks);
  }
  plan.num_tasks_ = options.tasks ? options.num_tasks : model.num_tasks();
  if (plan.num_tasks_ == 0 || plan.num_tasks_ > model.num_tasks()) {
    return make_error(ErrorCode::kInvalidArgument, "num_tasks: ", plan.num_tasks_, ", expected 1 to ",
                      model.num_tasks());
  }
  internal::BitSet<internal::kMaxTasks> seen;
  for (std::size_t i = 0; i < plan.num_tasks_; ++i) {
    const std::size_t task = options.tasks ? options.tasks[i] : i;
    if (task >= model.num_tasks() || seen.contains(task)) {
      return make_error(ErrorCode::kInvalidArgument, "tasks[", i, "]: ", task, " is out of range or listed twice");
    }
    seen.insert(task);
    plan.tasks_[i] = static_cast<std::uint8_t>(task);
  }
  PlanBuilder::measure(plan);
  if (plan.arena_bytes_ >= internal::kMaxArenaBytes) {
    return make_error(ErrorCode::kUnsupported, "the model needs more memory than this machine can address");
  }
#ifndef MMOE_TRUST_FILES
  if (Status status = check_limits(model, plan, options); !status) return status.error();
#endif
  return plan;
}

const char* Plan::kernel_set() const { return static_cast<const kernels::KernelTable*>(kernels_)->name; }
bool Plan::is_exact() const { return kernels::proves_exact(*static_cast<const kernels::KernelTable*>(kernels_)); }

}  // namespace mmoe
