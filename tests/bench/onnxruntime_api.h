// The part of ONNX Runtime's C interface that the comparison uses, loaded from its shared library.
//
// The interface is a table of functions to which entries are only ever appended, so that programs need not be
// rebuilt for a newer library; the few used here are taken by their position. The wheel that users install holds
// the library without its header, and Debian 12 has no package of either.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

namespace mmoe::bench::ort {

/// The table of an opened library.
class Api {
 public:
  /// Throws Unavailable where the library cannot be loaded.
  explicit Api(const std::string& library);

  const std::string& version() const { return version_; }

  template <class Function>
  Function function(std::size_t position) const {
    return reinterpret_cast<Function>(table_[position]);
  }

  /// Throws std::runtime_error with the library's message unless status is null.
  void require(void* status) const;

 private:
  using AnyFunction = void (*)();
  const AnyFunction* table_ = nullptr;
  std::string version_;
};

/// An object of the library: released by the function at a position of the table.
class Object {
 public:
  Object(const Api& api, std::size_t release) : api_(&api), release_(release) {}
  Object(const Object&) = delete;
  ~Object();

  void* get() const { return object_; }
  void** out() { return &object_; }

 private:
  const Api* api_;
  std::size_t release_;
  void* object_ = nullptr;
};

class Environment : public Object {
 public:
  explicit Environment(const Api& api);
};

/// A float matrix in the caller's memory.
class Tensor : public Object {
 public:
  Tensor(const Api& api, float* data, std::size_t rows, std::size_t columns);
};

/// One model: input "x", output "scores"; one thread, all graph optimisations.
class Session : public Object {
 public:
  Session(const Api& api, const Environment& env, const std::filesystem::path& model);
  void run(const Tensor& x, const Tensor& scores) const;

 private:
  using Run = void* (*)(void* session, const void* options, const char* const* input_names, const void* const* inputs,
                        std::size_t num_inputs, const char* const* output_names, std::size_t num_outputs,
                        void** outputs);
  const Api& library_;
  Run run_;
};

}  // namespace mmoe::bench::ort
