// The one list of kernel sets, and who may choose among them.
#include "mmoe/kernel_sets.h"

#include <cstdlib>
#include <string>

#include <doctest/doctest.h>

#include "kernels/kernels.h"
#include "mmoe/mmoe.h"
#include "mmoe/session.h"
#include "tests/unit/kernel_sets.h"
#include "tests/unit/models.h"

namespace mmoe::test {
namespace {

// MMOE_KERNEL_SET for the length of a scope.
class Environment {
 public:
  explicit Environment(const char* name) { setenv("MMOE_KERNEL_SET", name, 1); }
  ~Environment() { unsetenv("MMOE_KERNEL_SET"); }
  Environment(const Environment&) = delete;
};

TEST_CASE("kernel sets: what is compiled in, by name, once, and a set for every machine") {
  REQUIRE(num_kernel_sets() > 0);
  CHECK(kernel_set(num_kernel_sets() - 1).available);
  for (std::size_t i = 0; i < num_kernel_sets(); ++i) {
    const KernelSetInfo set = kernel_set(i);
    CAPTURE(set.name);
    CHECK((set.lanes == 1 || set.lanes == 4 || set.lanes == 8 || set.lanes == 16));
    for (std::size_t j = 0; j < i; ++j) CHECK(std::string(kernel_set(j).name) != set.name);
  }
}

TEST_CASE("kernel sets: a plan takes exactly those that are available, the first of them by itself") {
  const AlignedBytes file = model_file(mmoe_description({}));
  const Model model = load(file);
  std::string fastest;
  for (std::size_t i = 0; i < num_kernel_sets(); ++i) {
    const KernelSetInfo set = kernel_set(i);
    CAPTURE(set.name);
    PlanOptions options;
    options.kernel_set = set.name;
    const Result<Plan> plan = Plan::create(model, options);
    REQUIRE(plan.ok() == set.available);
    if (!plan.ok()) continue;
    CHECK(std::string(plan->kernel_set()) == set.name);
    CHECK(plan->is_exact() == set.exact);
    if (fastest.empty()) fastest = set.name;
  }
  CHECK(Plan::create(model)->kernel_set() == fastest);
}

TEST_CASE("kernel sets: none that the kernels have is left out") {
  std::size_t count = 0;
  for (; const kernels::KernelTable* table = kernels::available_kernels(count); ++count) {
    CAPTURE(table->name);
    REQUIRE(count < available_kernel_sets().size());
    CHECK(std::string(available_kernel_sets()[count]) == table->name);
  }
  CHECK(count == available_kernel_sets().size());
}

TEST_CASE("environment: it chooses the kernel set, unless the options name one or forbid it") {
  const AlignedBytes file = model_file(mmoe_description({}));
  const Model model = load(file);
  const std::string fastest = Plan::create(model)->kernel_set();
  {
    const Environment environment("scalar");
    PlanOptions options;
    CHECK(std::string(Plan::create(model, options)->kernel_set()) == "scalar");
    options.allow_environment = false;
    CHECK(Plan::create(model, options)->kernel_set() == fastest);
    options = {};
    options.kernel_set = fastest.c_str();
    CHECK(Plan::create(model, options)->kernel_set() == fastest);
  }
  const Environment environment("mmx");
  PlanOptions options;
  const Result<Plan> refused = Plan::create(model, options);
  CHECK(refused.error().code() == ErrorCode::kUnsupported);
  CHECK(std::string(refused.error().message()).find("MMOE_KERNEL_SET") != std::string::npos);
  options.allow_environment = false;
  CHECK(Plan::create(model, options).ok());
}

TEST_CASE("environment: C forbids it by the same name") {
  const AlignedBytes file = model_file(mmoe_description({}));
  const Environment environment("mmx");
  mmoe_model* model = nullptr;
  REQUIRE(mmoe_model_from_bytes(file.data(), file.size(), nullptr, &model) == MMOE_OK);
  mmoe_session_options options = {};
  options.struct_size = sizeof options;
  std::size_t bytes = 0;
  CHECK(mmoe_session_arena_bytes(model, &options, &bytes) == MMOE_UNSUPPORTED);
  options.no_allow_environment = 1;
  CHECK(mmoe_session_arena_bytes(model, &options, &bytes) == MMOE_OK);
  mmoe_model_free(model);
}

}  // namespace
}  // namespace mmoe::test
