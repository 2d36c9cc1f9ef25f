// OpenVINO on the model that torch.onnx.export wrote, or on what NNCF made of that in 8 bits: one thread, compiled for
// this very batch, input and output tensors made once. It takes the fastest of the files and settings whose scores are
// right.
#include "tests/bench/engines.h"
#include "tests/bench/fastest.h"
#include "tests/bench/openvino_api.h"

namespace mmoe::bench {
namespace {

using openvino::Properties;

/// A file, by its ending after the style, and how it is run.
struct Form {
  std::string ending;
  std::string label;
  Properties properties;
};

class OpenVino : public Engine {
 public:
  OpenVino(const std::string& library, std::vector<Form> forms) : api_(library), forms_(std::move(forms)) {}

  const openvino::Api& api() const { return api_; }

  std::string prepare(const Case& what) override {
    batch_ = what.batch;
    input_dim_ = what.network->input_dim;
    num_tasks_ = what.network->num_tasks();
    Fastest<openvino::Request> fastest;
    for (const Form& form : forms_) {
      for (const char* style : {"sum", "bmm"}) {
        // Without a stream the caller's thread computes, else a thread of the library.
        for (const char* streams : {"0", "1"}) consider(what, style, form, streams, fastest);
      }
    }
    request_ = fastest.take();
    bound_x_ = nullptr;
    return "version " + api_.version() + ", " + fastest.label() + ", device has " +
           api_.cpu_property("OPTIMIZATION_CAPABILITIES");
  }

  void run(const float* x, float* scores) override {
    if (x != bound_x_ || scores != bound_scores_) bind(x, scores);
    request_->run();
  }

 private:
  void consider(const Case& what, const std::string& style, const Form& form, const std::string& streams,
                Fastest<openvino::Request>& fastest) {
    Properties properties = form.properties;
    properties.insert(properties.end(), {{"INFERENCE_NUM_THREADS", "1"},
                                         {"NUM_STREAMS", streams},
                                         {"PERFORMANCE_HINT", "LATENCY"},
                                         {"ENABLE_CPU_PINNING", "NO"}});
    request_ = std::make_unique<openvino::Request>(api_, what.folder / (what.name + "." + style + form.ending), batch_,
                                                   input_dim_, properties);
    bound_x_ = nullptr;
    fastest.consider(*this, what, style + form.label + ", " + streams + " streams", request_);
  }

  void bind(const float* x, float* scores) {
    input_ = std::make_unique<openvino::Tensor>(api_, const_cast<float*>(x), batch_, input_dim_);
    output_ = std::make_unique<openvino::Tensor>(api_, scores, batch_, num_tasks_);
    request_->bind(*input_, *output_);
    bound_x_ = x;
    bound_scores_ = scores;
  }

  openvino::Api api_;
  std::vector<Form> forms_;
  std::unique_ptr<openvino::Tensor> input_, output_;
  std::unique_ptr<openvino::Request> request_;
  std::size_t batch_ = 0, input_dim_ = 0, num_tasks_ = 0;
  const float* bound_x_ = nullptr;
  const float* bound_scores_ = nullptr;
};

std::unique_ptr<OpenVino> make(const EngineOptions& options, std::vector<Form> forms) {
  if (options.openvino.empty()) throw Unavailable("no library given (--openvino libopenvino_c.so)");
  for (const Form& form : forms) require_model_file(options.folder, form.ending, "make_quantised.py");
  return std::make_unique<OpenVino>(options.openvino, std::move(forms));
}

Properties precision(const char* name) { return {{"INFERENCE_PRECISION_HINT", name}}; }

/// Weights are compressed; the library may round the inputs of layers too, in groups of so many.
Form compressed(const char* ending, const char* group) {
  Form form{ending, std::string(ending) + ", inputs in groups of " + group, precision("f32")};
  form.properties.push_back({"DYNAMIC_QUANTIZATION_GROUP_SIZE", group});
  return form;
}

}  // namespace

std::unique_ptr<Engine> make_openvino(const EngineOptions& options) {
  return make(options, {{".onnx", "", precision("f32")}});
}

EngineFactory make_openvino_in(const std::string& hint, const std::string& capability) {
  return [hint, capability](const EngineOptions& options) -> std::unique_ptr<Engine> {
    auto engine = make(options, {{".onnx", "", precision(hint.c_str())}});
    const std::string can = engine->api().cpu_property("OPTIMIZATION_CAPABILITIES");
    if (can.find(capability) == std::string::npos) {
      throw Unavailable("OpenVINO computes in f32 on this processor, whatever it is told (" + can + ")");
    }
    return engine;
  };
}

std::unique_ptr<Engine> make_openvino_weights(const EngineOptions& options) {
  return make(options, {compressed(".ov-sym.xml", "0"), compressed(".ov-asym.xml", "0")});
}

EngineFactory make_openvino_int8(bool has_byte_products) {
  const std::string full = has_byte_products ? ".ov-full" : ".ov-full7";
  return [full](const EngineOptions& options) {
    return make(
        options,
        {{full + ".xml", full, precision("f32")}, compressed(".ov-sym.xml", "32"), compressed(".ov-sym.xml", "128")});
  };
}

}  // namespace mmoe::bench
