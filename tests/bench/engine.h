// What the comparison asks of an engine.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/bench/network.h"
#include "tests/bench/numbers.h"

namespace mmoe::bench {

/// An engine that this machine does not have; what() says what is missing.
struct Unavailable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// One model, in the forms that engines read, at one batch size.
struct Case {
  std::string name;
  std::filesystem::path folder;  ///< name.mmoe, name.STYLE.onnx, and what the PyTorch worker reads
  const Network* network = nullptr;
  std::size_t batch = 0;
  const float* x = nullptr;  ///< [batch, input_dim]: the inputs that will be timed, for engines that try variants
  const float* expected = nullptr;  ///< [batch, num_tasks]: our scores in f32; null while ours are made
  float limit = 0;                  ///< of any score's difference from the expected one, for this engine's numbers
};

/// The largest difference of any score from the expected one; infinite where a score is NaN. REQUIRES: expected.
float largest_difference(const Case& what, const float* scores);

/// Whether these scores may be timed.
inline bool is_right(const Case& what, const float* scores) {
  return !what.expected || largest_difference(what, scores) <= what.limit;
}

class Engine {
 public:
  using Clock = std::chrono::steady_clock;

  virtual ~Engine() = default;

  /// Does everything that need not be done per call: packing, code generation, memory, and the choice among the
  /// ways in which a user of this engine could assemble the model. Returns the choice, for the record.
  virtual std::string prepare(const Case& what) = 0;

  /// x: [batch, input_dim] -> scores: [batch, num_tasks].
  virtual void run(const float* x, float* scores) = 0;

  /// Average time of some calls, after one that is not timed: the slice before belonged to another engine, which
  /// left its own weights in the caches.
  virtual double seconds_per_call(const float* x, float* scores, std::size_t calls) {
    run(x, scores);
    const Clock::time_point start = Clock::now();
    for (std::size_t i = 0; i < calls; ++i) run(x, scores);
    return std::chrono::duration<double>(Clock::now() - start).count() / static_cast<double>(calls);
  }
};

/// Where engines that are not linked in are found; empty: not given.
struct EngineOptions {
  std::filesystem::path folder;  ///< the models
  std::string onnxruntime;       ///< libonnxruntime.so
  std::string openvino;          ///< libopenvino_c.so
  std::string torch_python;      ///< a Python that has PyTorch
  std::string torch_worker;      ///< torch_worker.py
};

enum class Kind {
  kOurs,
  kFramework,  ///< runs the exported model as it is
  kAssembled   ///< a library of products, assembled by hand for this model
};

/// Throws Unavailable.
using EngineFactory = std::function<std::unique_ptr<Engine>(const EngineOptions&)>;

/// Throws Unavailable unless the folder has a file whose name ends so; `maker` writes it.
void require_model_file(const std::filesystem::path& folder, const std::string& ending, const std::string& maker);

struct EngineEntry {
  std::string name;
  Kind kind;
  Numbers numbers;
  EngineFactory make;
};

/// All engines that the comparison knows, ours first, whether this machine has them or not.
const std::vector<EngineEntry>& all_engines();

}  // namespace mmoe::bench
