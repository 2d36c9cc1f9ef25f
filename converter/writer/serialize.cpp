#include <cstring>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "converter/error.h"
#include "converter/writer/header.h"
#include "converter/writer/model_tensors.h"
#include "converter/writer/segments.h"
#include "converter/writer/writer.h"

namespace mmoe::converter {
namespace {

uint64_t align_up(uint64_t offset, uint64_t alignment) { return (offset + alignment - 1) / alignment * alignment; }

Placement place(const std::vector<SegmentData>& segments, uint64_t header_bytes) {
  Placement placement;
  uint64_t at = header_bytes;
  for (const SegmentData& segment : segments) {
    at = align_up(at, segment.alignment);
    placement.offsets.push_back(at);
    placement.checksums.push_back(XXH64(segment.bytes.data(), segment.bytes.size(), 0));
    at += segment.bytes.size();
  }
  placement.offsets.push_back(align_up(at, 64));
  placement.checksums.push_back(0);
  placement.file_bytes = placement.offsets.back() + sizeof(uint64_t);
  return placement;
}

}  // namespace

std::vector<uint8_t> serialize(const LoweredModel& model, const Golden& golden, const ProvenanceInfo& provenance) {
  SegmentBuilder segments;
  const ModelTensors tensors = add_tensors(model, segments);
  const HeaderContents contents{model, segments, tensors, golden, provenance};
  // Once to learn the header's size, from which the segments' offsets follow; once with them.
  const size_t header_bytes = write_header(contents, place(segments.segments(), 0)).size();
  const Placement placement = place(segments.segments(), header_bytes);
  const std::vector<uint8_t> header = write_header(contents, placement);
  if (header.size() != header_bytes) throw ConvertError("internal error: the header's size is not stable");

  std::vector<uint8_t> file(static_cast<size_t>(placement.file_bytes));
  std::memcpy(file.data(), header.data(), header_bytes);
  for (size_t i = 0; i < segments.segments().size(); ++i) {
    const std::vector<uint8_t>& bytes = segments.segments()[i].bytes;
    if (!bytes.empty()) std::memcpy(file.data() + placement.offsets[i], bytes.data(), bytes.size());
  }
  const uint64_t checksum = XXH64(header.data(), header_bytes, 0);
  std::memcpy(file.data() + placement.offsets.back(), &checksum, sizeof checksum);
  return file;
}

}  // namespace mmoe::converter
