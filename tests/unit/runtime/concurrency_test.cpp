#include <atomic>
#include <cstring>
#include <thread>

#include <doctest/doctest.h>

#include "mmoe/mmoe.h"
#include "mmoe/session.h"
#include "tests/unit/models.h"

namespace mmoe::test {
namespace {

TEST_CASE("concurrency: one model, a session per thread, the same bits everywhere") {
  const AlignedBytes file = model_file(mixed_description());
  const Model model = load(file);
  Random random(1);
  const std::vector<float> x = random.floats(64 * model.input_dim());
  std::vector<float> expected(64 * model.num_tasks());
  SessionOptions options;
  options.max_batch = 64;
  REQUIRE(Session::create(model, options)->score(Input::x(x, 64), {expected}).ok());
  std::atomic<int> differing{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      Result<Session> session = Session::create(model, options);
      std::vector<float> scores(expected.size());
      for (int i = 0; i < 20; ++i) {
        const bool ok = session.ok() && session->score(Input::x(x, 64), {scores}).ok();
        const bool same = std::memcmp(scores.data(), expected.data(), scores.size() * sizeof(float)) == 0;
        differing += !ok || !same;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(differing == 0);
}

TEST_CASE("concurrency: each thread has its own last message") {
  mmoe_model* model = nullptr;
  CHECK(mmoe_model_map("/nowhere/here.mmoe", nullptr, &model) == MMOE_IO);
  const std::string mine = mmoe_last_message();
  std::string theirs = "unset";
  std::thread([&] { theirs = mmoe_last_message(); }).join();
  CHECK(theirs.empty());
  CHECK(mmoe_last_message() == mine);
}

}  // namespace
}  // namespace mmoe::test
