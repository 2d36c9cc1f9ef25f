#include "runtime/java/native/jni_support.h"

#include <cstring>

namespace mmoe::java {
namespace {

struct Classes {
  jclass exception = nullptr;
  jmethodID make_exception = nullptr;
  jclass bytes = nullptr;
  jclass doubles = nullptr;
  jclass floats = nullptr;
  jclass ints = nullptr;
  jclass longs = nullptr;
  jclass texts = nullptr;
};

Classes classes;

jclass find(JNIEnv* env, const char* name) {
  jclass local = env->FindClass(name);
  if (!local) return nullptr;
  jclass global = static_cast<jclass>(env->NewGlobalRef(local));
  env->DeleteLocalRef(local);
  return global;
}

// What stands for half a surrogate pair, as in JavaScript: a vocabulary may well hold "?", but not this.
constexpr uint32_t kReplacement = 0xFFFD;

bool is_high(jchar unit) { return unit >= 0xD800 && unit < 0xDC00; }
bool is_low(jchar unit) { return unit >= 0xDC00 && unit < 0xE000; }

// The code point that begins at units[i]; i moves to its last unit.
uint32_t decode(const jchar* units, jsize num_units, jsize& i) {
  const jchar unit = units[i];
  if (is_high(unit) && i + 1 < num_units && is_low(units[i + 1])) {
    return 0x10000 + ((unit - 0xD800U) << 10) + (units[++i] - 0xDC00U);
  }
  return is_high(unit) || is_low(unit) ? kReplacement : unit;
}

std::size_t encode(const jchar* units, jsize num_units, char* to) {
  char* at = to;
  for (jsize i = 0; i < num_units; ++i) {
    const uint32_t code = decode(units, num_units, i);
    if (code < 0x80) {
      *at++ = static_cast<char>(code);
      continue;
    }
    const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    constexpr unsigned kFirst[] = {0, 0xC0, 0xE0, 0xF0};
    *at++ = static_cast<char>(kFirst[more] | code >> (6 * more));
    for (int j = more - 1; j >= 0; --j) *at++ = static_cast<char>(0x80 | (code >> (6 * j) & 0x3F));
  }
  return static_cast<std::size_t>(at - to);
}

}  // namespace

void throw_status(JNIEnv* env, mmoe_status status, const std::string& behind) {
  const std::string message = mmoe_last_message() + behind;
  jbyteArray bytes = to_bytes(env, message.data(), message.size());
  if (!bytes) return;
  jobject exception = env->NewObject(classes.exception, classes.make_exception, static_cast<jint>(status), bytes);
  if (exception) env->Throw(static_cast<jthrowable>(exception));
}

bool check(JNIEnv* env, mmoe_status status) {
  if (status == MMOE_OK) return true;
  throw_status(env, status);
  return false;
}

void throw_illegal_argument(JNIEnv* env, const char* message) {
  if (jclass type = env->FindClass("java/lang/IllegalArgumentException")) env->ThrowNew(type, message);
}

void throw_out_of_memory(JNIEnv* env) {
  if (jclass type = env->FindClass("java/lang/OutOfMemoryError")) env->ThrowNew(type, "mmoe: native memory");
}

bool check_name(JNIEnv* env, const Utf8& name) {
  if (!std::memchr(name.data(), '\0', name.size())) return true;
  throw_illegal_argument(env, "a name has the character U+0000");
  return false;
}

Utf8::Utf8(JNIEnv* env, jstring text) {
  const jsize num_units = env->GetStringLength(text);
  if (num_units <= kShort) {
    jchar units[kShort];
    env->GetStringRegion(text, 0, num_units, units);
    size_ = encode(units, num_units, short_);
    short_[size_] = '\0';
    return;
  }
  is_long_ = true;
  std::vector<jchar> units(static_cast<std::size_t>(num_units));
  env->GetStringRegion(text, 0, num_units, units.data());
  long_.resize(3 * units.size());
  size_ = encode(units.data(), num_units, long_.data());
  long_.resize(size_);
}

ArrayValues::ArrayValues(JNIEnv* env, jobject array) {
  if (!array) {
    throw_illegal_argument(env, "values: expected an array, got null");
  } else if (env->IsInstanceOf(array, classes.texts)) {
    read_texts(env, static_cast<jobjectArray>(array));
  } else if (env->IsInstanceOf(array, classes.doubles)) {
    read_numbers<jdoubleArray>(env, array, MMOE_DOUBLES, doubles_, &JNIEnv::GetDoubleArrayRegion);
  } else if (env->IsInstanceOf(array, classes.floats)) {
    read_numbers<jfloatArray>(env, array, MMOE_FLOATS, floats_, &JNIEnv::GetFloatArrayRegion);
  } else if (env->IsInstanceOf(array, classes.ints)) {
    read_numbers<jintArray>(env, array, MMOE_INT32S, int32s_, &JNIEnv::GetIntArrayRegion);
  } else if (env->IsInstanceOf(array, classes.longs)) {
    read_numbers<jlongArray>(env, array, MMOE_INT64S, int64s_, &JNIEnv::GetLongArrayRegion);
  } else {
    throw_illegal_argument(env, "values: expected an array of String, long, int, double or float");
  }
}

template <typename Array, typename T>
void ArrayValues::read_numbers(JNIEnv* env, jobject array, int32_t type, std::vector<T>& to,
                               void (JNIEnv::*copy)(Array, jsize, jsize, T*)) {
  const jsize size = env->GetArrayLength(static_cast<Array>(array));
  to.resize(static_cast<std::size_t>(size));
  (env->*copy)(static_cast<Array>(array), 0, size, to.data());
  values_.data = to.data();
  values_.size = to.size();
  values_.type = type;
  is_good_ = true;
}

// Terminated, so that null can be told from an empty text; the offsets say where each begins.
void ArrayValues::read_texts(JNIEnv* env, jobjectArray array) {
  const jsize size = env->GetArrayLength(array);
  std::vector<std::size_t> begins(static_cast<std::size_t>(size), SIZE_MAX);
  for (jsize i = 0; i < size; ++i) {
    jstring text = static_cast<jstring>(env->GetObjectArrayElement(array, i));
    if (!text) continue;
    const Utf8 utf8(env, text);
    env->DeleteLocalRef(text);
    if (std::memchr(utf8.data(), '\0', utf8.size())) {
      return throw_illegal_argument(env, "values: a text has the character U+0000");
    }
    begins[static_cast<std::size_t>(i)] = bytes_.size();
    bytes_.append(utf8.data(), utf8.size() + 1);
  }
  for (const std::size_t begin : begins) texts_.push_back(begin == SIZE_MAX ? nullptr : bytes_.data() + begin);
  values_.data = texts_.data();
  values_.size = texts_.size();
  values_.type = MMOE_TEXTS;
  is_good_ = true;
}

jbyteArray to_bytes(JNIEnv* env, const char* text, std::size_t size) {
  jbyteArray bytes = env->NewByteArray(static_cast<jsize>(size));
  if (bytes) env->SetByteArrayRegion(bytes, 0, static_cast<jsize>(size), reinterpret_cast<const jbyte*>(text));
  return bytes;
}

jobjectArray to_byte_arrays(JNIEnv* env, const std::vector<std::string>& texts) {
  jobjectArray arrays = env->NewObjectArray(static_cast<jsize>(texts.size()), classes.bytes, nullptr);
  for (std::size_t i = 0; arrays && i < texts.size(); ++i) {
    jbyteArray bytes = to_bytes(env, texts[i].data(), texts[i].size());
    if (!bytes) return nullptr;
    env->SetObjectArrayElement(arrays, static_cast<jsize>(i), bytes);
    env->DeleteLocalRef(bytes);
  }
  return arrays;
}

jlongArray to_longs(JNIEnv* env, const std::vector<jlong>& numbers) {
  jlongArray longs = env->NewLongArray(static_cast<jsize>(numbers.size()));
  if (longs) env->SetLongArrayRegion(longs, 0, static_cast<jsize>(numbers.size()), numbers.data());
  return longs;
}

}  // namespace mmoe::java

// The JVM calls it when the library is loaded. Classes are found here, where the loader of mmoe.Native looks for them.
extern "C" JNIEXPORT jint JNICALL JNI_OnLoad(JavaVM* vm, void*) {
  using mmoe::java::classes;
  JNIEnv* env = nullptr;
  if (vm->GetEnv(reinterpret_cast<void**>(&env), JNI_VERSION_1_6) != JNI_OK) return JNI_ERR;
  classes.exception = mmoe::java::find(env, "mmoe/MmoeException");
  classes.bytes = mmoe::java::find(env, "[B");
  classes.doubles = mmoe::java::find(env, "[D");
  classes.floats = mmoe::java::find(env, "[F");
  classes.ints = mmoe::java::find(env, "[I");
  classes.longs = mmoe::java::find(env, "[J");
  classes.texts = mmoe::java::find(env, "[Ljava/lang/String;");
  if (!classes.exception || !classes.texts) return JNI_ERR;
  classes.make_exception = env->GetMethodID(classes.exception, "<init>", "(I[B)V");
  return classes.make_exception ? JNI_VERSION_1_6 : JNI_ERR;
}
