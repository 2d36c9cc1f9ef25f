// mmoe.Native: rows by name.
#include <string_view>

#include "runtime/java/native/jni_support.h"

namespace {

using namespace mmoe::java;

// Of what mmoe.Rows has seen to be 0 or more. A feature of -1 is one that no model has.
std::size_t size_of(jlong number) { return static_cast<std::size_t>(number); }

}  // namespace

extern "C" {

JNIEXPORT jlong JNICALL Java_mmoe_Native_createRows(JNIEnv* env, jclass, jlong model, jlong max_rows, jint part) {
  if (max_rows < 1) return throw_illegal_argument(env, "maxRows: expected 1 or more"), 0;
  mmoe_rows_options options{};
  options.struct_size = sizeof options;
  options.max_rows = size_of(max_rows);
  options.part = part;
  mmoe_rows* rows = nullptr;
  if (!check(env, mmoe_rows_create(as<mmoe_model>(model), &options, &rows))) return 0;
  if (!check(env, mmoe_rows_clear(rows, options.max_rows))) {
    mmoe_rows_free(rows);
    return 0;
  }
  return to_handle(rows);
}

JNIEXPORT void JNICALL Java_mmoe_Native_freeRows(JNIEnv*, jclass, jlong rows) { mmoe_rows_free(as<mmoe_rows>(rows)); }

JNIEXPORT void JNICALL Java_mmoe_Native_checkRows(JNIEnv* env, jclass, jlong rows) {
  check(env, mmoe_rows_status(as<mmoe_rows>(rows)));
}

JNIEXPORT void JNICALL Java_mmoe_Native_clearRows(JNIEnv* env, jclass, jlong rows, jlong num_rows) {
  check(env, mmoe_rows_clear(as<mmoe_rows>(rows), size_of(num_rows)));
}

JNIEXPORT void JNICALL Java_mmoe_Native_refuseName(JNIEnv* env, jclass, jlong rows, jlong row, jstring feature) {
  if (!feature) return throw_illegal_argument(env, "feature: expected a name, got null");
  guarded(env, [&] {
    const Utf8 utf8(env, feature);
    std::string name;
    for (const char byte : std::string_view(utf8.data(), utf8.size())) {
      byte == '\0' ? name += "\xEF\xBF\xBD" : name += byte;  // C takes a name to end there: U+FFFD
    }
    check(env, mmoe_rows_set_missing(as<mmoe_rows>(rows), size_of(row), name.c_str()));
  });
}

JNIEXPORT void JNICALL Java_mmoe_Native_setMissing(JNIEnv* env, jclass, jlong rows, jlong row, jint feature) {
  check(env, mmoe_rows_set_missing_at(as<mmoe_rows>(rows), size_of(row), size_of(feature)));
}

JNIEXPORT void JNICALL Java_mmoe_Native_setNumber(JNIEnv* env, jclass, jlong rows, jlong row, jint feature,
                                                  jdouble value) {
  check(env, mmoe_rows_set_number_at(as<mmoe_rows>(rows), size_of(row), size_of(feature), value));
}

JNIEXPORT void JNICALL Java_mmoe_Native_setInteger(JNIEnv* env, jclass, jlong rows, jlong row, jint feature,
                                                   jlong value) {
  check(env, mmoe_rows_set_integer_at(as<mmoe_rows>(rows), size_of(row), size_of(feature), value));
}

JNIEXPORT void JNICALL Java_mmoe_Native_setText(JNIEnv* env, jclass clazz, jlong rows, jlong row, jint feature,
                                                jstring value) {
  if (!value) return Java_mmoe_Native_setMissing(env, clazz, rows, row, feature);
  guarded(env, [&] {
    const Utf8 utf8(env, value);
    check(env, mmoe_rows_set_text_n_at(as<mmoe_rows>(rows), size_of(row), size_of(feature), utf8.data(), utf8.size()));
  });
}

JNIEXPORT void JNICALL Java_mmoe_Native_setList(JNIEnv* env, jclass, jlong rows, jlong row, jint feature, jobject array,
                                                jboolean are_weights) {
  guarded(env, [&] {
    const ArrayValues list(env, array);
    if (!list.is_good()) return;
    const auto set = are_weights ? mmoe_rows_set_weights_at : mmoe_rows_set_list_at;
    check(env, set(as<mmoe_rows>(rows), size_of(row), size_of(feature), &list.values()));
  });
}

JNIEXPORT void JNICALL Java_mmoe_Native_setColumn(JNIEnv* env, jclass, jlong rows, jint feature, jobject array,
                                                  jintArray offsets, jboolean are_weights) {
  guarded(env, [&] {
    const ArrayValues column(env, array);
    if (!column.is_good()) return;
    std::vector<jint> copied;
    if (offsets) {
      copied.resize(static_cast<std::size_t>(env->GetArrayLength(offsets)));
      env->GetIntArrayRegion(offsets, 0, static_cast<jsize>(copied.size()), copied.data());
    }
    const auto set = are_weights ? mmoe_rows_set_weights_column_at : mmoe_rows_set_column_at;
    const jint* at = offsets ? copied.data() : nullptr;
    check(env, set(as<mmoe_rows>(rows), size_of(feature), &column.values(), at, copied.size()));
  });
}

}  // extern "C"
