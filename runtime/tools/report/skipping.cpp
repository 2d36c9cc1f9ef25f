#include "runtime/tools/report/skipping.h"

#include <algorithm>
#include <string>

#include "mmoe/session.h"
#include "runtime/tools/model/gate_names.h"
#include "runtime/tools/model/model_view.h"
#include "runtime/tools/model/work.h"
#include "runtime/tools/support/error.h"

namespace mmoe::tools {

Skipping::Skipping(const Plan& plan, std::size_t top_k) {
  const schema::Model& root = ModelView(plan).root();
  std::vector<std::vector<char>> listed;
  for (const std::vector<bool>& level : experts_of_constant_gates(root)) {
    always_.emplace_back(level.begin(), level.end());
    listed.push_back(always_.back());
    costs_.emplace_back(level.size());
  }
  for (const GateInfo& gate : gates_of(plan)) {
    const schema::Level& level = *root.levels()->Get(static_cast<Index>(gate.level));
    const schema::Gate& described = *level.gates()->Get(static_cast<Index>(gate.index));
    gates_.push_back({gate, static_cast<double>(mixing_multiply_adds(level, described)), top_k < gate.num_experts});
    for (std::size_t e = 0; e < gate.num_experts; ++e) listed[gate.level][gate.experts[e]] = 1;
  }
  for (std::size_t l = 0; l < listed.size(); ++l) {
    for (std::size_t e = 0; e < listed[l].size(); ++e) {
      if (!listed[l][e]) continue;
      ++num_experts_;
      const schema::Level& level = *root.levels()->Get(static_cast<Index>(l));
      costs_[l][e] = static_cast<double>(multiply_adds(*level.experts()->Get(static_cast<Index>(e))));
    }
  }
  all_multiply_adds_ = static_cast<double>(flops_per_row(root).all_experts) / 2;
}

void Skipping::add(const float* weights) {
  computed_ = always_;
  for (const Gate& gate : gates_) {
    for (std::size_t e = 0; e < gate.info.num_experts; ++e) {
      const bool mixed = !gate.selects || weights[gate.info.column + e] != 0;
      if (mixed) computed_[gate.info.level][gate.info.experts[e]] = 1;
      if (!mixed) skipped_ += gate.mixing;
    }
  }
  for (std::size_t l = 0; l < computed_.size(); ++l) {
    for (std::size_t e = 0; e < computed_[l].size(); ++e) {
      if (computed_[l][e]) experts_ += 1;
      if (!computed_[l][e]) skipped_ += costs_[l][e];
    }
  }
  ++num_rows_;
}

double Skipping::mean_experts() const { return experts_ / static_cast<double>(num_rows_); }

double Skipping::mean_multiply_adds() const { return all_multiply_adds_ - skipped_ / static_cast<double>(num_rows_); }

bool skips_experts(const Model& model, std::size_t top_k, std::size_t max_batch, const PlanLimits& limits) {
  SessionOptions options;
  limits.apply_to(options);
  options.top_k = top_k;
  options.max_batch = max_batch;
  const Result<Session> session = Session::create(model, options);
  if (!session) throw ToolError(plan_message(session.error()));
  for (std::size_t i = 0; i < session->plan().num_steps(); ++i) {
    if (session->step(i).sparse) return true;
  }
  return false;
}

}  // namespace mmoe::tools
