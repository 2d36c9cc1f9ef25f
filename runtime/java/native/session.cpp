// mmoe.Native: sessions and scoring. Arrays of Java are copied, part by part, to memory that the session keeps, so that
// the garbage collector never waits for a score; direct buffers are used where they lie.
#include <algorithm>
#include <memory>

#include "runtime/java/native/jni_support.h"

namespace {

using namespace mmoe::java;

constexpr std::size_t kLargestPart = 4096;  // rows that are copied at once

struct SessionHandle {
  mmoe_session* session = nullptr;
  std::size_t input_dim = 0;
  std::size_t user_dim = 0;
  std::size_t candidate_dim = 0;
  std::size_t part = 1;
  std::vector<float> x;
  std::vector<float> results;
};

// An array of results: how wide its rows are, and where a part of them is written.
struct Result {
  jfloatArray array;
  std::size_t width;
  std::size_t length;
  float* part;
};

// Scores, gate weights and logits, of which the last two may be null.
class Results {
 public:
  Results(JNIEnv* env, const SessionHandle& handle, jfloatArray scores, jfloatArray gates, jfloatArray logits)
      : env_(env) {
    add(0, scores, mmoe_session_num_tasks(handle.session));
    add(1, gates, mmoe_session_num_gate_weights(handle.session));
    add(2, logits, mmoe_session_num_logits(handle.session));
  }

  /** Whether each is long enough. */
  bool has(std::size_t num_rows) const {
    return std::all_of(std::begin(results_), std::end(results_),
                       [&](const Result& result) { return !result.array || result.length >= num_rows * result.width; });
  }

  /** What the runtime writes `num_rows` rows to. */
  mmoe_output place(SessionHandle& handle, std::size_t num_rows) {
    std::size_t total = 0;
    for (const Result& result : results_) total += result.array ? num_rows * result.width : 0;
    if (handle.results.size() < total) handle.results.resize(total);
    float* at = handle.results.data();
    for (Result& result : results_) {
      result.part = at;
      at += result.array ? num_rows * result.width : 0;
    }
    return output(num_rows);
  }

  /** The arrays' lengths as they are, for the runtime to refuse. */
  mmoe_output refused(SessionHandle& handle) {
    mmoe_output to = place(handle, 1);
    to.num_scores = results_[0].length;
    if (to.gate_weights) to.num_gate_weights = results_[1].length;
    if (to.logits) to.num_logits = results_[2].length;
    return to;
  }

  /** Copies what has been written to the arrays, from row `first` on. */
  void give(std::size_t first, std::size_t num_rows) const {
    for (const Result& result : results_) {
      if (!result.array || num_rows * result.width == 0) continue;
      env_->SetFloatArrayRegion(result.array, static_cast<jsize>(first * result.width),
                                static_cast<jsize>(num_rows * result.width), result.part);
    }
  }

 private:
  void add(int place, jfloatArray array, std::size_t width) {
    const jsize length = array ? env_->GetArrayLength(array) : 0;
    results_[place] = {array, width, static_cast<std::size_t>(length), nullptr};
  }

  mmoe_output output(std::size_t num_rows) const {
    mmoe_output to{};
    to.struct_size = sizeof to;
    to.scores = results_[0].array ? results_[0].part : nullptr;
    to.num_scores = num_rows * results_[0].width;
    to.gate_weights = results_[1].array ? results_[1].part : nullptr;
    to.num_gate_weights = to.gate_weights ? num_rows * results_[1].width : 0;
    to.logits = results_[2].array ? results_[2].part : nullptr;
    to.num_logits = to.logits ? num_rows * results_[2].width : 0;
    return to;
  }

  JNIEnv* env_;
  Result results_[3];
};

mmoe_input input_of(const float* x, std::size_t num_x, std::size_t num_rows, jboolean candidates) {
  mmoe_input input{};
  input.struct_size = sizeof input;
  input.num_rows = num_rows;
  input.x = x;
  input.num_x = num_x;
  input.candidates = candidates;
  return input;
}

mmoe_input input_of(const mmoe_rows* rows) {
  mmoe_input input{};
  input.struct_size = sizeof input;
  input.rows = rows;
  return input;
}

// One where the model has no such columns, which the runtime refuses.
std::size_t rows_in(std::size_t num_x, std::size_t columns) { return columns == 0 ? 1 : num_x / columns; }

jlong make_handle(const mmoe_model* model, mmoe_session* session, std::size_t part) {
  auto handle = std::make_unique<SessionHandle>();
  handle->session = session;
  handle->input_dim = mmoe_model_input_dim(model);
  handle->user_dim = mmoe_model_user_dim(model);
  handle->candidate_dim = mmoe_model_candidate_dim(model);
  handle->part = part;
  handle->x.resize(handle->input_dim * part);  // scoring allocates nothing
  handle->results.resize(part * (mmoe_session_num_tasks(session) + mmoe_session_num_gate_weights(session) +
                                 mmoe_session_num_logits(session)));
  return to_handle(handle.release());
}

// Throws where there is none: of a view, byte by byte, of direct bytes that do not begin at a multiple of four.
template <typename T>
T* address_of(JNIEnv* env, jobject buffer) {
  void* address = env->GetDirectBufferAddress(buffer);
  if (!address) throw_illegal_argument(env, "the buffer has no address: does it begin at a multiple of 4 bytes?");
  return static_cast<T*>(address);
}

}  // namespace

extern "C" {

JNIEXPORT jlong JNICALL Java_mmoe_Native_createSession(JNIEnv* env, jclass, jlong model, jlongArray numbers,
                                                       jfloat min_gate_weight, jboolean renormalise, jintArray tasks,
                                                       jstring kernel_set, jlong pool) {
  jlong values[9];
  env->GetLongArrayRegion(numbers, 0, 9, values);
  if (values[0] < 1) return throw_illegal_argument(env, "maxBatch: expected 1 or more"), 0;
  if (values[1] < 0) return throw_illegal_argument(env, "topK: expected 0 or more"), 0;
  std::vector<uint32_t> wanted(tasks ? static_cast<std::size_t>(env->GetArrayLength(tasks)) : 0);
  if (tasks && wanted.empty()) return throw_illegal_argument(env, "tasks: expected one or more"), 0;
  if (tasks) {
    env->GetIntArrayRegion(tasks, 0, static_cast<jsize>(wanted.size()), reinterpret_cast<jint*>(wanted.data()));
  }
  std::string set;
  if (kernel_set) {
    const Utf8 name(env, kernel_set);
    if (!check_name(env, name)) return 0;
    set = name.data();
  }
  mmoe_session_options options{};
  options.struct_size = sizeof options;
  options.max_batch = static_cast<std::size_t>(values[0]);
  options.top_k = static_cast<std::size_t>(values[1]);
  options.skip_experts = static_cast<int32_t>(values[2]);
  options.non_finite = static_cast<int32_t>(values[3]);
  options.num_workers = static_cast<std::size_t>(values[4]);
  options.max_multiply_adds = static_cast<uint64_t>(values[5]);
  options.max_steps = static_cast<uint64_t>(values[6]);
  options.max_arena_bytes = static_cast<uint64_t>(values[7]);
  options.max_ids = static_cast<uint64_t>(values[8]);
  options.min_gate_weight = min_gate_weight;
  options.no_renormalise = !renormalise;
  options.tasks = tasks ? wanted.data() : nullptr;
  options.num_tasks = wanted.size();
  options.kernel_set = kernel_set ? set.c_str() : nullptr;
  if (pool != 0) options.executor = mmoe_thread_pool_executor(as<mmoe_thread_pool>(pool));
  mmoe_session* session = nullptr;
  const mmoe_model* of = as<mmoe_model>(model);
  if (!check(env, mmoe_session_create(of, &options, &session))) return 0;
  const jlong made = guarded(env, [&] { return make_handle(of, session, std::min(options.max_batch, kLargestPart)); });
  if (made == 0) mmoe_session_free(session);
  return made;
}

JNIEXPORT void JNICALL Java_mmoe_Native_freeSession(JNIEnv*, jclass, jlong session) {
  SessionHandle* handle = as<SessionHandle>(session);
  mmoe_session_free(handle->session);
  delete handle;
}

JNIEXPORT jlongArray JNICALL Java_mmoe_Native_sessionNumbers(JNIEnv* env, jclass, jlong handle) {
  const mmoe_session* session = as<SessionHandle>(handle)->session;
  const std::size_t num_tasks = mmoe_session_num_tasks(session);
  std::vector<jlong> numbers = {static_cast<jlong>(num_tasks),
                                static_cast<jlong>(mmoe_session_num_gate_weights(session)),
                                static_cast<jlong>(mmoe_session_num_logits(session)),
                                mmoe_session_is_exact(session),
                                static_cast<jlong>(mmoe_session_multiply_adds_per_row(session)),
                                static_cast<jlong>(mmoe_session_top_k(session))};
  for (std::size_t i = 0; i < num_tasks; ++i) numbers.push_back(static_cast<jlong>(mmoe_session_task(session, i)));
  return to_longs(env, numbers);
}

JNIEXPORT jbyteArray JNICALL Java_mmoe_Native_sessionKernelSet(JNIEnv* env, jclass, jlong session) {
  const std::string name = mmoe_session_kernel_set(as<SessionHandle>(session)->session);
  return to_bytes(env, name.data(), name.size());
}

JNIEXPORT jint JNICALL Java_mmoe_Native_numGates(JNIEnv*, jclass, jlong session) {
  return static_cast<jint>(mmoe_session_num_gates(as<SessionHandle>(session)->session));
}

JNIEXPORT jlongArray JNICALL Java_mmoe_Native_gateNumbers(JNIEnv* env, jclass, jlong session, jint gate) {
  mmoe_gate_info info{};
  info.struct_size = sizeof info;
  if (!check(env, mmoe_session_gate(as<SessionHandle>(session)->session, static_cast<std::size_t>(gate), &info))) {
    return nullptr;
  }
  std::vector<jlong> numbers = {static_cast<jlong>(info.level), static_cast<jlong>(info.index),
                                static_cast<jlong>(info.column), static_cast<jlong>(info.tasks)};
  numbers.insert(numbers.end(), info.experts, info.experts + info.num_experts);
  return to_longs(env, numbers);
}

JNIEXPORT jbyteArray JNICALL Java_mmoe_Native_gateName(JNIEnv* env, jclass, jlong session, jint gate) {
  mmoe_gate_info info{};
  info.struct_size = sizeof info;
  if (!check(env, mmoe_session_gate(as<SessionHandle>(session)->session, static_cast<std::size_t>(gate), &info))) {
    return nullptr;
  }
  return to_bytes(env, info.name ? info.name : "", info.name ? info.name_size : 0);
}

JNIEXPORT void JNICALL Java_mmoe_Native_setUserArray(JNIEnv* env, jclass, jlong session, jfloatArray x) {
  SessionHandle& handle = *as<SessionHandle>(session);
  if (!x) return throw_illegal_argument(env, "x: expected an array, got null");
  const std::size_t length = static_cast<std::size_t>(env->GetArrayLength(x));
  if (length == handle.user_dim) env->GetFloatArrayRegion(x, 0, static_cast<jsize>(length), handle.x.data());
  const mmoe_input user = input_of(handle.x.data(), length, 1, false);
  check(env, mmoe_session_set_user(handle.session, &user));
}

JNIEXPORT void JNICALL Java_mmoe_Native_setUserBuffer(JNIEnv* env, jclass, jlong session, jobject x, jint offset,
                                                      jint size) {
  const float* data = address_of<const float>(env, x);
  if (!data) return;
  const mmoe_input user = input_of(data + offset, static_cast<std::size_t>(size), 1, false);
  check(env, mmoe_session_set_user(as<SessionHandle>(session)->session, &user));
}

JNIEXPORT void JNICALL Java_mmoe_Native_setUserRows(JNIEnv* env, jclass, jlong session, jlong rows) {
  const mmoe_input user = input_of(as<mmoe_rows>(rows));
  check(env, mmoe_session_set_user(as<SessionHandle>(session)->session, &user));
}

JNIEXPORT void JNICALL Java_mmoe_Native_scoreArrays(JNIEnv* env, jclass, jlong session, jfloatArray x,
                                                    jboolean candidates, jfloatArray scores, jfloatArray gates,
                                                    jfloatArray logits) {
  SessionHandle& handle = *as<SessionHandle>(session);
  if (!x || !scores) return throw_illegal_argument(env, "x and scores: expected arrays, got null");
  const std::size_t num_x = static_cast<std::size_t>(env->GetArrayLength(x));
  const std::size_t columns = candidates ? handle.candidate_dim : handle.input_dim;
  const std::size_t num_rows = rows_in(num_x, columns);
  Results results(env, handle, scores, gates, logits);
  if (num_x != num_rows * columns || !results.has(num_rows)) {
    const mmoe_input input = input_of(handle.x.data(), num_x, num_rows, candidates);
    const mmoe_output output = results.refused(handle);
    check(env, mmoe_session_score(handle.session, &input, &output));
    return;
  }
  for (std::size_t first = 0; first < num_rows; first += handle.part) {
    const std::size_t part = std::min(handle.part, num_rows - first);
    env->GetFloatArrayRegion(x, static_cast<jsize>(first * columns), static_cast<jsize>(part * columns),
                             handle.x.data());
    const mmoe_input input = input_of(handle.x.data(), part * columns, part, candidates);
    const mmoe_output output = results.place(handle, part);
    const mmoe_status status = mmoe_session_score(handle.session, &input, &output);
    if (status != MMOE_OK) {
      return throw_status(env, status, first == 0 ? "" : "; its row 0 is row " + std::to_string(first));
    }
    results.give(first, part);
  }
}

JNIEXPORT void JNICALL Java_mmoe_Native_scoreBuffers(JNIEnv* env, jclass, jlong session, jobject x, jint offset,
                                                     jint size, jboolean candidates, jobject scores, jint scores_offset,
                                                     jint scores_size) {
  SessionHandle& handle = *as<SessionHandle>(session);
  const float* data = address_of<const float>(env, x);
  float* results = data ? address_of<float>(env, scores) : nullptr;
  if (!results) return;
  const std::size_t num_x = static_cast<std::size_t>(size);
  const std::size_t num_rows = rows_in(num_x, candidates ? handle.candidate_dim : handle.input_dim);
  const mmoe_input input = input_of(data + offset, num_x, num_rows, candidates);
  mmoe_output output{};
  output.struct_size = sizeof output;
  output.scores = results + scores_offset;
  output.num_scores = static_cast<std::size_t>(scores_size);
  check(env, mmoe_session_score(handle.session, &input, &output));
}

JNIEXPORT void JNICALL Java_mmoe_Native_scoreRows(JNIEnv* env, jclass, jlong session, jlong rows, jfloatArray scores,
                                                  jfloatArray gates, jfloatArray logits) {
  SessionHandle& handle = *as<SessionHandle>(session);
  if (!scores) return throw_illegal_argument(env, "scores: expected an array, got null");
  const mmoe_rows* builder = as<mmoe_rows>(rows);
  const std::size_t num_rows = mmoe_rows_num_rows(builder);
  Results results(env, handle, scores, gates, logits);
  const bool fits = results.has(num_rows);
  const mmoe_input input = input_of(builder);
  guarded(env, [&] {
    const mmoe_output output = fits ? results.place(handle, num_rows) : results.refused(handle);
    if (check(env, mmoe_session_score(handle.session, &input, &output))) results.give(0, num_rows);
  });
}

JNIEXPORT jdoubleArray JNICALL Java_mmoe_Native_replayGolden(JNIEnv* env, jclass, jlong session) {
  mmoe_golden_report report{};
  report.struct_size = sizeof report;
  if (!check(env, mmoe_session_replay_golden(as<SessionHandle>(session)->session, nullptr, 0, &report))) {
    return nullptr;
  }
  const jdouble numbers[] = {static_cast<jdouble>(report.num_rows),
                             static_cast<jdouble>(report.num_scores),
                             static_cast<jdouble>(report.num_wrong),
                             static_cast<jdouble>(report.row),
                             static_cast<jdouble>(report.task),
                             report.found,
                             report.expected,
                             report.tolerance,
                             report.largest_difference,
                             static_cast<jdouble>(report.exact)};
  jdoubleArray array = env->NewDoubleArray(10);
  if (array) env->SetDoubleArrayRegion(array, 0, 10, numbers);
  return array;
}

}  // extern "C"
