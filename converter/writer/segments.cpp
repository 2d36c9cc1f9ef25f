#include "converter/writer/segments.h"

namespace mmoe::converter {

uint32_t SegmentBuilder::add_segment(const std::string& name, uint64_t alignment) {
  SegmentData segment;
  segment.name = name;
  segment.alignment = alignment;
  segments_.push_back(std::move(segment));
  return static_cast<uint32_t>(segments_.size() - 1);
}

uint32_t SegmentBuilder::add_tensor(uint32_t segment, const std::string& name, uint64_t bytes, GiveBytes give,
                                    size_t rows, size_t cols, schema::DType dtype, schema::Layout layout) {
  SegmentData& to = segments_[segment];
  TensorEntry entry;
  entry.name = name;
  entry.segment = segment;
  entry.offset = (to.bytes + 63) / 64 * 64;
  entry.bytes = bytes;
  entry.rows = static_cast<uint32_t>(rows);
  entry.cols = static_cast<uint32_t>(cols);
  entry.dtype = dtype;
  entry.layout = layout;
  entry.give = std::move(give);
  to.bytes = entry.offset + bytes;
  to.tensors.push_back(static_cast<uint32_t>(tensors_.size()));
  tensors_.push_back(std::move(entry));
  return to.tensors.back();
}

}  // namespace mmoe::converter
