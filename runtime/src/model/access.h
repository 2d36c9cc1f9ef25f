// How the runtime reads a verified model: the FlatBuffers root and the tensors behind it.
#pragma once

#include "mmoe/model.h"
#include "schema/mmoe_generated.h"

namespace mmoe::internal {

// Limits of the format (schema/README.md). They bound what a plan keeps on the stack.
constexpr std::size_t kMaxLevels = 16;
constexpr std::size_t kMaxExperts = 256;  // per level
constexpr std::size_t kMaxGates = 64;     // per level
constexpr std::size_t kMaxTasks = 64;
constexpr std::size_t kMaxLayers = 32;    // per MLP
constexpr std::size_t kMaxFeatures = 4096;
constexpr std::size_t kMaxDim = std::size_t{1} << 20;

using DenseLayers = flatbuffers::Vector<flatbuffers::Offset<schema::Dense>>;

/// Number of elements of a FlatBuffers vector that may be absent.
template <class Vector>
std::size_t size_of(const Vector* vector) {
  return vector ? vector->size() : 0;
}

/// View of a FlatBuffers string that may be absent.
inline std::string_view text_of(const flatbuffers::String* text) {
  return text ? std::string_view(text->data(), text->size()) : std::string_view();
}

struct ModelAccess {
  static const schema::Model* root(const void* data) { return schema::GetSizePrefixedModel(data); }
  static const schema::Model* root(const Model& model) { return root(model.data_); }

  /// First byte of a verified tensor.
  static const void* tensor(const Model& model, std::size_t index) {
    const schema::Model* root = ModelAccess::root(model);
    const schema::Tensor* tensor = root->tensors()->Get(static_cast<flatbuffers::uoffset_t>(index));
    const schema::Segment* segment = root->segments()->Get(tensor->segment());
    return static_cast<const char*>(model.data_) + segment->offset() + tensor->offset();
  }
  static const float* floats(const Model& model, std::size_t index) {
    return static_cast<const float*>(tensor(model, index));
  }
};

}  // namespace mmoe::internal
