// What must hold on bare metal: addresses that are not aligned are refused, nothing is allocated, damaged bytes are
// errors, and a row has the same bits in every batch.
#include <cstring>

#include <mmoe/session.h>

#include "print.h"

extern "C" const std::uint8_t model_begin[], model_end[];

namespace {

constexpr std::size_t kRows = 7, kMaxInputs = 256, kMaxTasks = 8;
alignas(64) std::uint8_t arena[64 * 1024];
alignas(64) std::uint8_t damaged[160 * 1024];
float x[kRows * kMaxInputs], scores[kRows * kMaxTasks], one[kMaxTasks];
int num_failures = 0;

void check(bool holds, const char* what) {
  if (holds) return;
  print("failed: ", what, "\n");
  ++num_failures;
}

template <class Result>
void check_error(const Result& result, mmoe::ErrorCode code, const char* what) {
  check(!result.ok() && result.error().code() == code, what);
  if (!result.ok()) print(what, ": ", result.error().message(), "\n");
}

std::size_t model_size() { return static_cast<std::size_t>(model_end - model_begin); }

void check_addresses() {
  mmoe::LoadOptions copy;
  copy.copy_if_misaligned = true;
  for (const std::size_t excess : {1, 2, 4, 32}) {
    check_error(mmoe::Model::from_bytes(model_begin + excess, model_size() - excess), mmoe::ErrorCode::kMisaligned,
                "a model that is not aligned");
  }
  check_error(mmoe::Model::from_bytes(model_begin + 1, model_size() - 1, copy), mmoe::ErrorCode::kOutOfMemory,
              "a copy without a heap");
  check_error(mmoe::Model::map("model.mmoe"), mmoe::ErrorCode::kUnsupported, "a file without files");
}

// Every 61st byte inverted, one at a time: an error or a model, never a fault.
void check_damage() {
  std::size_t refused = 0, tried = 0;
  std::memcpy(damaged, model_begin, model_size());
  check_error(mmoe::Model::from_bytes(damaged, model_size() / 2), mmoe::ErrorCode::kDamaged, "half a model");
  for (std::size_t at = 0; at < model_size(); at += 61, ++tried) {
    damaged[at] = static_cast<std::uint8_t>(~damaged[at]);
    refused += !mmoe::Model::from_bytes(damaged, model_size()).ok();
    damaged[at] = model_begin[at];
  }
  check(refused > 0, "no damage was noticed");
  print(refused, " of ", tried, " damaged models refused\n");
}

void check_batches(const mmoe::Model& model) {
  for (std::size_t i = 0; i < kRows * model.input_dim(); ++i) {
    x[i] = static_cast<float>(static_cast<int>(i * 2654435761u >> 24) - 128) / 128;
  }
  mmoe::PlanOptions options;
  options.max_batch = kRows;
  const auto plan = mmoe::Plan::create(model, options);
  if (!plan.ok()) return check(false, plan.error().message());
  check_error(mmoe::Session::create(*plan), mmoe::ErrorCode::kOutOfMemory, "a session without an arena");
  check_error(mmoe::Session::create(*plan, arena, plan->arena_bytes() - 1), mmoe::ErrorCode::kArenaTooSmall,
              "an arena that is too small");
  auto session = mmoe::Session::create(*plan, arena + 3, sizeof arena - 3);  // any address will do
  if (!session.ok()) return check(false, session.error().message());
  check(session->score(mmoe::Input::x({x, kRows * model.input_dim()}, kRows), {scores}).ok(), "scoring a batch");
  for (std::size_t row = 0; row < kRows; ++row) {
    const auto input = mmoe::Input::x({x + row * model.input_dim(), model.input_dim()}, 1);
    check(session->score(input, {one}).ok(), "scoring a row");
    check(std::memcmp(one, scores + row * model.num_tasks(), model.num_tasks() * sizeof *one) == 0,
          "a row has other bits in a batch");
  }
}

}  // namespace

int main() {
  check_addresses();
  check_damage();
  const auto model = mmoe::Model::from_bytes(model_begin, model_size());
  if (!model.ok() || model->input_dim() > kMaxInputs || model->num_tasks() > kMaxTasks) return 1;
  check_batches(*model);
  print(num_failures == 0 ? "all checks passed\n" : "some checks failed\n");
  return num_failures;
}
