// From a lowered model to the bytes of a .mmoe file.
#pragma once

#include <cstdint>
#include <vector>

#include "converter/lowering/lowered.h"
#include "converter/writer/byte_sink.h"
#include "converter/writer/contents.h"
#include "converter/writer/header.h"
#include "converter/writer/model_tensors.h"
#include "converter/writer/segments.h"

namespace mmoe::converter {

/// Writes a model's file: weights and tables a part after the other, so that a file may be larger than memory. The same
/// input gives the same bytes. The model must outlive the writer.
class ModelFileWriter {
 public:
  ModelFileWriter(const LoweredModel& model, const ProvenanceInfo& provenance);

  /// Appends the whole file to `sink`, which is empty.
  void write(const Golden& golden, ByteSink& sink);

  /// The header with other scores than write() got: they can be computed from the file and put in afterwards.
  /// REQUIRES: as many of them.
  void replace_header(const Golden& golden, ByteSink& sink);

 private:
  std::vector<uint8_t> header(const Golden& golden, const Placement& placement) const;

  const LoweredModel& model_;
  ProvenanceInfo provenance_;
  SegmentBuilder segments_;
  ModelTensors tensors_;
  Placement placement_;
  uint64_t header_bytes_ = 0;
};

/// The file in memory.
std::vector<uint8_t> serialize(const LoweredModel& model, const Golden& golden, const ProvenanceInfo& provenance);

}  // namespace mmoe::converter
