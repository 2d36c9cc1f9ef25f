// Inputs and outputs of the C interface, in a line each.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "mmoe/mmoe.h"

namespace mmoe::test {

struct FreeHandle {
  void operator()(mmoe_model* model) const { mmoe_model_free(model); }
  void operator()(mmoe_session* session) const { mmoe_session_free(session); }
  void operator()(mmoe_rows* rows) const { mmoe_rows_free(rows); }
  void operator()(mmoe_thread_pool* pool) const { mmoe_thread_pool_free(pool); }
};
using CModel = std::unique_ptr<mmoe_model, FreeHandle>;
using CSession = std::unique_ptr<mmoe_session, FreeHandle>;
using CRows = std::unique_ptr<mmoe_rows, FreeHandle>;
using CPool = std::unique_ptr<mmoe_thread_pool, FreeHandle>;

/// A struct whose struct_size is set and whose other members are 0.
template <class Struct>
Struct sized() {
  Struct result = {};
  result.struct_size = sizeof result;
  return result;
}

inline mmoe_input x_input(const float* x, std::size_t num_x, std::size_t num_rows, bool candidates = false) {
  mmoe_input input = sized<mmoe_input>();
  input.x = x;
  input.num_x = num_x;
  input.num_rows = num_rows;
  input.candidates = candidates;
  return input;
}

inline mmoe_input column_input(const mmoe_feature_column* columns, std::size_t num_columns, std::size_t num_rows,
                               bool candidates = false) {
  mmoe_input input = sized<mmoe_input>();
  input.columns = mmoe_columns_make(columns, num_columns);
  input.num_rows = num_rows;
  input.candidates = candidates;
  return input;
}

inline mmoe_input rows_input(const mmoe_rows* rows) {
  mmoe_input input = sized<mmoe_input>();
  input.rows = rows;
  return input;
}

inline mmoe_output scores_output(float* scores, std::size_t num_scores) {
  mmoe_output output = sized<mmoe_output>();
  output.scores = scores;
  output.num_scores = num_scores;
  return output;
}

inline mmoe_status score(mmoe_session* session, const mmoe_input& input, std::vector<float>& scores) {
  const mmoe_output output = scores_output(scores.data(), scores.size());
  return mmoe_session_score(session, &input, &output);
}

}  // namespace mmoe::test
