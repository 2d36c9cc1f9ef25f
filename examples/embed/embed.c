/* Score one row of a model: embed_c MODEL */
#include <mmoe/mmoe.h>

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char** argv) {
  mmoe_model* model;
  mmoe_session* session;
  if (mmoe_model_map(argc > 1 ? argv[1] : "model.mmoe", NULL, &model) != MMOE_OK ||
      mmoe_session_create(model, NULL, &session) != MMOE_OK) {
    return fprintf(stderr, "%s\n", mmoe_last_message()), 1;
  }
  mmoe_input input = {.struct_size = sizeof input, .num_rows = 1, .num_x = mmoe_model_input_dim(model)};
  mmoe_output output = {.struct_size = sizeof output, .num_scores = mmoe_model_num_tasks(model)};
  float* x = calloc(input.num_x, sizeof(float));
  for (size_t i = 0; i < input.num_x; ++i) x[i] = 0.5f;
  input.x = x;
  output.scores = calloc(output.num_scores, sizeof(float));
  if (mmoe_session_score(session, &input, &output) != MMOE_OK) return fprintf(stderr, "%s\n", mmoe_last_message()), 1;
  for (size_t task = 0; task < output.num_scores; ++task) {
    printf("%s %.6f\n", mmoe_model_task_name(model, task, NULL), output.scores[task]);
  }
  free(output.scores);
  free(x);
  mmoe_session_free(session);
  mmoe_model_free(model);
  return 0;
}
