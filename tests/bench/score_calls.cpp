// score_calls MODEL BATCH CALLS KERNEL_SET: calls score() as often as said, for instructions.py to count its
// instructions.
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "mmoe/session.h"

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fputs("usage: score_calls MODEL BATCH CALLS KERNEL_SET\n", stderr);
    return 2;
  }
  const auto batch = static_cast<std::size_t>(std::atol(argv[2]));
  const auto model = mmoe::Model::map(argv[1]);
  if (!model) {
    std::fprintf(stderr, "%s\n", model.error().message());
    return 1;
  }
  mmoe::SessionOptions options;
  options.max_batch = batch;
  options.kernel_set = argv[4];
  auto session = mmoe::Session::create(*model, options);
  if (!session) {
    std::fprintf(stderr, "%s\n", session.error().message());
    return session.error().code() == mmoe::ErrorCode::kUnsupported ? 77 : 1;
  }
  std::vector<float> x(batch * model->input_dim()), scores(batch * model->num_tasks());
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 17) * 0.125f - 1.0f;
  for (long call = std::atol(argv[3]); call > 0; --call) {
    if (!session->score(mmoe::Input::x(x, batch), {scores})) return 1;
  }
}
