#include "tests/bench/onnxruntime_api.h"

#include <dlfcn.h>

#include <cstdint>
#include <stdexcept>

#include "tests/bench/engine.h"

namespace mmoe::bench::ort {
namespace {

// Positions in OrtApi.
enum : std::size_t {
  kGetErrorMessage = 2,
  kCreateEnv = 3,
  kCreateSession = 7,
  kRun = 9,
  kCreateSessionOptions = 10,
  kSetSessionGraphOptimizationLevel = 23,
  kSetIntraOpNumThreads = 24,
  kSetInterOpNumThreads = 25,
  kCreateTensorWithDataAsOrtValue = 49,
  kCreateCpuMemoryInfo = 69,
  kReleaseEnv = 92,
  kReleaseStatus = 93,
  kReleaseMemoryInfo = 94,
  kReleaseSession = 95,
  kReleaseValue = 96,
  kReleaseSessionOptions = 100,
};

// Values of its enumerations.
constexpr int kLogErrors = 3, kAllOptimizations = 99, kArenaAllocator = 1, kDefaultMemory = 0, kFloat = 1;

// OrtApiBase, and a version of the table that has all of the above (release 1.12).
struct ApiBase {
  const void* (*get_api)(std::uint32_t version);
  const char* (*version_string)();
};
constexpr std::uint32_t kApiVersion = 12;

}  // namespace

Api::Api(const std::string& library) {
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);  // for the life of the process, as its threads are
  if (!handle) throw Unavailable(dlerror());
  const auto get_base = reinterpret_cast<const ApiBase* (*)()>(dlsym(handle, "OrtGetApiBase"));
  const ApiBase* base = get_base ? get_base() : nullptr;
  if (base) table_ = static_cast<const AnyFunction*>(base->get_api(kApiVersion));
  if (!table_) throw Unavailable(library + " is not ONNX Runtime 1.12 or newer");
  version_ = base->version_string();
}

void Api::require(void* status) const {
  if (!status) return;
  const std::string message = function<const char* (*)(const void*)>(kGetErrorMessage)(status);
  function<void (*)(void*)>(kReleaseStatus)(status);
  throw std::runtime_error("ONNX Runtime: " + message);
}

Object::~Object() {
  if (object_) api_->function<void (*)(void*)>(release_)(object_);
}

Environment::Environment(const Api& api) : Object(api, kReleaseEnv) {
  api.require(api.function<void* (*)(int, const char*, void**)>(kCreateEnv)(kLogErrors, "bench", out()));
}

Tensor::Tensor(const Api& api, float* data, std::size_t rows, std::size_t columns) : Object(api, kReleaseValue) {
  Object memory(api, kReleaseMemoryInfo);
  using CreateInfo = void* (*)(int, int, void**);
  api.require(api.function<CreateInfo>(kCreateCpuMemoryInfo)(kArenaAllocator, kDefaultMemory, memory.out()));
  const std::int64_t shape[] = {static_cast<std::int64_t>(rows), static_cast<std::int64_t>(columns)};
  using Create = void* (*)(const void*, void*, std::size_t, const std::int64_t*, std::size_t, int, void**);
  api.require(api.function<Create>(kCreateTensorWithDataAsOrtValue)(memory.get(), data, rows * columns * sizeof(float),
                                                                    shape, 2, kFloat, out()));
}

Session::Session(const Api& api, const Environment& env, const std::filesystem::path& model)
    : Object(api, kReleaseSession), library_(api), run_(api.function<Run>(kRun)) {
  using Set = void* (*)(void*, int);
  Object options(api, kReleaseSessionOptions);
  api.require(api.function<void* (*)(void**)>(kCreateSessionOptions)(options.out()));
  api.require(api.function<Set>(kSetSessionGraphOptimizationLevel)(options.get(), kAllOptimizations));
  api.require(api.function<Set>(kSetIntraOpNumThreads)(options.get(), 1));
  api.require(api.function<Set>(kSetInterOpNumThreads)(options.get(), 1));
  using Create = void* (*)(const void*, const char*, const void*, void**);
  api.require(api.function<Create>(kCreateSession)(env.get(), model.c_str(), options.get(), out()));
}

void Session::run(const Tensor& x, const Tensor& scores) const {
  const char* const input_names[] = {"x"};
  const char* const output_names[] = {"scores"};
  const void* const inputs[] = {x.get()};
  void* outputs[] = {scores.get()};
  library_.require(run_(get(), nullptr, input_names, inputs, 1, output_names, 1, outputs));
}

}  // namespace mmoe::bench::ort
