/* Score a person of examples/census by the raw values of twelve features: raw_rows census.mmoe
 *
 * What is not set is missing: the model's own rules say what becomes of it. */
#include <mmoe/mmoe.h>

#include <stdio.h>

int main(int argc, char** argv) {
  mmoe_model* model;
  mmoe_session* session;
  mmoe_rows* rows;
  float scores[2];
  if (mmoe_model_map(argc > 1 ? argv[1] : "census.mmoe", NULL, &model) != MMOE_OK ||
      mmoe_session_create(model, NULL, &session) != MMOE_OK || mmoe_rows_create(model, NULL, &rows) != MMOE_OK) {
    return fprintf(stderr, "%s\n", mmoe_last_message()), 1;
  }
  mmoe_rows_set_number(rows, 0, "age", 20);
  mmoe_rows_set_number(rows, 0, "wage_per_hour", 550);
  mmoe_rows_set_number(rows, 0, "capital_gains", 0);
  mmoe_rows_set_number(rows, 0, "capital_losses", 0);
  mmoe_rows_set_number(rows, 0, "stock_dividends", 0);
  mmoe_rows_set_number(rows, 0, "employer_size", 3);
  mmoe_rows_set_number(rows, 0, "weeks_worked", 22);
  mmoe_rows_set_text(rows, 0, "class_of_worker", "Private");
  mmoe_rows_set_text(rows, 0, "enrolled_in_education", "College or university");
  mmoe_rows_set_text(rows, 0, "sex", "Male");
  mmoe_rows_set_integer(rows, 0, "detailed_industry", 33);
  mmoe_rows_set_integer(rows, 0, "year", 95);
  mmoe_input input = {.struct_size = sizeof input, .rows = rows};
  mmoe_output output = {.struct_size = sizeof output, .scores = scores, .num_scores = 2};
  if (mmoe_session_score(session, &input, &output) != MMOE_OK) return fprintf(stderr, "%s\n", mmoe_last_message()), 1;
  printf("%s %.6f, %s %.6f\n", mmoe_model_task_name(model, 0, NULL), scores[0], mmoe_model_task_name(model, 1, NULL),
         scores[1]);
  mmoe_rows_free(rows);
  mmoe_session_free(session);
  mmoe_model_free(model);
  return 0;
}
