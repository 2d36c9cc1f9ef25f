// The tensors of a vocabulary's keys.
#pragma once

#include <cstdint>
#include <string>

#include "converter/model/model.h"
#include "converter/writer/segments.h"

namespace mmoe::converter {

/// Indices of tensors; -1: none.
struct VocabularyTensors {
  int32_t keys = -1, offsets = -1, ids = -1, buckets = -1;
};

/// Keys and ids in the order of the keys' buckets. Takes 8 bytes for each key while `out` lasts, and reads the keys
/// from `vocabulary`, which must outlive it, when they are written. Throws ConvertError for strings of more than 2^32 -
/// 1 bytes. REQUIRES: no identity; no key is there twice.
VocabularyTensors add_vocabulary(const std::string& name, const Vocabulary& vocabulary, uint32_t segment,
                                 SegmentBuilder& out);

}  // namespace mmoe::converter
