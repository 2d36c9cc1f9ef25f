/* Score one row of a model: embed_c MODEL */
#include <mmoe/mmoe.h>

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char** argv) {
  mmoe_model* model;
  mmoe_session* session;
  if (mmoe_model_map(argc > 1 ? argv[1] : "model.mmoe", 0, &model) != MMOE_OK ||
      mmoe_session_create(model, NULL, &session) != MMOE_OK) {
    return fprintf(stderr, "%s\n", mmoe_last_message()), 1;
  }
  float* x = calloc(mmoe_model_input_dim(model), sizeof(float));
  float* scores = calloc(mmoe_model_num_tasks(model), sizeof(float));
  for (size_t i = 0; i < mmoe_model_input_dim(model); ++i) x[i] = 0.5f;
  if (mmoe_session_score(session, x, 1, scores) != MMOE_OK) return 1;
  for (size_t task = 0; task < mmoe_model_num_tasks(model); ++task) {
    size_t size;
    const char* name = mmoe_model_task_name(model, task, &size);
    printf("%.*s %.6f\n", (int)size, name, scores[task]);
  }
  free(scores);
  free(x);
  mmoe_session_free(session);
  mmoe_model_free(model);
  return 0;
}
