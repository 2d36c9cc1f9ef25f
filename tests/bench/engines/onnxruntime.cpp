// ONNX Runtime on the model that torch.onnx.export wrote, or on what its own tools made of that in 8 bits, with all its
// graph optimisations, one thread, and input and output tensors made once. It takes the fastest of the files whose
// scores are right: of the two exported styles of mixing, and of the ways to quantise.
#include "tests/bench/engines.h"
#include "tests/bench/fastest.h"
#include "tests/bench/onnxruntime_api.h"

namespace mmoe::bench {
namespace {

class OnnxRuntime : public Engine {
 public:
  OnnxRuntime(const std::string& library, std::vector<std::string> forms)
      : api_(library), env_(api_), forms_(std::move(forms)) {}

  std::string prepare(const Case& what) override {
    batch_ = what.batch;
    input_dim_ = what.network->input_dim;
    num_tasks_ = what.network->num_tasks();
    bound_x_ = nullptr;  // buffers of another size may stand where the last ones stood
    Fastest<ort::Session> fastest;
    for (const std::string& form : forms_) {
      for (const char* style : {"sum", "bmm"}) consider(what, style + form, fastest);
    }
    session_ = fastest.take();
    return "version " + api_.version() + ", " + fastest.label();
  }

  void run(const float* x, float* scores) override {
    if (x != bound_x_ || scores != bound_scores_) bind(x, scores);
    session_->run({input_.get()}, *output_);
  }

 private:
  void consider(const Case& what, const std::string& form, Fastest<ort::Session>& fastest) {
    const ort::Names names = {{"x"}, "scores"};
    session_ = std::make_unique<ort::Session>(api_, env_, names, what.folder / (what.name + "." + form + ".onnx"));
    fastest.consider(*this, what, form, session_);
  }

  void bind(const float* x, float* scores) {
    input_ = std::make_unique<ort::Tensor>(api_, const_cast<float*>(x), std::vector<std::size_t>{batch_, input_dim_});
    output_ = std::make_unique<ort::Tensor>(api_, scores, std::vector<std::size_t>{batch_, num_tasks_});
    bound_x_ = x;
    bound_scores_ = scores;
  }

  ort::Api api_;
  ort::Environment env_;
  std::vector<std::string> forms_;  ///< after the style, in names of files
  std::unique_ptr<ort::Session> session_;
  std::unique_ptr<ort::Tensor> input_, output_;
  std::size_t batch_ = 0, input_dim_ = 0, num_tasks_ = 0;
  const float* bound_x_ = nullptr;
  const float* bound_scores_ = nullptr;
};

}  // namespace

EngineFactory make_onnxruntime(std::vector<std::string> forms) {
  return [forms](const EngineOptions& options) -> std::unique_ptr<Engine> {
    if (options.onnxruntime.empty()) throw Unavailable("no library given (--onnxruntime libonnxruntime.so)");
    for (const std::string& form : forms) require_model_file(options.folder, form + ".onnx", "make_quantised.py");
    return std::make_unique<OnnxRuntime>(options.onnxruntime, forms);
  };
}

}  // namespace mmoe::bench
