// What a session is: its tasks, gates, logits and costs.
#include "c/handles.h"
#include "c/structs.h"
#include "mmoe/mmoe.h"

using mmoe::ErrorCode;
using mmoe::Plan;
using namespace mmoe::internal;

MMOE_ENDS_WITH(mmoe_gate_info, tasks);

namespace {

const Plan& plan_of(const mmoe_session* session) { return session->session.plan(); }

}  // namespace

extern "C" {

size_t mmoe_session_num_tasks(const mmoe_session* session) { return session ? plan_of(session).num_tasks() : 0; }

size_t mmoe_session_task(const mmoe_session* session, size_t column) {
  if (!session) return 0;
  return column < plan_of(session).num_tasks() ? plan_of(session).task(column) : SIZE_MAX;
}

size_t mmoe_session_num_workers(const mmoe_session* session) { return session ? session->session.num_workers() : 0; }
const char* mmoe_session_kernel_set(const mmoe_session* session) {
  return session ? plan_of(session).kernel_set() : nullptr;
}
int32_t mmoe_session_is_exact(const mmoe_session* session) { return session && plan_of(session).is_exact() ? 1 : 0; }
size_t mmoe_session_top_k(const mmoe_session* session) { return session ? plan_of(session).top_k() : 0; }
float mmoe_session_min_gate_weight(const mmoe_session* session) {
  return session ? plan_of(session).min_gate_weight() : 0;
}
int32_t mmoe_session_non_finite(const mmoe_session* session) {
  return session ? static_cast<int32_t>(plan_of(session).non_finite()) : 0;
}
size_t mmoe_session_block_rows(const mmoe_session* session) { return session ? plan_of(session).block_rows() : 0; }
uint64_t mmoe_session_multiply_adds_per_row(const mmoe_session* session) {
  return session ? plan_of(session).multiply_adds_per_row() : 0;
}

size_t mmoe_session_num_gates(const mmoe_session* session) { return session ? plan_of(session).num_gates() : 0; }
size_t mmoe_session_num_gate_weights(const mmoe_session* session) {
  return session ? plan_of(session).num_gate_weights() : 0;
}

mmoe_status mmoe_session_gate(const mmoe_session* session, size_t index, mmoe_gate_info* info) {
  if (!session) return null_argument("session");
  const size_t num_gates = plan_of(session).num_gates();
  if (index >= num_gates) {
    return fail(make_error(ErrorCode::kInvalidArgument, "index: ", index, ", the session has ", num_gates, " gates"));
  }
  const mmoe::GateInfo gate = plan_of(session).gate(index);
  mmoe_gate_info full = {};
  full.level = gate.level;
  full.index = gate.index;
  full.column = gate.column;
  full.num_experts = gate.num_experts;
  full.experts = gate.experts;
  full.name = gate.name.data();
  full.name_size = gate.name.size();
  full.tasks = gate.tasks;
  return write_struct(full, "info", info);
}

size_t mmoe_session_num_logits(const mmoe_session* session) { return session ? plan_of(session).num_logits() : 0; }

mmoe_status mmoe_session_logits(const mmoe_session* session, size_t column, size_t* first, size_t* count) {
  if (!session || !first || !count) return null_argument(!session ? "session" : !first ? "first" : "count");
  const size_t num_tasks = plan_of(session).num_tasks();
  if (column >= num_tasks) {
    return fail(make_error(ErrorCode::kInvalidArgument, "column: ", column, ", the session has ", num_tasks, " tasks"));
  }
  const mmoe::LogitColumns columns = plan_of(session).logits(column);
  *first = columns.first;
  *count = columns.count;
  return MMOE_OK;
}

}  // extern "C"
