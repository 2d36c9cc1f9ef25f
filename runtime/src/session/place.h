// How messages name a feature: by its name in the file, and the row.
#pragma once

#include <cstddef>
#include <string_view>

#include "core/make_error.h"

namespace mmoe::internal {

/// A name out of a file or of the caller, cut where it would push the rest of the message out.
struct Quoted {
  std::string_view text;
};

inline void append_part(Error& error, const Quoted& quoted) {
  constexpr std::size_t kMaxBytes = 80;
  const std::string_view shown(quoted.text.data(), quoted.text.size() < kMaxBytes ? quoted.text.size() : kMaxBytes);
  append_part(error, "\"");
  append_part(error, shown);
  append_part(error, shown.size() < quoted.text.size() ? "...\"" : "\"");
}

/// A feature of the file at `file` (Model::data()), by its index.
struct FeatureName {
  const void* file;
  std::size_t index;
};

void append_part(Error& error, const FeatureName& feature);

/// What an array of so many rows must have: ", needs 12 (rows: 3, per row: 4)".
struct Needed {
  std::size_t count, num_rows, width;
};

void append_part(Error& error, const Needed& needed);

/// A value of it.
struct FeaturePlace {
  FeatureName feature;
  std::size_t row;
};

inline void append_part(Error& error, const FeaturePlace& place) {
  append_part(error, place.feature);
  append_part(error, ", row ");
  append_part(error, place.row);
  append_part(error, ": ");
}

}  // namespace mmoe::internal
