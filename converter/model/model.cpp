#include "converter/model/model.h"
#include "schema/nodes.h"

namespace mmoe::converter {

DenseLayer identity_layer(size_t width, const std::string& name) {
  DenseLayer layer;
  layer.name = name;
  layer.weight = {width, width, std::vector<float>(width * width)};
  for (size_t i = 0; i < width; ++i) layer.weight.data[i * width + i] = 1;
  return layer;
}

StreamRef input_stream(const std::vector<ColumnRange>& columns) {
  StreamRef stream(columns.empty() ? StreamSource::kModelInput : StreamSource::kPrevious, 0);
  for (const ColumnRange& range : columns) stream.parts.push_back({StreamSource::kModelInput, 0, range});
  return stream;
}

size_t StreamRef::width_of_parts() const {
  size_t width = 0;
  for (const StreamPart& part : parts) width += part.columns.width;
  return width;
}

bool StreamRef::reads_x() const {
  if (parts.empty()) return is_input();
  for (const StreamPart& part : parts) {
    if (part.is_input()) return true;
  }
  return false;
}

size_t Node::width() const {
  if (kind == NodeKind::kMlp) return layers.back().outputs();
  if (kind == NodeKind::kEach) return input_width / group * layers.back().outputs();
  if (kind == NodeKind::kScaledDot) return query_width / group * value_width;
  return static_cast<size_t>(
      schema::outputs_of_operation(static_cast<schema::NodeKind>(kind), input_width, group));  // numbered alike
}

}  // namespace mmoe::converter
