// In which types a model stores its numbers, and how many bytes that is.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/tools/model/model_view.h"

namespace mmoe::tools {

/// "f32", ..., "w8a8": how a layer's weights are stored. REQUIRES: the tensor is a layer's.
std::string weights_name(const schema::Tensor& weight);

struct StoredBytes {
  std::string type;
  std::uint64_t bytes = 0;
};

/// All layers' weights, types in the order of their first layers. Layers that share weights count once.
std::vector<StoredBytes> stored_weights(const schema::Model& model);

/// What the raw features of a row read from embedding tables, by the tables' type: a row per sparse feature, and one
/// per element of a full sequence. Empty without such features.
std::vector<StoredBytes> table_bytes_per_row(const schema::Model& model);

/// "f32", or "w8a8 4.2 MB, i8 17.0 kB"; "none" without any.
std::string stored_text(const std::vector<StoredBytes>& stored);

std::uint64_t total_bytes(const std::vector<StoredBytes>& stored);

}  // namespace mmoe::tools
