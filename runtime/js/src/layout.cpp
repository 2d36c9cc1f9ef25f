// What structs.mjs takes for granted: how wasm32 lays out the structs of <mmoe/mmoe.h>. A struct that was appended to
// is longer, and its struct_size says what the package knows of it.
#include "mmoe/mmoe.h"

static_assert(sizeof(size_t) == 4 && sizeof(void*) == 4);
static_assert(sizeof(mmoe_load_options) == 20);
static_assert(sizeof(mmoe_feature_info) == 80);
static_assert(offsetof(mmoe_category, integer) == 24 && sizeof(mmoe_category) == 32);
static_assert(sizeof(mmoe_golden_rows) == 36);
static_assert(sizeof(mmoe_rows_options) == 16);
static_assert(sizeof(mmoe_values) == 24);
static_assert(offsetof(mmoe_session_options, max_multiply_adds) == 64 && sizeof(mmoe_session_options) == 96);
static_assert(sizeof(mmoe_input) == 44);
static_assert(sizeof(mmoe_output) == 40);
static_assert(offsetof(mmoe_gate_info, tasks) == 32 && sizeof(mmoe_gate_info) == 40);
static_assert(sizeof(mmoe_step_info) == 24);
static_assert(offsetof(mmoe_golden_report, tolerance) == 32 && sizeof(mmoe_golden_report) == 56);
