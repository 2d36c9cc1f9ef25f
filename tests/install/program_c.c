/* The C interface, called from C in a program that is C++ elsewhere. */
#include <mmoe/mmoe.h>

int load_nothing(void) {
  mmoe_model* model;
  return mmoe_model_map("/nonexistent.mmoe", NULL, &model) != MMOE_OK;
}
