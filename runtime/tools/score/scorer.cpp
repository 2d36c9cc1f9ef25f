#include "runtime/tools/score/scorer.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "runtime/tools/support/error.h"
#include "runtime/tools/support/text.h"

namespace mmoe::tools {
namespace {

std::vector<std::string> all_task_names(const Model& model) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < model.num_tasks(); ++i) names.emplace_back(model.task_name(i));
  return names;
}

std::vector<std::uint32_t> find_tasks(const Model& model, const std::vector<std::string>& names) {
  std::vector<std::uint32_t> tasks;
  for (const std::string& name : names) {
    const std::size_t task = model.find_task(name);
    if (task == model.num_tasks()) {
      throw UsageError("the model has no task " + quoted(name) + "; its tasks: " + join(all_task_names(model)));
    }
    tasks.push_back(static_cast<std::uint32_t>(task));
    if (std::count(tasks.begin(), tasks.end(), tasks.back()) > 1) throw UsageError("task " + quoted(name) + " twice");
  }
  return tasks;
}

// What many rows together need may be above a limit where one row is not: the session then scores a batch in parts.
Result<Session> create_within_limits(const Model& model, SessionOptions options) {
  Result<Session> session = Session::create(model, options);
  if (session || session.error().code() != ErrorCode::kLimitExceeded || options.max_batch <= 1) return session;
  options.max_batch /= 2;
  return create_within_limits(model, options);
}

Session make_session(const Model& model, const ScorerOptions& options) {
  const std::vector<std::uint32_t> tasks = find_tasks(model, options.tasks);
  SessionOptions session_options;
  session_options.max_batch = options.batch_rows;
  session_options.tasks = tasks.empty() ? nullptr : tasks.data();
  session_options.num_tasks = tasks.size();
  session_options.top_k = options.top_k;
  session_options.min_gate_weight = options.min_gate_weight;
  session_options.kernel_set = options.kernel_set.empty() ? nullptr : options.kernel_set.c_str();
  session_options.non_finite = options.non_finite;
  options.limits.apply_to(session_options);
  Result<Session> session = create_within_limits(model, session_options);
  if (session) return std::move(*session);
  const ErrorCode code = session.error().code();
  const bool usage = code == ErrorCode::kInvalidArgument || code == ErrorCode::kUnsupported;
  if (usage) throw UsageError(session.error().message());
  throw ToolError(plan_message(session.error()));
}

// The runtime's message of a row that was scored alone: "feature \"price\", row 0: ..." without the row, of which the
// place is known.
std::string without_row(const std::string& message) {
  for (const char* row : {", row 0", "row 0, ", "row 0: "}) {
    const std::size_t at = message.rfind(row);
    if (at != std::string::npos) return message.substr(0, at) + message.substr(at + std::strlen(row));
  }
  return message;
}

}  // namespace

Scorer::Scorer(const Model& model, const ScorerOptions& options)
    : session_(make_session(model, options)),
      task_names_(options.tasks.empty() ? all_task_names(model) : options.tasks),
      max_rows_(options.batch_rows),
      scores_(options.batch_rows * task_names_.size()) {
  if (!options.gates) return;
  const std::size_t num_weights = session_.plan().num_gate_weights();
  max_rows_ = rows_that_fit(num_weights * sizeof(float), options.batch_rows);
  gate_weights_.resize(max_rows_ * num_weights);
}

const float* Scorer::score(const RowReader& reader, const RowBatch& batch) {
  const Status status = score_rows(batch, 0, batch.num_rows());
  if (!status) fail(reader, batch, status.error());
  return scores_.data();
}

void Scorer::set_user(const RowReader& reader, const RowBatch& batch) {
  if (Status status = session_.set_user(batch.input()); !status) {
    throw ToolError(reader.where(0) + ": " + without_row(status.error().message()));
  }
  has_user_ = true;
}

Status Scorer::score_rows(const RowBatch& batch, std::size_t first, std::size_t num_rows) {
  const Input rows = batch.input(first, num_rows);
  Output output{scores_};
  output.gate_weights = gate_weights_;
  return session_.score(has_user_ ? rows.candidates() : rows, output);
}

// The runtime counts rows within the batch; people count lines of a file.
void Scorer::fail(const RowReader& reader, const RowBatch& batch, const Error& error) {
  for (std::size_t row = 0; row < batch.num_rows(); ++row) {
    const Status status = score_rows(batch, row, 1);
    if (status) continue;
    throw ToolError(reader.where(row) + ": " + without_row(status.error().message()));
  }
  throw ToolError(error.message());
}

}  // namespace mmoe::tools
