// Assertions: a broken precondition ends the program where they are compiled in, and only there.
#include "kernels/assertion.h"

#include <csignal>
#include <vector>

#include <doctest/doctest.h>

#include "kernels/kernels.h"
#include "kernels/panel16.h"
#include "mmoe/error.h"

#if defined(__unix__)
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

namespace mmoe::test {
namespace {

TEST_CASE("assertions: conditions are evaluated in builds that have them, and only there") {
  int evaluated = 0;
  MMOE_ASSERT(++evaluated == 1);
#ifdef MMOE_ASSERTIONS
  CHECK(evaluated == 1);
#else
  CHECK(evaluated == 0);
#endif
}

#if defined(__unix__) && defined(MMOE_ASSERTIONS)

// Whether a process of its own is ended by the call.
template <class Call>
bool ends(Call call) {
  const pid_t child = fork();
  if (child == 0) {
    for (const int number : {SIGABRT, SIGILL, SIGTRAP}) std::signal(number, SIG_DFL);  // the test framework's
    const int null = open("/dev/null", O_WRONLY);
    dup2(null, 2);  // what it says
    call();
    _exit(0);
  }
  int state = 0;
  REQUIRE(waitpid(child, &state, 0) == child);
  return !(WIFEXITED(state) && WEXITSTATUS(state) == 0);
}

struct Product {
  std::vector<float> input = std::vector<float>(3, 1.0f), weights = std::vector<float>(3 * kPanelWidth, 1.0f);
  std::vector<float> bias = std::vector<float>(kPanelWidth), output = std::vector<float>(2 * kPanelWidth);
  kernels::DenseArgs args{};

  Product() {
    args.input = input.data();
    args.num_rows = args.num_panels = 1;
    args.num_inputs = args.input_stride = 3;
    args.weights = weights.data();
    args.panel_stride = 3 * kPanelWidth;
    args.start = bias.data();
    args.output = output.data();
    args.output_stride = kPanelWidth;
  }
};

TEST_CASE("assertions: every kernel set's product refuses what its callers rule out") {
  for (std::size_t i = 0; const kernels::KernelTable* table = kernels::available_kernels(i); ++i) {
    CAPTURE(table->name);
    CHECK_FALSE(ends([&] { table->dense(Product().args); }));
    CHECK(ends([&] {
      Product product;
      product.args.num_activated = 2;
      table->dense(product.args);
    }));
    CHECK(ends([&] {
      Product product;
      product.args.start = nullptr;
      table->dense(product.args);
    }));
    CHECK(ends([&] {
      Product product;
      product.args.num_rows = 2;
      product.args.output_stride = kPanelWidth - 1;
      table->dense(product.args);
    }));
    CHECK(ends([&] { table->activate(kernels::Activation::kTanh, 0, 0, Product().output.data(), kPanelWidth + 1); }));
  }
}

TEST_CASE("assertions: of a Result, a value is taken only where there is one, an error only where there is none") {
  CHECK(ends([] { static_cast<void>(*Result<int>(Error(ErrorCode::kDamaged))); }));
  CHECK(ends([] { static_cast<void>(Result<int>(1).error()); }));
  CHECK_FALSE(ends([] { static_cast<void>(*Result<int>(1)); }));
  CHECK_FALSE(ends([] { static_cast<void>(Result<int>(Error(ErrorCode::kDamaged)).error()); }));
}

#endif

}  // namespace
}  // namespace mmoe::test
