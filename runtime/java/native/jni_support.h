// What the functions of mmoe.Native share: exceptions, texts, arrays.
#ifndef MMOE_RUNTIME_JAVA_NATIVE_JNI_SUPPORT_H_
#define MMOE_RUNTIME_JAVA_NATIVE_JNI_SUPPORT_H_

#include <jni.h>
#include <mmoe/mmoe.h>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <vector>

namespace mmoe::java {

/** Throws an mmoe.MmoeException. `behind`: what the message of the runtime goes on with. */
void throw_status(JNIEnv* env, mmoe_status status, const std::string& behind = "");

/** Throws where `status` is one of a failure; whether it is MMOE_OK. */
bool check(JNIEnv* env, mmoe_status status);

void throw_illegal_argument(JNIEnv* env, const char* message);

/** An OutOfMemoryError of Java. */
void throw_out_of_memory(JNIEnv* env);

/** f(), whose copies of what the caller gives may be too large: no exception of C++ may go on into the JVM. */
template <typename Function>
auto guarded(JNIEnv* env, Function f) -> decltype(f()) {
  try {
    return f();
  } catch (const std::exception&) {  // std::bad_alloc, or std::length_error where addresses have 32 bits
    throw_out_of_memory(env);
    return decltype(f())();
  }
}

class Utf8;

/** Whether a name may go where C takes it to end at a null character; throws otherwise. */
bool check_name(JNIEnv* env, const Utf8& name);

/** A Java text as UTF-8, in memory of its own unless it is short. Half a surrogate pair becomes U+FFFD. */
class Utf8 {
 public:
  Utf8(JNIEnv* env, jstring text);
  const char* data() const { return is_long_ ? long_.c_str() : short_; }
  std::size_t size() const { return size_; }

 private:
  static constexpr jsize kShort = 84;  // UTF-16 units, of which each becomes at most three bytes
  char short_[3 * kShort + 1];
  std::string long_;
  std::size_t size_ = 0;
  bool is_long_ = false;
};

/** The values of a Java array of numbers or texts, as the C interface takes them. */
class ArrayValues {
 public:
  /** Throws where `array` is neither of these. */
  ArrayValues(JNIEnv* env, jobject array);
  bool is_good() const { return is_good_; }
  const mmoe_values& values() const { return values_; }

 private:
  void read_texts(JNIEnv* env, jobjectArray array);
  template <typename Array, typename T>
  void read_numbers(JNIEnv* env, jobject array, int32_t type, std::vector<T>& to,
                    void (JNIEnv::*copy)(Array, jsize, jsize, T*));

  std::vector<jdouble> doubles_;
  std::vector<jfloat> floats_;
  std::vector<jint> int32s_;
  std::vector<jlong> int64s_;
  std::string bytes_;
  std::vector<const char*> texts_;
  mmoe_values values_{};
  bool is_good_ = false;
};

/** byte[] and long[] of the JVM; null where it has no memory, and then an exception is pending. */
jbyteArray to_bytes(JNIEnv* env, const char* text, std::size_t size);
jobjectArray to_byte_arrays(JNIEnv* env, const std::vector<std::string>& texts);
jlongArray to_longs(JNIEnv* env, const std::vector<jlong>& numbers);

template <typename T>
T* as(jlong handle) {
  return reinterpret_cast<T*>(static_cast<std::intptr_t>(handle));
}

inline jlong to_handle(const void* object) { return static_cast<jlong>(reinterpret_cast<std::intptr_t>(object)); }

}  // namespace mmoe::java

#endif  // MMOE_RUNTIME_JAVA_NATIVE_JNI_SUPPORT_H_
