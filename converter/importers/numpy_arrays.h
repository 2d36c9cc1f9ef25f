// What NumPy's two forms share.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "converter/error.h"
#include "converter/importers/messages.h"
#include "converter/importers/npy_array.h"
#include "converter/importers/tensor_names.h"
#include "converter/importers/weight_source.h"

namespace mmoe::converter {

/// Arrays that have been checked, and the errors' wording.
class NumpySource : public WeightSource {
 public:
  explicit NumpySource(std::string name) : name_(std::move(name)) {}

  const std::vector<TensorInfo>& tensors() const override { return tensors_; }
  std::string format() const override { return "numpy"; }

  void read(size_t index, uint64_t first, uint64_t count, float* to) const override {
    const TensorInfo& tensor = tensors_.at(index);
    const NpyArray& array = arrays_[index];
    if (!array.refusal.empty()) {
      throw ConvertError(name_ + ": tensor " + in_quotes(tensor.name) + " " + array.refusal);
    }
    if (!is_readable(array.dtype)) throw ConvertError(name_ + ": " + unreadable_message(tensor.name, tensor.dtype));
    try {
      read_npy(array, bytes_of(index), first, count, to);
    } catch (const ConvertError& error) {
      throw ConvertError(name_ + ": tensor " + in_quotes(tensor.name) + ": " + error.what());
    }
  }

 protected:
  void add(std::string_view tensor, std::string_view start, uint64_t bytes) {
    names_.add(tensor);
    try {
      arrays_.push_back(parse_npy(start, bytes));
    } catch (const ConvertError& error) {
      throw ConvertError("tensor " + in_quotes(tensor) + ": " + error.what());
    }
    const NpyArray& array = arrays_.back();
    const std::string_view dtype = array.refusal.empty() ? dtype_info(array.dtype).name : "unreadable";
    tensors_.push_back({std::string(tensor), array.view.shape, std::string(dtype)});
  }

  /// The file of one array.
  virtual std::string_view bytes_of(size_t index) const = 0;

 private:
  std::string name_;
  TensorNames names_;
  std::vector<TensorInfo> tensors_;
  std::vector<NpyArray> arrays_;
};

template <class Source>
std::unique_ptr<WeightSource> open_numpy(const std::string& name, std::string_view bytes) {
  try {
    return std::make_unique<Source>(name, bytes);
  } catch (const ConvertError& error) {
    throw ConvertError(name + ": " + error.what());
  }
}

}  // namespace mmoe::converter
