#include "converter/importers/onnx_source.h"

#include <algorithm>

#include "converter/error.h"
#include "converter/importers/messages.h"
#include "converter/importers/tensor_names.h"

namespace mmoe::converter {
namespace {

class OnnxSource : public WeightSource {
 public:
  OnnxSource(std::string name, std::shared_ptr<const OnnxGraph> graph)
      : name_(std::move(name)), graph_(std::move(graph)) {
    for (const auto& [tensor_name, tensor] : graph_->initializers) {
      tensors_.push_back({tensor_name, tensor->shape, tensor->dtype});
      stored_.push_back(tensor.get());
    }
  }

  const std::vector<TensorInfo>& tensors() const override { return tensors_; }
  std::string format() const override { return "onnx"; }

  void read(size_t index, uint64_t first, uint64_t count, float* to) const override {
    const TensorInfo& tensor = tensors_.at(index);
    if (stored_[index]->is_integer) throw ConvertError(name_ + ": " + unreadable_message(tensor.name, tensor.dtype));
    std::copy_n(stored_[index]->floats.data() + first, count, to);
  }

 private:
  std::string name_;
  std::shared_ptr<const OnnxGraph> graph_;
  std::vector<TensorInfo> tensors_;
  std::vector<const OnnxTensor*> stored_;
};

}  // namespace

std::unique_ptr<WeightSource> open_onnx(std::string name, std::shared_ptr<const OnnxGraph> graph) {
  return std::make_unique<OnnxSource>(std::move(name), std::move(graph));
}

}  // namespace mmoe::converter
