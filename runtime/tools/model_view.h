// The tables of a verified model, as the file format's schema has them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "mmoe/model.h"
#include "schema/mmoe_generated.h"

namespace mmoe::tools {

using Index = flatbuffers::uoffset_t;

/// Number of elements of a vector that may be absent.
template <class Vector>
Index size_of(const Vector* vector) {
  return vector ? vector->size() : 0;
}

/// A string that may be absent.
inline std::string text_of(const flatbuffers::String* text) { return text ? text->str() : std::string(); }

/// The model must stay as long as the view.
class ModelView {
 public:
  explicit ModelView(const Model& model) : data_(model.data()) {}

  const schema::Model& root() const { return *schema::GetSizePrefixedModel(data_); }

  const schema::Tensor& tensor(std::size_t index) const { return *root().tensors()->Get(static_cast<Index>(index)); }

  /// First byte of a tensor. REQUIRES: Element is the tensor's type, which the loader has checked where the
  /// schema prescribes it.
  template <class Element>
  const Element* elements(std::size_t index) const {
    const schema::Segment& segment = *root().segments()->Get(tensor(index).segment());
    const char* file = static_cast<const char*>(data_);
    return reinterpret_cast<const Element*>(file + segment.offset() + tensor(index).offset());
  }

 private:
  const void* data_;
};

}  // namespace mmoe::tools
