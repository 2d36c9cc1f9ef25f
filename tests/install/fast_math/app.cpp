// app MODEL: for every kernel set, the bits of the scores of some rows, as the host's flags must not change them.
#include <cfenv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <vector>

#include <mmoe/kernel_sets.h>
#include <mmoe/session.h>

namespace {

constexpr std::size_t kRows = 40;

std::uint32_t hash(const std::vector<float>& scores) {
  std::uint32_t result = 5381;
  for (const float score : scores) {
    std::uint32_t bits;
    std::memcpy(&bits, &score, sizeof bits);
    result = result * 33 ^ bits;
  }
  return result;
}

bool print_set(const mmoe::Model& model, const char* kernel_set) {
  mmoe::SessionOptions options;
  options.kernel_set = kernel_set;
  options.max_batch = kRows;
  auto session = mmoe::Session::create(model, options);
  if (!session) return false;
  std::vector<float> x(kRows * model.input_dim()), scores(kRows * model.num_tasks());
  for (std::size_t i = 0; i < x.size(); ++i)
    x[i] = static_cast<float>(i * 37 % 101) / 128 - 0.25f;  // exact, by any arithmetic
  if (!session->score(mmoe::Input::x(x, kRows), {scores}).ok()) return false;
  std::printf("%s exact %d scores %08x\n", kernel_set, session->plan().is_exact(), hash(scores));

  x[7 * model.input_dim() + 3] = std::numeric_limits<float>::quiet_NaN();
  if (!session->score(mmoe::Input::x(x, kRows), {scores}).ok() || !std::isnan(scores[7 * model.num_tasks()]))
    return false;
  options.non_finite = mmoe::NonFinite::kError;
  auto strict = mmoe::Session::create(model, options);
  return strict.ok() && strict->score(mmoe::Input::x(x, kRows), {scores}).error().code() == mmoe::ErrorCode::kNonFinite;
}

}  // namespace

int main(int argc, char** argv) {
  std::fesetenv(FE_DFL_ENV);  // linked with -ffast-math, a program begins with another
  auto model = mmoe::Model::map(argv[argc - 1]);
  if (!model) return 1;
  for (std::size_t i = 0; i < mmoe::num_kernel_sets(); ++i) {
    const mmoe::KernelSetInfo set = mmoe::kernel_set(i);
    if (!set.available || print_set(*model, set.name)) continue;
    std::fprintf(stderr, "%s: a row with NaN passes\n", set.name);
    return 1;
  }
}
