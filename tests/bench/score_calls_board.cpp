// score() a number of times on bare metal (MMOE_CALLS), for instructions_types.sh to count its instructions. The model
// is in flash; rows are x.
#include <cstddef>
#include <cstdint>

#include "mmoe/session.h"

extern "C" const std::uint8_t model_begin[], model_end[];

namespace {

constexpr std::size_t kBatch = 1;
alignas(64) std::uint8_t arena[32 * 1024];
float x[kBatch * 512];
float scores[kBatch * 8];

}  // namespace

int main() {
  const auto model = mmoe::Model::from_bytes(model_begin, static_cast<std::size_t>(model_end - model_begin));
  if (!model || model->input_dim() * kBatch > sizeof x / sizeof *x) return 2;
  mmoe::SessionOptions options;
  options.max_batch = kBatch;
  const auto plan = mmoe::Plan::create(*model, options);
  if (!plan) return 3;
  auto session = mmoe::Session::create(*plan, arena, sizeof arena);
  if (!session) return 4;
  const std::size_t size = kBatch * model->input_dim();
  for (std::size_t i = 0; i < size; ++i) x[i] = static_cast<float>(i % 17) * 0.125f - 1.0f;
  for (int call = 0; call < MMOE_CALLS; ++call) {
    if (!session->score(mmoe::Input::x({x, size}, kBatch), {scores})) return 5;
  }
  return 0;
}
