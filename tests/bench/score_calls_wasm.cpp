// score() for a host of WebAssembly that counts instructions: count_wasm.py.
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include "mmoe/kernel_sets.h"
#include "mmoe/session.h"

namespace {

alignas(64) std::uint8_t file[8 << 20];
alignas(64) std::uint8_t arena[8 << 20];
float x[64 * 1024], scores[64 * 8];
std::size_t num_rows, num_columns;
alignas(mmoe::Session) std::uint8_t room[sizeof(mmoe::Session)];
alignas(mmoe::Model) std::uint8_t model_room[sizeof(mmoe::Model)];
mmoe::Session* session;

}  // namespace

extern "C" {

std::uint8_t* model_buffer() { return file; }
int prepare(int size, int batch, int set);
int score(int calls);
}

// Of the model in the buffer, by the kernel set of this number; 0: done.
int prepare(int size, int batch, int set) {
  auto model = mmoe::Model::from_bytes(file, static_cast<std::size_t>(size));
  if (!model) return 1;
  auto* kept = new (model_room) mmoe::Model(std::move(*model));
  num_rows = static_cast<std::size_t>(batch);
  num_columns = kept->input_dim();
  if (num_rows * num_columns > sizeof x / sizeof *x) return 2;
  for (std::size_t i = 0; i < num_rows * num_columns; ++i) x[i] = static_cast<float>(i % 17) * 0.125f - 1.0f;
  mmoe::SessionOptions options;
  options.max_batch = num_rows;
  options.kernel_set = mmoe::kernel_set(static_cast<std::size_t>(set)).name;
  const auto plan = mmoe::Plan::create(*kept, options);
  if (!plan) return 3;
  auto made = mmoe::Session::create(*plan, arena, sizeof arena);
  if (!made) return 4;
  session = new (room) mmoe::Session(std::move(*made));
  return 0;
}

int score(int calls) {
  for (int call = 0; call < calls; ++call) {
    if (!session->score(mmoe::Input::x({x, num_rows * num_columns}, num_rows), {scores})) return 1;
  }
  return 0;
}
