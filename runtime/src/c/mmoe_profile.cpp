// Where the time goes.
#include "c/handles.h"
#include "c/input.h"
#include "c/structs.h"
#include "mmoe/mmoe.h"

using mmoe::ErrorCode;
using mmoe::Result;
using namespace mmoe::internal;

MMOE_ENDS_WITH(mmoe_step_info, reserved);

extern "C" {

size_t mmoe_session_num_steps(const mmoe_session* session) { return session ? session->session.plan().num_steps() : 0; }

mmoe_status mmoe_session_step(const mmoe_session* session, size_t index, mmoe_step_info* info) {
  if (!session) return null_argument("session");
  const size_t num_steps = session->session.plan().num_steps();
  if (index >= num_steps) {
    return fail(make_error(ErrorCode::kInvalidArgument, "index: ", index, ", the session has ", num_steps, " steps"));
  }
  const mmoe::StepInfo step = session->session.step(index);
  mmoe_step_info full = {};
  full.kind = step.kind;
  full.inputs = step.inputs;
  full.outputs = step.outputs;
  full.sparse = step.sparse;
  return write_struct(full, "info", info);
}

mmoe_status mmoe_session_profile(mmoe_session* session, const mmoe_input* input, const mmoe_output* output,
                                 uint64_t (*clock)(void), uint64_t* ticks, size_t num_ticks) {
  if (!session || !input || !output) return null_argument(!session ? "session" : !input ? "input" : "output");
  if (!clock || !ticks) return null_argument(clock ? "ticks" : "clock");
  const Result<mmoe::Input> from = input_of(input);
  if (!from) return fail(from.error());
  const Result<mmoe::Output> to = output_of(output);
  if (!to) return fail(to.error());
  return finish(session->session.profile(*from, *to, clock, {ticks, num_ticks}));
}

}  // extern "C"
