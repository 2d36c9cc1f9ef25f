#include "converter/description/model.h"

namespace mmoe::converter {

StreamRef input_stream(const std::vector<ColumnRange>& columns) {
  StreamRef stream(columns.empty(), 0);
  for (const ColumnRange& range : columns) stream.parts.push_back({true, 0, range});
  return stream;
}

size_t StreamRef::width_of_parts() const {
  size_t width = 0;
  for (const StreamPart& part : parts) width += part.columns.width;
  return width;
}

bool StreamRef::reads_x() const {
  if (parts.empty()) return model_input;
  for (const StreamPart& part : parts) {
    if (part.model_input) return true;
  }
  return false;
}

}  // namespace mmoe::converter
