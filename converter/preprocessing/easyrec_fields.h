// Fields of a feature in TorchEasyRec's configuration, with what they are where they are left out.
#pragma once

#include <charconv>
#include <optional>
#include <string>

#include "converter/reading/json_reader.h"

namespace mmoe::converter::easyrec {

inline std::string text_at(const JsonReader& feature, const char* key, const std::string& otherwise) {
  const auto field = feature.find(key);
  return field ? field->text() : otherwise;
}

inline size_t count_at(const JsonReader& feature, const char* key, size_t otherwise) {
  const auto field = feature.find(key);
  return field ? field->count() : otherwise;
}

inline bool true_at(const JsonReader& feature, const char* key) {
  const auto field = feature.find(key);
  return field && field->boolean();
}

/// The whole text as a number of its type.
template <class Number>
std::optional<Number> parsed(const std::string& text) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace mmoe::converter::easyrec
