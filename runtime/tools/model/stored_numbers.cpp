#include "runtime/tools/model/stored_numbers.h"

#include "runtime/tools/model/schema_names.h"
#include "runtime/tools/support/text.h"

namespace mmoe::tools {
namespace {

void add(std::vector<StoredBytes>& stored, const std::string& type, std::uint64_t bytes) {
  for (StoredBytes& known : stored) {
    if (known.type != type) continue;
    known.bytes += bytes;
    return;
  }
  stored.push_back({type, bytes});
}

bool is_panels(const schema::Tensor& tensor) {
  return tensor.layout() == schema::Layout_Panel16 || tensor.layout() == schema::Layout_Panel16Quads;
}

}  // namespace

std::string weights_name(const schema::Tensor& weight) {
  return weight.layout() == schema::Layout_Panel16Quads ? "w8a8" : name_of(weight.dtype());
}

std::vector<StoredBytes> stored_weights(const schema::Model& model) {
  std::vector<StoredBytes> stored;
  for (const schema::Tensor* tensor : *model.tensors()) {
    if (is_panels(*tensor)) add(stored, weights_name(*tensor), tensor->bytes());
  }
  return stored;
}

std::vector<StoredBytes> table_bytes_per_row(const schema::Model& model) {
  std::vector<StoredBytes> stored;
  for (Index i = 0; i < size_of(model.features()); ++i) {
    const schema::Feature& feature = *model.features()->Get(i);
    if (feature.kind() == schema::FeatureKind_Dense) continue;
    const auto embedding = static_cast<Index>(feature.embedding());
    const schema::Tensor& table = *model.tensors()->Get(model.embeddings()->Get(embedding)->table());
    const std::uint64_t rows = feature.kind() == schema::FeatureKind_Sequence ? feature.length() : 1;
    add(stored, name_of(table.dtype()), rows * (table.bytes() / table.rows()));
  }
  return stored;
}

std::string stored_text(const std::vector<StoredBytes>& stored) {
  if (stored.empty()) return "none";
  if (stored.size() == 1) return stored[0].type;
  std::string text;
  for (const StoredBytes& part : stored) {
    text += (text.empty() ? "" : ", ") + part.type + " " + human_bytes(part.bytes);
  }
  return text;
}

std::uint64_t total_bytes(const std::vector<StoredBytes>& stored) {
  std::uint64_t sum = 0;
  for (const StoredBytes& part : stored) sum += part.bytes;
  return sum;
}

}  // namespace mmoe::tools
