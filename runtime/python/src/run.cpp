#include "runtime/python/src/run.h"

#include <algorithm>
#include <string>

#include "runtime/python/src/errors.h"

namespace mmoe::python {
namespace {

// What takes about 10 us on one core: giving up the interpreter's lock costs a tenth of that, or far more where others
// wait for it.
constexpr uint64_t kSmallWork = 1 << 17;
// About 50 ms on one core, after which signals are looked at.
constexpr uint64_t kPart = 1 << 29;

uint64_t work_of(const SessionObject& session, std::size_t num_rows) {
  return num_rows > UINT64_MAX / std::max<uint64_t>(session.multiply_adds, 1) ? UINT64_MAX
                                                                              : num_rows * session.multiply_adds;
}

std::size_t rows_of_part(const SessionObject& session) {
  const std::size_t threads = session.pool ? mmoe_thread_pool_num_threads(session.pool->pool) : 1;
  const uint64_t rows = kPart / std::max<uint64_t>(session.multiply_adds, 1) + 1;
  return std::max<std::size_t>(MMOE_MAX_BLOCK_ROWS, static_cast<std::size_t>(rows)) * threads;
}

// Without the interpreter's lock, or with it for little work.
mmoe_status score(mmoe_session* session, const mmoe_input& input, const mmoe_output& output, const mmoe_input* user) {
  if (!session) return MMOE_INVALID_ARGUMENT;
  if (user) {
    if (const mmoe_status status = mmoe_session_set_user(session, user); status != MMOE_OK) return status;
  }
  return mmoe_session_score(session, &input, &output);
}

bool run_part(SessionObject& session, const mmoe_input& input, const mmoe_output& output, const mmoe_input* user,
              std::size_t num_rows, std::size_t first) {
  mmoe_status status = MMOE_OK;
  bool is_closed = false;
  if (work_of(session, num_rows) <= kSmallWork && session.mutex->try_lock()) {
    is_closed = !session.session;
    status = score(session.session, input, output, user);
    session.mutex->unlock();
  } else {
    PyThreadState* state = PyEval_SaveThread();
    session.mutex->lock();
    is_closed = !session.session;
    status = score(session.session, input, output, user);
    session.mutex->unlock();
    PyEval_RestoreThread(state);
  }
  if (is_closed) return refuse("the session is closed"), false;
  if (status == MMOE_OK) return true;
  return fail_behind(status, first == 0 ? "" : "; its row 0 is row " + std::to_string(first)), false;
}

void advance(float*& data, std::size_t& num_floats, std::size_t floats) {
  if (!data) return;
  data += floats;
  num_floats -= floats;
}

}  // namespace

bool run(SessionObject& session, const mmoe_input& input, const mmoe_output& output, const mmoe_input* user) {
  if (input.rows) return run_part(session, input, output, user, mmoe_rows_num_rows(input.rows), 0);
  const std::size_t most = rows_of_part(session);
  if (input.num_rows <= most) return run_part(session, input, output, user, input.num_rows, 0);
  mmoe_input part = input;
  mmoe_output to = output;
  for (std::size_t first = 0; first < input.num_rows; first += most) {
    part.num_rows = std::min(most, input.num_rows - first);
    part.x = input.x + first * input.x_stride;
    part.num_x = input.num_x - first * input.x_stride;
    if (!run_part(session, part, to, user, part.num_rows, first)) return false;
    if (PyErr_CheckSignals() != 0) return false;
    if (first + most >= input.num_rows) break;
    advance(to.scores, to.num_scores, most * output.scores_stride);
    advance(to.gate_weights, to.num_gate_weights, most * output.gate_weights_stride);
    advance(to.logits, to.num_logits, most * output.logits_stride);
  }
  return true;
}

bool run_user(SessionObject& session, const mmoe_input& user) {
  mmoe_status status = MMOE_OK;
  bool is_closed = false;
  {
    const SessionLock lock(session);
    is_closed = !session.session;
    if (!is_closed) status = mmoe_session_set_user(session.session, &user);
  }
  if (is_closed) return refuse("the session is closed"), false;
  return status == MMOE_OK || (fail(status), false);
}

}  // namespace mmoe::python
