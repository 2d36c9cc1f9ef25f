// mmoe.Native: models and threads.
#include "runtime/java/native/jni_support.h"

namespace {

using namespace mmoe::java;

// Of mmoe.Model.
constexpr jint kVerifyChecksums = 1;
constexpr jint kCopy = 2;

mmoe_load_options load_options(jint options) {
  mmoe_load_options to{};
  to.struct_size = sizeof to;
  to.verify_checksums = (options & kVerifyChecksums) != 0;
  to.copy = (options & kCopy) != 0;
  to.copy_if_misaligned = 1;
  return to;
}

std::string text_of(const char* data, std::size_t size) { return data ? std::string(data, size) : std::string(); }

bool read_feature(JNIEnv* env, jlong model, jint feature, mmoe_feature_info& info) {
  info.struct_size = sizeof info;
  return check(env, mmoe_model_feature(as<mmoe_model>(model), static_cast<std::size_t>(feature), &info));
}

bool read_category(JNIEnv* env, jlong model, jint feature, jlong place, mmoe_category& category) {
  category.struct_size = sizeof category;
  if (place < 0) return throw_illegal_argument(env, "place: expected 0 or more"), false;
  return check(env, mmoe_model_category(as<mmoe_model>(model), static_cast<std::size_t>(feature),
                                        static_cast<std::size_t>(place), &category));
}

jlong long_of(std::size_t number) { return static_cast<jlong>(number); }

}  // namespace

extern "C" {

JNIEXPORT jbyteArray JNICALL Java_mmoe_Native_version(JNIEnv* env, jclass) {
  const std::string version = mmoe_version();
  return to_bytes(env, version.data(), version.size());
}

JNIEXPORT jlong JNICALL Java_mmoe_Native_mapModel(JNIEnv* env, jclass, jstring path, jint options) {
  const mmoe_load_options load = load_options(options);
  const Utf8 utf8(env, path);
  if (!check_name(env, utf8)) return 0;
  mmoe_model* model = nullptr;
  return check(env, mmoe_model_map(utf8.data(), &load, &model)) ? to_handle(model) : 0;
}

JNIEXPORT jlong JNICALL Java_mmoe_Native_modelOfBytes(JNIEnv* env, jclass, jbyteArray bytes, jint options) {
  if (!bytes) return throw_illegal_argument(env, "bytes: expected an array, got null"), 0;
  const mmoe_load_options load = load_options(options | kCopy);
  jbyte* data = env->GetByteArrayElements(bytes, nullptr);
  if (!data) return 0;
  mmoe_model* model = nullptr;
  const mmoe_status status =
      mmoe_model_from_bytes(data, static_cast<std::size_t>(env->GetArrayLength(bytes)), &load, &model);
  env->ReleaseByteArrayElements(bytes, data, JNI_ABORT);
  return check(env, status) ? to_handle(model) : 0;
}

JNIEXPORT jlong JNICALL Java_mmoe_Native_modelOfBuffer(JNIEnv* env, jclass, jobject buffer, jint offset, jint size,
                                                       jint options) {
  const mmoe_load_options load = load_options(options);
  const char* data = static_cast<const char*>(env->GetDirectBufferAddress(buffer));
  if (!data && size > 0) return throw_illegal_argument(env, "bytes: not a direct buffer"), 0;
  mmoe_model* model = nullptr;
  return check(env, mmoe_model_from_bytes(data + offset, static_cast<std::size_t>(size), &load, &model))
             ? to_handle(model)
             : 0;
}

JNIEXPORT void JNICALL Java_mmoe_Native_freeModel(JNIEnv*, jclass, jlong model) {
  mmoe_model_free(as<mmoe_model>(model));
}

JNIEXPORT jobjectArray JNICALL Java_mmoe_Native_modelTexts(JNIEnv* env, jclass, jlong handle) {
  const mmoe_model* model = as<mmoe_model>(handle);
  std::vector<std::string> texts;
  std::size_t size = 0;
  const char* text = mmoe_model_name(model, &size);
  texts.push_back(text_of(text, size));
  text = mmoe_model_architecture(model, &size);
  texts.push_back(text_of(text, size));
  for (std::size_t task = 0; task < mmoe_model_num_tasks(model); ++task) {
    text = mmoe_model_task_name(model, task, &size);
    texts.push_back(text_of(text, size));
  }
  return to_byte_arrays(env, texts);
}

JNIEXPORT jlongArray JNICALL Java_mmoe_Native_modelNumbers(JNIEnv* env, jclass, jlong handle) {
  const mmoe_model* model = as<mmoe_model>(handle);
  return to_longs(env, {long_of(mmoe_model_input_dim(model)), long_of(mmoe_model_user_dim(model)),
                        long_of(mmoe_model_candidate_dim(model)), long_of(mmoe_model_num_features(model)),
                        long_of(mmoe_model_size_bytes(model))});
}

JNIEXPORT jobjectArray JNICALL Java_mmoe_Native_featureTexts(JNIEnv* env, jclass, jlong model, jint feature) {
  mmoe_feature_info info{};
  if (!read_feature(env, model, feature, info)) return nullptr;
  std::vector<std::string> texts = {text_of(info.name, info.name_size), text_of(info.source, info.source_size),
                                    text_of(info.weights, info.weights_size)};
  for (std::size_t part = 0; info.num_parts > 1 && part < static_cast<std::size_t>(info.num_parts); ++part) {
    std::size_t size = 0;
    const char* column =
        mmoe_model_crossed_column(as<mmoe_model>(model), static_cast<std::size_t>(feature), part, &size);
    texts.push_back(text_of(column, size));
  }
  return to_byte_arrays(env, texts);
}

JNIEXPORT jlongArray JNICALL Java_mmoe_Native_featureNumbers(JNIEnv* env, jclass, jlong model, jint feature) {
  mmoe_feature_info info{};
  if (!read_feature(env, model, feature, info)) return nullptr;
  return to_longs(env, {long_of(info.column), long_of(info.width), long_of(info.length), long_of(info.num_values),
                        long_of(info.num_ids), info.kind, info.side, info.string_values, info.refuses_unknown,
                        info.refuses_missing, info.hashed, info.number_values});
}

JNIEXPORT jint JNICALL Java_mmoe_Native_findText(JNIEnv* env, jclass, jlong model, jint feature, jstring text) {
  if (!text) return throw_illegal_argument(env, "value: expected a text, got null"), MMOE_UNKNOWN_ID;
  return guarded(env, [&] {
    const Utf8 utf8(env, text);
    int32_t id = MMOE_UNKNOWN_ID;
    check(env, mmoe_model_find_id_text(as<mmoe_model>(model), static_cast<std::size_t>(feature), utf8.data(),
                                       utf8.size(), &id));
    return id;
  });
}

JNIEXPORT jint JNICALL Java_mmoe_Native_findInteger(JNIEnv* env, jclass, jlong model, jint feature, jlong value) {
  int32_t id = MMOE_UNKNOWN_ID;
  check(env, mmoe_model_find_id_integer(as<mmoe_model>(model), static_cast<std::size_t>(feature), value, &id));
  return id;
}

JNIEXPORT jint JNICALL Java_mmoe_Native_findBin(JNIEnv* env, jclass, jlong model, jint feature, jdouble value) {
  int32_t id = MMOE_UNKNOWN_ID;
  check(env, mmoe_model_find_bin(as<mmoe_model>(model), static_cast<std::size_t>(feature), value, &id));
  return id;
}

JNIEXPORT jlong JNICALL Java_mmoe_Native_numCategories(JNIEnv*, jclass, jlong model, jint feature) {
  return long_of(mmoe_model_num_categories(as<mmoe_model>(model), static_cast<std::size_t>(feature)));
}

JNIEXPORT jlongArray JNICALL Java_mmoe_Native_categoryNumbers(JNIEnv* env, jclass, jlong model, jint feature,
                                                              jlong place) {
  mmoe_category category{};
  if (!read_category(env, model, feature, place, category)) return nullptr;
  return to_longs(env, {category.id, category.is_unsigned, category.integer});
}

JNIEXPORT jbyteArray JNICALL Java_mmoe_Native_categoryText(JNIEnv* env, jclass, jlong model, jint feature,
                                                           jlong place) {
  mmoe_category category{};
  if (!read_category(env, model, feature, place, category)) return nullptr;
  return to_bytes(env, category.text ? category.text : "", category.text ? category.text_size : 0);
}

JNIEXPORT void JNICALL Java_mmoe_Native_verifyChecksums(JNIEnv* env, jclass, jlong model) {
  check(env, mmoe_model_verify_checksums(as<mmoe_model>(model)));
}

JNIEXPORT jlong JNICALL Java_mmoe_Native_createPool(JNIEnv* env, jclass, jint num_threads) {
  mmoe_thread_pool* pool = nullptr;
  const std::size_t threads = num_threads < 0 ? 0 : static_cast<std::size_t>(num_threads);
  return check(env, mmoe_thread_pool_create(threads, &pool)) ? to_handle(pool) : 0;
}

JNIEXPORT void JNICALL Java_mmoe_Native_freePool(JNIEnv*, jclass, jlong pool) {
  mmoe_thread_pool_free(as<mmoe_thread_pool>(pool));
}

}  // extern "C"
