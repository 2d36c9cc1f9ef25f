#include "converter/writer/segments.h"

namespace mmoe::converter {

uint32_t SegmentBuilder::add_segment(const std::string& name, uint64_t alignment) {
  SegmentData segment;
  segment.name = name;
  segment.alignment = alignment;
  segments_.push_back(std::move(segment));
  return static_cast<uint32_t>(segments_.size() - 1);
}

uint32_t SegmentBuilder::add_tensor(uint32_t segment, const std::string& name, const void* data, size_t bytes,
                                    size_t rows, size_t cols, schema::DType dtype, schema::Layout layout) {
  std::vector<uint8_t>& to = segments_[segment].bytes;
  to.resize((to.size() + 63) / 64 * 64);
  TensorEntry entry;
  entry.name = name;
  entry.segment = segment;
  entry.offset = to.size();
  entry.bytes = bytes;
  entry.rows = static_cast<uint32_t>(rows);
  entry.cols = static_cast<uint32_t>(cols);
  entry.dtype = dtype;
  entry.layout = layout;
  const uint8_t* begin = static_cast<const uint8_t*>(data);
  to.insert(to.end(), begin, begin + bytes);
  tensors_.push_back(std::move(entry));
  return static_cast<uint32_t>(tensors_.size() - 1);
}

}  // namespace mmoe::converter
