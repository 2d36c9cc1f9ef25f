#include "session/x_order.h"

#include <cstring>

namespace mmoe::internal {

RowBlock in_program_order(const Program& program, const RowBlock& rows) {
  if (program.num_column_runs == 0 || rows.candidates) return rows;
  for (std::size_t row = 0; row < rows.count; ++row) {
    const float* from = rows.x + row * rows.stride;
    float* to = program.input.data + row * program.input.stride;
    for (std::size_t i = 0; i < program.num_column_runs; ++i) {
      const ColumnRun& run = program.column_runs[i];
      std::memcpy(to + run.column, from, run.width * sizeof(float));
      from += run.width;
    }
  }
  return {program.input.data, program.input.stride, rows.count, false};
}

}  // namespace mmoe::internal
