// Running a program's steps for one block of rows.
#pragma once

#include <cstddef>

#include "plan/program.h"

namespace mmoe::internal {

/// x: [num_rows, input_dim] with rows x_stride floats apart. Leaves each task's scores in the program's buffers.
void run_steps(const Program& program, const float* x, std::size_t x_stride, std::size_t num_rows);

}  // namespace mmoe::internal
