// The part of OpenVINO's C interface that the comparison uses, loaded from its shared library by name.
//
// Only functions whose arguments are pointers, numbers and ov_shape_t are used: the wheel that users install has the
// library, and Debian 12 has neither it nor the headers.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace mmoe::bench::openvino {

/// An opened library with a core.
class Api {
 public:
  /// Throws Unavailable where the library cannot be loaded.
  explicit Api(const std::string& library);
  Api(const Api&) = delete;
  ~Api();

  std::string version() const;

  /// A property of the device CPU, or of a compiled model.
  std::string cpu_property(const char* key) const;

  /// The library's function of this name. Throws std::runtime_error if it has none.
  template <class Function>
  Function function(const char* name) const {
    return reinterpret_cast<Function>(symbol(name));
  }

  /// Throws std::runtime_error with the library's message unless status is 0.
  void require(int status) const;

  void* core() const { return core_; }

 private:
  void* symbol(const char* name) const;

  void* handle_ = nullptr;
  void* core_ = nullptr;
};

/// An object of the library: released by the function of this name.
class Object {
 public:
  Object(const Api& api, const char* release) : api_(&api), release_(release) {}
  Object(const Object&) = delete;
  ~Object();

  void* get() const { return object_; }
  void** out() { return &object_; }

 private:
  const Api* api_;
  const char* release_;
  void* object_ = nullptr;
};

/// A float matrix in the caller's memory.
class Tensor : public Object {
 public:
  Tensor(const Api& api, float* data, std::size_t rows, std::size_t columns);
};

using Properties = std::vector<std::pair<std::string, std::string>>;

/// A model with one input and one output, compiled for CPU and for input of this one shape.
class Request {
 public:
  Request(const Api& api, const std::filesystem::path& model, std::size_t rows, std::size_t columns,
          const Properties& properties);

  void bind(const Tensor& input, const Tensor& output);
  void run() const { api_.require(infer_(request_.get())); }

 private:
  const Api& api_;
  Object compiled_, request_;
  int (*infer_)(void*) = nullptr;
};

}  // namespace mmoe::bench::openvino
