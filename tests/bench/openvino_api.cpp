#include "tests/bench/openvino_api.h"

#include <dlfcn.h>

#include <cstdint>
#include <stdexcept>

#include "tests/bench/engine.h"

namespace mmoe::bench::openvino {
namespace {

constexpr int kElementF32 = 4;  // ov_element_type_e::F32

// ov_shape_t
struct Shape {
  std::int64_t rank;
  std::int64_t* dims;
};

// ov_partial_shape_t: filled by one function of the library and read by another.
struct PartialShape {
  std::int64_t rank[2];
  void* dims;
};

// ov_version_t
struct Version {
  const char* build_number;
  const char* description;
};

void* compile(const Api& api, const Object& model, const Properties& properties, Object& compiled) {
  struct Property {
    const char* key;
    const void* value;
  };
  std::vector<Property> list;
  for (const auto& [key, value] : properties) list.push_back({key.c_str(), value.c_str()});
  using Compile = int (*)(const void*, const void*, const char*, std::size_t, const Property*, void**);
  const auto function = api.function<Compile>("ov_core_compile_model_props");
  api.require(function(api.core(), model.get(), "CPU", list.size(), list.data(), compiled.out()));
  return compiled.get();
}

}  // namespace

Api::Api(const std::string& library) {
  handle_ = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);  // for the life of the process, as its threads are
  if (!handle_) throw Unavailable(dlerror());
  if (!dlsym(handle_, "ov_core_compile_model_props")) throw Unavailable(library + " is not a recent OpenVINO");
  require(function<int (*)(void**)>("ov_core_create")(&core_));
}

Api::~Api() { function<void (*)(void*)>("ov_core_free")(core_); }

void* Api::symbol(const char* name) const {
  void* found = dlsym(handle_, name);
  if (!found) throw std::runtime_error(std::string("OpenVINO has no function ") + name);
  return found;
}

void Api::require(int status) const {
  if (status == 0) return;
  throw std::runtime_error(std::string("OpenVINO: ") + function<const char* (*)()>("ov_get_last_err_msg")());
}

std::string Api::version() const {
  Version version{};
  require(function<int (*)(Version*)>("ov_get_openvino_version")(&version));
  const std::string text = version.build_number;
  function<void (*)(Version*)>("ov_version_free")(&version);
  return text.substr(0, text.find('-'));
}

std::string Api::cpu_property(const char* key) const {
  char* value = nullptr;
  require(function<int (*)(const void*, const char*, const char*, char**)>("ov_core_get_property")(core_, "CPU", key,
                                                                                                   &value));
  std::string text = value;
  function<void (*)(const char*)>("ov_free")(value);
  return text;
}

Object::~Object() {
  if (object_) api_->function<void (*)(void*)>(release_)(object_);
}

Tensor::Tensor(const Api& api, float* data, std::size_t rows, std::size_t columns) : Object(api, "ov_tensor_free") {
  std::int64_t dims[] = {static_cast<std::int64_t>(rows), static_cast<std::int64_t>(columns)};
  using Create = int (*)(int, Shape, void*, void**);
  api.require(api.function<Create>("ov_tensor_create_from_host_ptr")(kElementF32, Shape{2, dims}, data, out()));
}

Request::Request(const Api& api, const std::filesystem::path& path, std::size_t rows, std::size_t columns,
                 const Properties& properties)
    : api_(api), compiled_(api, "ov_compiled_model_free"), request_(api, "ov_infer_request_free") {
  Object model(api, "ov_model_free");
  using Read = int (*)(const void*, const char*, const char*, void**);
  api.require(api.function<Read>("ov_core_read_model")(api.core(), path.c_str(), nullptr, model.out()));
  const std::int64_t dims[] = {static_cast<std::int64_t>(rows), static_cast<std::int64_t>(columns)};
  PartialShape shape{};
  using Make = int (*)(std::int64_t, const std::int64_t*, PartialShape*);
  api.require(api.function<Make>("ov_partial_shape_create_static")(2, dims, &shape));
  const int reshaped =
      api.function<int (*)(const void*, PartialShape)>("ov_model_reshape_single_input")(model.get(), shape);
  api.function<void (*)(PartialShape*)>("ov_partial_shape_free")(&shape);
  api.require(reshaped);
  void* compiled = compile(api, model, properties, compiled_);
  api.require(api.function<int (*)(void*, void**)>("ov_compiled_model_create_infer_request")(compiled, request_.out()));
  infer_ = api.function<int (*)(void*)>("ov_infer_request_infer");
}

void Request::bind(const Tensor& input, const Tensor& output) {
  using Set = int (*)(void*, std::size_t, const void*);
  api_.require(api_.function<Set>("ov_infer_request_set_input_tensor_by_index")(request_.get(), 0, input.get()));
  api_.require(api_.function<Set>("ov_infer_request_set_output_tensor_by_index")(request_.get(), 0, output.get()));
}

}  // namespace mmoe::bench::openvino
