// From a category to its id: binary search in a feature's sorted keys, where they lie in the file.
#pragma once

#include <cstdint>
#include <string_view>

#include "mmoe/model.h"
#include "schema/mmoe_generated.h"

namespace mmoe::internal {

/// `file`: Model::data(). Model::kUnknownId when the vocabulary does not hold the value. The keys' values are not
/// verified at load (they may be gigabytes), so every offset and id is checked here: a damaged vocabulary finds wrong
/// or no ids, and never reads beyond its tensors.
std::int32_t find_string(const void* file, const schema::Vocabulary& vocabulary, std::string_view value);
std::int32_t find_integer(const void* file, const schema::Vocabulary& vocabulary, std::int64_t value);

}  // namespace mmoe::internal
