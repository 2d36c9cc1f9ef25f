/* Scores rows on one core and on two, from C. */
#include <mmoe/mmoe.h>

#include <stdlib.h>
#include <string.h>

enum { num_rows = 500 };

int same_on_two_cores(const char* path) {
  mmoe_model* model = NULL;
  mmoe_session *one = NULL, *two = NULL;
  mmoe_thread_pool* pool = NULL;
  mmoe_session_options options = {.struct_size = sizeof options, .max_batch = num_rows};
  if (mmoe_model_map(path, NULL, &model) != MMOE_OK || mmoe_thread_pool_create(2, &pool) != MMOE_OK ||
      mmoe_session_create(model, &options, &one) != MMOE_OK) {
    return 0;
  }
  options.executor = mmoe_thread_pool_executor(pool);
  options.num_workers = 2;
  if (mmoe_session_create(model, &options, &two) != MMOE_OK) return 0;
  const size_t num_inputs = num_rows * mmoe_model_input_dim(model);
  const size_t num_scores = num_rows * mmoe_session_num_tasks(two);
  float* x = calloc(num_inputs, sizeof *x);
  float* expected = calloc(num_scores, sizeof *x);
  float* found = calloc(num_scores, sizeof *x);
  for (size_t i = 0; i < num_inputs; ++i) x[i] = (float)(i % 97) / 97;
  mmoe_input input = {.struct_size = sizeof input, .num_rows = num_rows, .x = x, .num_x = num_inputs};
  mmoe_output to_expected = {.struct_size = sizeof to_expected, .scores = expected, .num_scores = num_scores};
  mmoe_output to_found = {.struct_size = sizeof to_found, .scores = found, .num_scores = num_scores};
  const int same = mmoe_session_score(one, &input, &to_expected) == MMOE_OK &&
                   mmoe_session_score(two, &input, &to_found) == MMOE_OK && expected[0] > 0 &&
                   memcmp(expected, found, num_scores * sizeof *x) == 0;
  free(found);
  free(expected);
  free(x);
  mmoe_session_free(two);
  mmoe_session_free(one);
  mmoe_thread_pool_free(pool);
  mmoe_model_free(model);
  return same;
}
