// Tensors that a library saves twice, under two names: they may be left out if they are the same.
#pragma once

#include <cstddef>

#include "converter/importers/weight_source.h"
#include "converter/recipes/name_index.h"

namespace mmoe::converter {

/// Whether both have one shape and the same elements, bit by bit. Reads a part of both at a time. The indices are those
/// of `names`, which was made of `weights`.
bool are_copies(const WeightSource& weights, const NameIndex& names, size_t one, size_t other);

}  // namespace mmoe::converter
