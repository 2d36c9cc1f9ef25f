#include "runtime/tools/verify/golden_replay.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "mmoe/kernel_sets.h"
#include "mmoe/session.h"
#include "runtime/tools/model/model_view.h"
#include "runtime/tools/rows/input_spec.h"
#include "runtime/tools/rows/row_batch.h"
#include "runtime/tools/support/error.h"
#include "runtime/tools/support/text.h"

namespace mmoe::tools {
namespace {

Session make_session(const Model& model, const char* kernel_set, std::size_t batch, const PlanLimits& limits) {
  SessionOptions options;
  limits.apply_to(options);
  options.kernel_set = kernel_set;
  options.max_batch = batch;
  Result<Session> session = Session::create(model, options);
  if (session) return std::move(*session);
  if (session.error().code() == ErrorCode::kUnsupported) throw UsageError(session.error().message());
  throw ToolError(plan_message(session.error()));
}

// The stored rows, feature by feature as Session takes them.
RowBatch golden_inputs(const Model& model) {
  const GoldenRows golden = model.golden_rows();
  const InputSpec spec = input_spec(model);
  RowBatch batch(spec, golden.num_rows);
  batch.set_num_rows(golden.num_rows);
  const float* values = golden.values;
  const std::int32_t* ids = golden.ids;
  for (std::size_t row = 0; row < golden.num_rows; ++row) {
    if (spec.features.empty()) std::copy_n(values + row * spec.input_dim, spec.input_dim, batch.values(0, row));
    for (std::size_t i = 0; i < spec.features.size(); ++i) {
      if (spec.features[i].kind != FeatureKind::kDense) {
        std::copy_n(ids, spec.features[i].length, batch.ids(i, row));
        ids += spec.features[i].length;
      } else {
        std::copy_n(values, spec.features[i].width, batch.values(i, row));
        values += spec.features[i].width;
      }
    }
  }
  return batch;
}

std::vector<float> score(const Model& model, Session& session, std::size_t batch) {
  const RowBatch inputs = golden_inputs(model);
  std::vector<float> scores(inputs.num_rows() * model.num_tasks());
  for (std::size_t row = 0; row < inputs.num_rows(); row += batch) {
    const std::size_t rows = std::min(batch, inputs.num_rows() - row);
    float* out = scores.data() + row * model.num_tasks();
    const std::vector<FeatureColumn> columns = inputs.columns(row);
    const Status status = inputs.x() ? session.score(inputs.x() + row * model.input_dim(), rows, out)
                                     : session.score_features(columns.data(), columns.size(), rows, out);
    if (!status) throw ToolError(std::string("golden rows: ") + status.error().message());
  }
  return scores;
}

bool same_bits(float a, float b) { return std::memcmp(&a, &b, sizeof a) == 0; }

// In units of max(1, |expected|); infinite where only one of the two is a number.
double relative_difference(float found, float expected) {
  if (same_bits(found, expected) || (std::isnan(found) && std::isnan(expected))) return 0;
  const double difference = std::fabs(double{found} - double{expected});
  const double relative = difference / std::max(1.0, std::fabs(double{expected}));
  return std::isnan(relative) ? std::numeric_limits<double>::infinity() : relative;
}

void compare(const Model& model, const std::vector<float>& scores, Replay& replay) {
  const float* expected = model.golden_rows().scores;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const double difference = relative_difference(scores[i], expected[i]);
    replay.largest_difference = std::max(replay.largest_difference, difference);
    const bool nans = std::isnan(scores[i]) && std::isnan(expected[i]);
    const bool right = replay.exact ? nans || same_bits(scores[i], expected[i]) : difference <= replay.tolerance;
    if (right || replay.num_wrong++ > 0) continue;
    replay.row = i / model.num_tasks();
    replay.task = i % model.num_tasks();
    replay.found = scores[i];
    replay.expected = expected[i];
  }
}

using Layers = flatbuffers::Vector<flatbuffers::Offset<schema::Dense>>;

std::uint64_t terms_of(const Layers* layers) {
  std::uint64_t terms = 0;
  for (Index i = 0; i < size_of(layers); ++i) terms += layers->Get(i)->inputs() + 1;  // and the bias
  return terms;
}

std::uint64_t terms_of(const schema::Level& level) {
  std::uint64_t longest = 0;
  std::uint64_t mixed = 0;
  for (const schema::Expert* expert : *level.experts()) longest = std::max(longest, terms_of(expert->layers()));
  for (const schema::Gate* gate : *level.gates()) {
    const std::uint64_t logits = gate->logits() ? gate->logits()->inputs() + 1 : 0;
    longest = std::max(longest, terms_of(gate->hidden()) + logits);
    mixed = std::max<std::uint64_t>(mixed, gate->experts()->size());
  }
  return longest + 2 * mixed;  // the softmax's sum, and the mix
}

// A file may have a row in 8 bytes, and each of them may cost what one row may. Whoever raises that limit has asked for
// it.
void check_work(const Plan& plan, const PlanLimits& limits) {
  constexpr std::uint64_t kAlways = std::uint64_t{1} << 30, kPerByte = 4096;  // the converter's rows: some 100 per byte
  if (limits.max_multiply_adds != 0) return;
  const std::uint64_t rows = plan.model().golden_rows().num_rows, each = plan.multiply_adds_per_row();
  const std::uint64_t limit = std::max<std::uint64_t>(kAlways, kPerByte * plan.model().size_bytes());
  if (each == 0 || rows <= limit / each) return;
  throw ToolError(with_thousands(rows) + " golden rows of " + with_thousands(each) +
                  " multiply-adds each are more work than is allowed for a file of " +
                  human_bytes(plan.model().size_bytes()) + ": pass --max-multiply-adds " + std::to_string(each) +
                  " if you trust the file");
}

}  // namespace

double tolerance_without_fma(const Model& model) {
  const ModelView view(model);
  std::uint64_t terms = terms_of(view.root().trunk());
  for (const schema::Level* level : *view.root().levels()) terms += terms_of(*level);
  std::uint64_t tower = 0;
  for (Index i = 0; i < size_of(view.root().towers()); ++i) {
    tower = std::max(tower, terms_of(view.root().towers()->Get(i)->layers()));
  }
  constexpr std::uint64_t kExpTerms = 16;  // the polynomial of a sigmoid or softmax
  return static_cast<double>(terms + tower + kExpTerms) * std::ldexp(1.0, -23);
}

Replay replay_golden_rows(const Model& model, const char* kernel_set, std::size_t batch, const PlanLimits& limits) {
  Session session = make_session(model, kernel_set, batch, limits);
  check_work(session.plan(), limits);
  Replay replay;
  replay.kernel_set = session.plan().kernel_set();
  replay.exact = session.plan().is_exact();
  replay.batch = batch;
  replay.tolerance = replay.exact ? 0 : tolerance_without_fma(model);
  const std::vector<float> scores = score(model, session, batch);
  replay.num_scores = scores.size();
  compare(model, scores, replay);
  return replay;
}

std::vector<std::string> available_kernel_sets() {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < num_kernel_sets(); ++i) {
    const KernelSetInfo set = kernel_set(i);
    if (set.available) names.emplace_back(set.name);
  }
  return names;
}

}  // namespace mmoe::tools
