#include "converter/importers/weight_source.h"

#include "converter/importers/keras_config.h"

namespace mmoe::converter {

const std::vector<KerasLayer>& WeightSource::keras_layers() const {
  static const std::vector<KerasLayer> none;
  return none;
}

uint64_t TensorInfo::num_elements() const {
  uint64_t count = 1;
  for (const uint64_t size : shape) count *= size;
  return count;
}

std::vector<float> WeightSource::read(size_t index) const {
  read(index, 0, 0, nullptr);  // the shape of a tensor that cannot be read is not checked against the file
  std::vector<float> elements(tensors().at(index).num_elements());
  read(index, 0, elements.size(), elements.data());
  return elements;
}

}  // namespace mmoe::converter
