// A weights file in memory, for tests.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "converter/description/bind.h"
#include "converter/error.h"
#include "converter/importers/weight_source.h"

namespace mmoe::converter::test {

class MemoryWeights : public WeightSource {
 public:
  /// Small numbers that differ from tensor to tensor.
  MemoryWeights& add(const std::string& name, std::vector<uint64_t> shape) {
    const uint64_t size = std::accumulate(shape.begin(), shape.end(), uint64_t{1}, std::multiplies<>());
    std::vector<float> data;
    for (uint64_t i = 0; i < size; ++i) {
      state_ = state_ * 6364136223846793005u + 1442695040888963407u;
      data.push_back(static_cast<float>(state_ >> 40) / static_cast<float>(1 << 24) - 0.5f);
    }
    return add(name, std::move(shape), std::move(data));
  }
  MemoryWeights& add(const std::string& name, std::vector<uint64_t> shape, std::vector<float> data) {
    tensors_.push_back({name, std::move(shape), "f32"});
    data_.push_back(std::move(data));
    return *this;
  }
  /// Of the tensor added last.
  MemoryWeights& type(const std::string& dtype, bool coded = false) {
    tensors_.back().dtype = dtype;
    tensors_.back().coded = coded;
    return *this;
  }
  /// Says of a tensor that its numbers are codes times scales.
  MemoryWeights& mark_coded(const std::string& name) {
    tensors_[index_of(name)].coded = true;
    return *this;
  }
  /// `<name>.weight` and `<name>.bias` of a torch.nn.Linear.
  MemoryWeights& linear(const std::string& name, uint64_t outputs, uint64_t inputs) {
    return add(name + ".weight", {outputs, inputs}).add(name + ".bias", {outputs});
  }
  /// The tensors of a torch.nn.BatchNorm1d.
  MemoryWeights& norm(const std::string& name, uint64_t channels) {
    add(name + ".weight", {channels}).add(name + ".bias", {channels}).add(name + ".running_mean", {channels});
    add(name + ".running_var", {channels}, std::vector<float>(channels, 0.75f));
    return add(name + ".num_batches_tracked", {});
  }

  const std::vector<TensorInfo>& tensors() const override { return tensors_; }
  using WeightSource::read;
  void read(size_t index, uint64_t first, uint64_t count, float* to) const override {
    std::copy_n(data_[index].data() + first, count, to);
  }
  std::string format() const override { return "memory"; }

  /// The data of a tensor, to damage or compare.
  std::vector<float>& data(const std::string& name) { return data_[index_of(name)]; }
  MemoryWeights& remove(const std::string& name) {
    const auto index = static_cast<std::ptrdiff_t>(index_of(name));
    tensors_.erase(tensors_.begin() + index);
    data_.erase(data_.begin() + index);
    return *this;
  }
  MemoryWeights with_prefix(const std::string& prefix) const {
    MemoryWeights result = *this;
    for (TensorInfo& info : result.tensors_) info.name = prefix + info.name;
    return result;
  }

 private:
  size_t index_of(const std::string& name) const {
    for (size_t i = 0; i < tensors_.size(); ++i) {
      if (tensors_[i].name == name) return i;
    }
    throw ConvertError("no tensor " + name);
  }

  std::vector<TensorInfo> tensors_;
  std::vector<std::vector<float>> data_;
  uint64_t state_ = 1;
};

/// The message of the ConvertError that binding throws; empty if it throws none.
inline std::string bind_error(const std::string& description, const WeightSource& weights) {
  try {
    bind_description_text(description, weights, "model");
  } catch (const ConvertError& error) {
    return error.what();
  }
  return "";
}

/// `text` with the first occurrence of `from` replaced.
inline std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t position = text.find(from);
  if (position == std::string::npos) throw ConvertError("the test's text lacks " + from);
  return text.replace(position, from.size(), to);
}

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

/// An MMoE as a plain nn.Module would save it: 10 inputs, 3 experts of 8-6, 2 tasks with towers of 4-1.
inline MemoryWeights mmoe_weights() {
  MemoryWeights weights;
  for (const char* e : {"0", "1", "2"}) {
    weights.linear(std::string("experts.") + e + ".0", 8, 10).linear(std::string("experts.") + e + ".2", 6, 8);
  }
  for (const char* t : {"0", "1"}) {
    weights.linear(std::string("gates.") + t, 3, 10);
    weights.linear(std::string("towers.") + t + ".0", 4, 6).linear(std::string("towers.") + t + ".2", 1, 4);
  }
  return weights;
}

inline std::string mmoe_description() {
  return R"({"mmoe_description": 1,
    "levels": [{
      "experts": {"layers": "experts.{expert}.{layer}", "activation": "relu"},
      "gates": {"logits": "gates.{task}"}}],
    "towers": {"layers": "towers.{task}.{layer}", "activation": "relu"},
    "tasks": [{"name": "click", "link": "sigmoid"}, {"name": "like", "link": "sigmoid"}]})";
}

}  // namespace mmoe::converter::test
