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
  kCreateSessionFromArray = 8,
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
constexpr int kLogErrors = 3, kAllOptimizations = 99, kArenaAllocator = 1, kDefaultMemory = 0, kFloat = 1, kInt64 = 7;

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

Tensor::Tensor(const Api& api, float* data, const std::vector<std::size_t>& shape) : Object(api, kReleaseValue) {
  create(api, data, sizeof *data, kFloat, shape);
}

Tensor::Tensor(const Api& api, std::int64_t* data, const std::vector<std::size_t>& shape) : Object(api, kReleaseValue) {
  create(api, data, sizeof *data, kInt64, shape);
}

void Tensor::create(const Api& api, void* data, std::size_t element_bytes, int element_type,
                    const std::vector<std::size_t>& shape) {
  Object memory(api, kReleaseMemoryInfo);
  using CreateInfo = void* (*)(int, int, void**);
  api.require(api.function<CreateInfo>(kCreateCpuMemoryInfo)(kArenaAllocator, kDefaultMemory, memory.out()));
  const std::vector<std::int64_t> dims(shape.begin(), shape.end());
  for (const std::size_t dim : shape) element_bytes *= dim;
  using Create = void* (*)(const void*, void*, std::size_t, const std::int64_t*, std::size_t, int, void**);
  api.require(api.function<Create>(kCreateTensorWithDataAsOrtValue)(memory.get(), data, element_bytes, dims.data(),
                                                                    dims.size(), element_type, out()));
}

namespace {

// One thread, all graph optimisations.
void create_options(const Api& api, Object& options) {
  using Set = void* (*)(void*, int);
  api.require(api.function<void* (*)(void**)>(kCreateSessionOptions)(options.out()));
  api.require(api.function<Set>(kSetSessionGraphOptimizationLevel)(options.get(), kAllOptimizations));
  api.require(api.function<Set>(kSetIntraOpNumThreads)(options.get(), 1));
  api.require(api.function<Set>(kSetInterOpNumThreads)(options.get(), 1));
}

}  // namespace

Session::Session(const Api& api, const Environment& env, const Names& names, const std::filesystem::path& model)
    : Object(api, kReleaseSession), library_(api), names_(names), run_(api.function<Run>(kRun)) {
  for (const std::string& name : names_.inputs) input_names_.push_back(name.c_str());
  Object options(api, kReleaseSessionOptions);
  create_options(api, options);
  using Create = void* (*)(const void*, const char*, const void*, void**);
  api.require(api.function<Create>(kCreateSession)(env.get(), model.c_str(), options.get(), out()));
}

Session::Session(const Api& api, const Environment& env, const Names& names, const std::string& model)
    : Object(api, kReleaseSession), library_(api), names_(names), run_(api.function<Run>(kRun)) {
  for (const std::string& name : names_.inputs) input_names_.push_back(name.c_str());
  Object options(api, kReleaseSessionOptions);
  create_options(api, options);
  using Create = void* (*)(const void*, const void*, std::size_t, const void*, void**);
  api.require(
      api.function<Create>(kCreateSessionFromArray)(env.get(), model.data(), model.size(), options.get(), out()));
}

void Session::run(const std::vector<const Tensor*>& inputs, const Tensor& output) const {
  inputs_.clear();
  for (const Tensor* input : inputs) inputs_.push_back(input->get());
  const char* const output_names[] = {names_.output.c_str()};
  void* outputs[] = {output.get()};
  library_.require(run_(get(), nullptr, input_names_.data(), inputs_.data(), inputs_.size(), output_names, 1, outputs));
}

}  // namespace mmoe::bench::ort
