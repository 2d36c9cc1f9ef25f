// The inside of the row builder: its memory, what is being set, and how a raw value becomes the numbers or ids of a
// row.
#pragma once

#include <cstddef>
#include <cstdint>

#include "mmoe/rows.h"
#include "model/access.h"
#include "session/place.h"

namespace mmoe::internal {

/// At the head of the builder's memory; behind it the columns, then their values and ids.
struct RowsState {
  Status status;  // the first error
  const void* file;
  std::size_t num_features, max_rows, num_rows;
  Part part;
  FeatureColumn* columns;
};

inline const schema::Feature& feature_of(const void* file, std::size_t index) {
  return *ModelAccess::root(file)->features()->Get(static_cast<flatbuffers::uoffset_t>(index));
}

inline bool is_dense(const schema::Feature& feature) { return feature.kind() == schema::FeatureKind_Dense; }
inline bool is_sequence(const schema::Feature& feature) { return feature.kind() == schema::FeatureKind_Sequence; }

/// Values or ids per row.
inline std::size_t width_of(const schema::Feature& feature) {
  return is_dense(feature) ? feature.width() : is_sequence(feature) ? feature.length() : 1;
}

inline bool is_in(const schema::Model& root, const schema::Feature& feature, Part part) {
  return part == Part::kWhole || (feature.column() >= root.shared_dim()) == (part == Part::kCandidate);
}

/// What is being set, for values and for messages.
struct Target {
  RowsState& rows;
  const schema::Feature& feature;
  std::size_t index;
  bool weights = false;  ///< of the elements, and not these

  FeaturePlace at(std::size_t row) const { return {{rows.file, index}, row}; }
  FeatureName name() const { return {rows.file, index}; }
  // The builder's own memory, of which FeatureColumn shows a read-only view.
  float* values(std::size_t row) const {
    const std::size_t stride = is_sequence(feature) ? feature.length() : feature.width();
    return const_cast<float*>(rows.columns[index].values.data()) + row * stride;
  }
  std::int32_t* ids(std::size_t row) const {
    return const_cast<std::int32_t*>(rows.columns[index].ids.data()) + row * width_of(feature);
  }
};

/// Nothing is set: NaN, no elements, or the unknown category.
void clear_row(const Target& target, std::size_t row);

// Functions that return false have set the builder's status. A value that is set makes no Status, which is large.

template <class... Parts>
bool refuse(RowsState& rows, ErrorCode code, const Parts&... parts) {
  rows.status = make_error(code, parts...);
  return false;
}

template <class... Parts>
bool refuse(const Target& target, std::size_t row, const Parts&... parts) {
  return refuse(target.rows, ErrorCode::kInvalidArgument, target.at(row), parts...);
}

/// A missing category has the id that says so, where the feature does not refuse it.
bool take_missing(const Target& target, std::size_t row, std::int32_t& id);

/// Elements [first, first + count) of the value become the row's.
bool set_value(const Target& target, std::size_t row, const RawValue& value, std::size_t first, std::size_t count);

/// Rows of one length each, or as the offsets say.
bool set_values(const Target& target, const RawValue& value, Span<const std::int32_t> offsets);

}  // namespace mmoe::internal
