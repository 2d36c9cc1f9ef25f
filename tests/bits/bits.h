// The scores of a model for fixed inputs, as text of their bits: the same on every target that keeps the numerics
// contract. Needs neither heap nor files, so that microcontrollers print it too.
#pragma once

#include <cstring>

#include <mmoe/session.h>

namespace mmoe::bits {

constexpr std::size_t kRows = 33;  // more than a tile of every kernel set, and a remainder
constexpr std::size_t kMaxInputs = 256, kMaxTasks = 16;

struct Memory {
  float x[kRows * kMaxInputs];
  float scores[kRows * kMaxTasks];
  float again[kRows * kMaxTasks];
};

/// Multiples of 1/64 in [-2, 2), exact on every machine.
inline void fill_inputs(float* x, std::size_t size) {
  std::uint32_t state = 1;
  for (std::size_t i = 0; i < size; ++i) {
    state = state * 1664525u + 1013904223u;
    x[i] = static_cast<float>(static_cast<int>(state >> 24) - 128) / 64.0f;
  }
}

/// Calls line("bits NAME KIND ROW 3f000000 3f000000 ...\n") for each row.
template <class Line>
void print_rows(const char* name, const char* kind, const float* scores, std::size_t num_rows, std::size_t num_tasks,
                const Line& line) {
  for (std::size_t row = 0; row < num_rows; ++row) {
    char text[64 + 9 * kMaxTasks] = "bits ";
    std::strcat(std::strcat(std::strcat(text, name), " "), kind);
    for (std::size_t task = 0; task < num_tasks; ++task) {
      std::uint32_t word;
      std::memcpy(&word, scores + row * num_tasks + task, sizeof word);
      char digits[] = " 00000000";
      for (std::size_t d = 8; d > 0; --d, word >>= 4) digits[d] = "0123456789abcdef"[word & 15];
      std::strcat(text, digits);
    }
    line(std::strcat(text, "\n"));
  }
}

/// Raw feature values of the model's golden rows, a row at a time.
inline Status score_golden(Session& session, const Model& model, float* scores) {
  const GoldenRows rows = model.golden_rows();
  for (std::size_t row = 0; row < rows.num_rows; ++row) {
    float* to = scores + row * model.num_tasks();
    Status status = session.score(Input::golden(rows, row, 1), {{to, model.num_tasks()}});
    if (!status) return status;
  }
  return {};
}

/// Scores in `session`, whose block is smaller than kRows, so that whole and remaining blocks occur. False, after a
/// line that says so, where rows alone have other bits than rows together, or where scoring fails.
template <class Line>
bool print_model(const char* name, const Model& model, Session& session, Memory& memory, const Line& line) {
  const std::size_t num_tasks = model.num_tasks();
  const GoldenRows golden = model.golden_rows();
  if (model.input_dim() > kMaxInputs || num_tasks > kMaxTasks || golden.num_rows > kRows) {
    return line("error: the model is too large\n"), false;
  }
  fill_inputs(memory.x, kRows * model.input_dim());
  bool ok = session.score(Input::x({memory.x, kRows * model.input_dim()}, kRows), {memory.scores}).ok();
  for (std::size_t row = 0; row < kRows; ++row) {
    const Input one = Input::x({memory.x + row * model.input_dim(), model.input_dim()}, 1);
    ok = ok && session.score(one, {{memory.again + row * num_tasks, num_tasks}}).ok();
  }
  if (!ok) return line("error: scoring failed\n"), false;
  print_rows(name, "x", memory.scores, kRows, num_tasks, line);
  if (std::memcmp(memory.scores, memory.again, kRows * num_tasks * sizeof(float)) != 0) {
    return line("error: rows alone have other bits\n"), false;
  }
  if (!score_golden(session, model, memory.scores)) return line("error: scoring raw features failed\n"), false;
  print_rows(name, "golden", memory.scores, golden.num_rows, num_tasks, line);
  return true;
}

}  // namespace mmoe::bits
