// The FlatBuffers header of a model file.
#pragma once

#include <cstdint>
#include <vector>

#include "converter/lowering/lowered.h"
#include "converter/writer/contents.h"
#include "converter/writer/model_tensors.h"
#include "converter/writer/segments.h"

namespace mmoe::converter {

/// Where each segment starts and what its bytes hash to. The header's own checksum comes last.
struct Placement {
  std::vector<uint64_t> offsets;
  std::vector<uint64_t> checksums;
  uint64_t file_bytes = 0;
};

/// Everything that the header says.
struct HeaderContents {
  const LoweredModel& model;
  const SegmentBuilder& segments;
  const ModelTensors& tensors;
  const Golden& golden;
  const ProvenanceInfo& provenance;
};

/// The size-prefixed buffer. Its size depends on the contents' structure, not on any number in them or in the
/// placement.
std::vector<uint8_t> write_header(const HeaderContents& contents, const Placement& placement);

}  // namespace mmoe::converter
