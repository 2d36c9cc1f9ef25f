// The tables of a verified model, as the file format's schema has them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "mmoe/model.h"
#include "mmoe/plan.h"
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

/// For descriptions: cut behind 1,024 bytes, with "…". A few bytes of a file may give thousands of things one name.
inline std::string shown_text(const flatbuffers::String* text) {
  constexpr std::size_t kMaxBytes = 1024;
  std::string all(text ? text->string_view().substr(0, kMaxBytes + 1) : std::string_view());
  if (all.size() <= kMaxBytes) return all;
  std::size_t end = kMaxBytes;
  while (end > kMaxBytes - 4 && (all[end] & 0xc0) == 0x80) --end;  // between characters
  return all.substr(0, end) + "…";
}

/// What a link starts from, whatever is done with it then.
inline schema::LinkKind source_of(const schema::Link& link) {
  return link.kind() == schema::LinkKind_Mapped ? link.map()->kind() : link.kind();
}

/// A task by the number that factors have: behind the tasks come the auxiliary ones.
/// Whether the gate's weights are multiplied by constants when experts are mixed.
inline bool has_scales(const schema::Gate& gate) {
  return gate.kind() >= schema::GateKind_ScaledSoftmax && gate.scales() >= 0;
}

inline const schema::Task& task_of(const schema::Model& model, Index index) {
  const Index num_tasks = model.tasks()->size();
  return index < num_tasks ? *model.tasks()->Get(index) : *model.auxiliary()->Get(index - num_tasks);
}

/// The model must stay as long as the view.
class ModelView {
 public:
  explicit ModelView(const Model& model) : data_(model.data()), file_bytes_(model.size_bytes()) {}
  explicit ModelView(const Plan& plan) : data_(plan.data()), file_bytes_(plan.size_bytes()) {}

  std::uint64_t file_bytes() const { return file_bytes_; }

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
  std::uint64_t file_bytes_;
};

}  // namespace mmoe::tools
