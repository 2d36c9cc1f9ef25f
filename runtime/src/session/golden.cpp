#include "mmoe/golden.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "core/make_error.h"
#include "model/access.h"

namespace mmoe {
namespace {

using flatbuffers::uoffset_t;
using internal::make_error;
using internal::size_of;

constexpr std::size_t kFloatsOnStack = 256;

bool same_bits(float a, float b) { return std::memcmp(&a, &b, sizeof a) == 0; }

// In units of max(1, |expected|); infinite where only one of the two is a number.
double relative_difference(float found, float expected) {
  if (same_bits(found, expected) || (std::isnan(found) && std::isnan(expected))) return 0;
  const double difference = std::fabs(double{found} - double{expected});
  const double size = std::fabs(double{expected});
  const double relative = difference / (size > 1.0 ? size : 1.0);
  return std::isnan(relative) ? std::numeric_limits<double>::infinity() : relative;
}

void compare(const Plan& plan, const GoldenRows& golden, std::size_t row, const float* scores, std::size_t num_tasks,
             GoldenReport& report) {
  for (std::size_t column = 0; column < plan.num_tasks(); ++column) {
    const std::size_t task = plan.task(column);
    const float found = scores[column], expected = golden.scores[row * num_tasks + task];
    const double difference = relative_difference(found, expected);
    if (difference > report.largest_difference) report.largest_difference = difference;
    ++report.num_scores;
    const bool nans = std::isnan(found) && std::isnan(expected);
    if (report.exact ? nans || same_bits(found, expected) : difference <= report.tolerance) continue;
    if (report.num_wrong++ != 0) continue;
    report.row = row;
    report.task = task;
    report.found = found;
    report.expected = expected;
  }
}

std::uint64_t terms_of(const internal::DenseLayers* layers) {
  std::uint64_t terms = 0;
  for (uoffset_t i = 0; i < size_of(layers); ++i) terms += layers->Get(i)->inputs() + 1;  // and the bias
  return terms;
}

std::uint64_t larger(std::uint64_t a, std::uint64_t b) { return a > b ? a : b; }

std::uint64_t terms_of(const schema::Level& level) {
  std::uint64_t longest = 0;
  std::uint64_t mixed = 0;
  for (const schema::Expert* expert : *level.experts()) longest = larger(longest, terms_of(expert->layers()));
  for (const schema::Gate* gate : *level.gates()) {
    const std::uint64_t logits = gate->logits() ? gate->logits()->inputs() + 1 : 0;
    longest = larger(longest, terms_of(gate->hidden()) + logits);
    mixed = larger(mixed, gate->experts()->size());
  }
  return longest + 2 * mixed;  // the softmax's sum, and the mix
}

}  // namespace

inline namespace v0_1 {

double tolerance_without_fma(const Model& model) {
  const schema::Model& root = *internal::ModelAccess::root(model);
  std::uint64_t terms = terms_of(root.trunk());
  for (const schema::Level* level : *root.levels()) terms += terms_of(*level);
  std::uint64_t tower = 0;
  for (uoffset_t i = 0; i < size_of(root.towers()); ++i) {
    tower = larger(tower, terms_of(root.towers()->Get(i)->layers()));
  }
  constexpr std::uint64_t kExpTerms = 16;  // the polynomial of a sigmoid or softmax
  return static_cast<double>(terms + tower + kExpTerms) / (1 << 23);
}

Result<GoldenReport> replay_golden(Session& session, Span<float> scores) {
  const Plan& plan = session.plan();
  const Model model = internal::ModelAccess::view(plan.data(), plan.size_bytes());
  const GoldenRows golden = model.golden_rows();
  if (golden.num_rows == 0) return make_error(ErrorCode::kInvalidArgument, "golden rows: the file has none");
  if (plan.top_k() != 0 || plan.min_gate_weight() > 0) {
    return make_error(ErrorCode::kInvalidArgument, "golden rows: the stored scores were computed without ",
                      plan.top_k() != 0 ? "top_k" : "min_gate_weight");
  }
  float on_stack[kFloatsOnStack];
  if (scores.empty()) scores = on_stack;
  const std::size_t rows_per_call = scores.size() / plan.num_tasks();
  if (rows_per_call == 0) {
    return make_error(ErrorCode::kInvalidArgument, "scores: length ", scores.size(), ", needs ", plan.num_tasks());
  }
  GoldenReport report{};
  report.num_rows = golden.num_rows;
  report.exact = plan.is_exact();
  report.tolerance = report.exact ? 0 : tolerance_without_fma(model);
  for (std::size_t row = 0; row < golden.num_rows;) {
    const std::size_t left = golden.num_rows - row;
    const std::size_t count = rows_per_call < left ? rows_per_call : left;
    Status status = session.score(Input::golden(golden, row, count), {scores});
    if (!status) return make_error(status.error().code(), "golden rows: ", status.error().message());
    for (std::size_t i = 0; i < count; ++i, ++row) {
      compare(plan, golden, row, scores.data() + i * plan.num_tasks(), model.num_tasks(), report);
    }
  }
  return report;
}

}  // namespace v0_1
}  // namespace mmoe
