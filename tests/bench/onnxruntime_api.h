// The part of ONNX Runtime's C interface that the comparison uses, loaded from its shared library.
//
// The interface is a table of functions to which entries are only ever appended, so that programs need not be
// rebuilt for a newer library; the few used here are taken by their position. The wheel that users install holds
// the library without its header, and Debian 12 has no package of either.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

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

/// Numbers in the caller's memory.
class Tensor : public Object {
 public:
  Tensor(const Api& api, float* data, const std::vector<std::size_t>& shape);
  Tensor(const Api& api, std::int64_t* data, const std::vector<std::size_t>& shape);

 private:
  void create(const Api& api, void* data, std::size_t element_bytes, int element_type,
              const std::vector<std::size_t>& shape);
};

/// Names of a graph's inputs and of its one output.
struct Names {
  std::vector<std::string> inputs;
  std::string output;
};

/// One graph; one thread, all graph optimisations.
class Session : public Object {
 public:
  Session(const Api& api, const Environment& env, const Names& names, const std::filesystem::path& model);
  /// Of the bytes of a file.
  Session(const Api& api, const Environment& env, const Names& names, const std::string& model);

  /// REQUIRES: as many inputs as names.
  void run(const std::vector<const Tensor*>& inputs, const Tensor& output) const;

 private:
  using Run = void* (*)(void* session, const void* options, const char* const* input_names, const void* const* inputs,
                        std::size_t num_inputs, const char* const* output_names, std::size_t num_outputs,
                        void** outputs);
  const Api& library_;
  Names names_;
  std::vector<const char*> input_names_;
  mutable std::vector<const void*> inputs_;
  Run run_;
};

}  // namespace mmoe::bench::ort
