#include "mmoe/golden.h"

#include "c/handles.h"
#include "c/structs.h"
#include "mmoe/mmoe.h"

using mmoe::GoldenReport;
using mmoe::Result;
using namespace mmoe::internal;

MMOE_ENDS_WITH(mmoe_golden_report, reserved);

extern "C" {

double mmoe_model_tolerance_without_fma(const mmoe_model* model) {
  return model ? mmoe::tolerance_without_fma(model->model) : 0;
}

mmoe_status mmoe_session_replay_golden(mmoe_session* session, float* scores, size_t num_scores,
                                       mmoe_golden_report* report) {
  if (!session || !report) return null_argument(session ? "report" : "session");
  if (!scores && num_scores != 0) return null_argument("scores");
  const Result<GoldenReport> replayed = mmoe::replay_golden(session->session, {scores, num_scores});
  if (!replayed) return fail(replayed.error());
  mmoe_golden_report full = {};
  full.num_rows = replayed->num_rows;
  full.num_scores = replayed->num_scores;
  full.num_wrong = replayed->num_wrong;
  full.row = replayed->row;
  full.task = replayed->task;
  full.found = replayed->found;
  full.expected = replayed->expected;
  full.tolerance = replayed->tolerance;
  full.largest_difference = replayed->largest_difference;
  full.exact = replayed->exact;
  return write_struct(full, "report", report);
}

}  // extern "C"
