#include <algorithm>
#include <array>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "converter/error.h"
#include "converter/writer/writer.h"

namespace mmoe::converter {
namespace {

uint64_t align_up(uint64_t offset, uint64_t alignment) { return (offset + alignment - 1) / alignment * alignment; }

// Checksums are not known before the segments are written.
Placement place(const std::vector<SegmentData>& segments, uint64_t header_bytes) {
  Placement placement;
  uint64_t at = header_bytes;
  for (const SegmentData& segment : segments) {
    at = align_up(at, segment.alignment);
    placement.offsets.push_back(at);
    at += segment.bytes;
  }
  placement.offsets.push_back(align_up(at, 64));
  placement.checksums.resize(placement.offsets.size());
  placement.file_bytes = placement.offsets.back() + sizeof(uint64_t);
  return placement;
}

// Appends, and hashes what belongs to a segment.
class SegmentWriter {
 public:
  explicit SegmentWriter(ByteSink& sink) : sink_(sink) { start(); }

  void start() {
    XXH64_reset(&state_, 0);
    bytes_ = 0;
  }

  void write(const void* data, size_t bytes) {
    sink_.append(data, bytes);
    XXH64_update(&state_, data, bytes);
    bytes_ += bytes;
  }

  void zeros_up_to(uint64_t bytes) {
    static constexpr std::array<uint8_t, 4096> kZeros{};
    while (bytes_ < bytes) write(kZeros.data(), static_cast<size_t>(std::min<uint64_t>(bytes - bytes_, kZeros.size())));
  }

  uint64_t bytes() const { return bytes_; }
  uint64_t checksum() const { return XXH64_digest(&state_); }

 private:
  ByteSink& sink_;
  XXH64_state_t state_;
  uint64_t bytes_ = 0;
};

}  // namespace

ModelFileWriter::ModelFileWriter(const LoweredModel& model, const ProvenanceInfo& provenance)
    : model_(model), provenance_(provenance), tensors_(add_tensors(model, segments_)) {}

void ModelFileWriter::write(const Golden& golden, ByteSink& sink) {
  // Once to learn the header's size, from which the segments' offsets follow.
  header_bytes_ = header(golden, place(segments_.segments(), 0)).size();
  placement_ = place(segments_.segments(), header_bytes_);
  SegmentWriter out(sink);
  uint64_t end = 0;
  out.zeros_up_to(header_bytes_);
  end = header_bytes_;
  for (size_t i = 0; i < segments_.segments().size(); ++i) {
    const SegmentData& segment = segments_.segments()[i];
    out.start();
    out.zeros_up_to(placement_.offsets[i] - end);
    out.start();
    for (const uint32_t tensor : segment.tensors) {
      const TensorEntry& entry = segments_.tensors()[tensor];
      out.zeros_up_to(entry.offset);
      entry.give([&out](const void* data, size_t bytes) { out.write(data, bytes); });
      if (out.bytes() != entry.offset + entry.bytes) throw ConvertError("internal error: the size of " + entry.name);
    }
    placement_.checksums[i] = out.checksum();
    end = placement_.offsets[i] + segment.bytes;
  }
  out.start();
  out.zeros_up_to(placement_.file_bytes - end);
  replace_header(golden, sink);
}

void ModelFileWriter::replace_header(const Golden& golden, ByteSink& sink) {
  const std::vector<uint8_t> bytes = header(golden, placement_);
  if (bytes.size() != header_bytes_) throw ConvertError("internal error: the header's size is not stable");
  sink.replace(0, bytes.data(), bytes.size());
  const uint64_t checksum = XXH64(bytes.data(), bytes.size(), 0);
  sink.replace(placement_.offsets.back(), &checksum, sizeof checksum);
}

std::vector<uint8_t> ModelFileWriter::header(const Golden& golden, const Placement& placement) const {
  return write_header({model_, segments_, tensors_, golden, provenance_}, placement);
}

std::vector<uint8_t> serialize(const LoweredModel& model, const Golden& golden, const ProvenanceInfo& provenance) {
  MemorySink sink;
  ModelFileWriter(model, provenance).write(golden, sink);
  return sink.take();
}

}  // namespace mmoe::converter
