// Typed access to the fields of a description. Every error names the field by its path, what was found and what
// was expected: `levels[0].gates.top_k: found "two", expected a whole number`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mmoe::converter {

/// The line, from 1 on, in which each value of a text begins, by its path as JsonReader writes it: `levels[0].gates`.
using JsonLines = std::map<std::string, size_t>;

/// Strict JSON; throws ConvertError with the line, also for a key that an object has twice. Fills `lines`, if given.
nlohmann::json parse_json(std::string_view text, JsonLines* lines = nullptr);

/// One value of the document and the way to it. Refers to the document, which must outlive it.
class JsonReader {
 public:
  explicit JsonReader(const nlohmann::json& root) : JsonReader(root, "") {}
  /// The same of a document that is a part of another, where `path` leads to.
  JsonReader(const nlohmann::json& value, std::string path) : value_(&value), path_(std::move(path)) {}

  const std::string& path() const { return path_; }
  bool is_object() const;
  bool is_array() const;
  bool is_string() const;
  bool is_true() const;
  bool is_boolean() const;
  bool is_integer() const;
  bool is_null() const;
  nlohmann::json copy() const;

  /// Throws for a key that is not among `known`, and suggests the nearest.
  void allow_keys(const std::vector<std::string>& known) const;

  std::vector<std::string> keys() const;  ///< of an object

  std::optional<JsonReader> find(const std::string& key) const;
  /// Throws "<path>.<key>: missing: <meaning>".
  JsonReader get(const std::string& key, const std::string& meaning) const;
  std::vector<JsonReader> items() const;
  /// The items of a list, or the value itself: for fields that take one or several.
  std::vector<JsonReader> items_or_self() const;

  bool boolean() const;
  std::string string() const;  ///< not empty
  std::string text() const;    ///< may be empty
  size_t count(size_t max = std::numeric_limits<size_t>::max()) const;
  int64_t integer() const;
  std::optional<uint64_t> large_integer() const;  ///< one from 2^63 to 2^64 - 1, if it is one
  double number() const;                          ///< finite
  float real() const;                             ///< finite as a float
  /// One of `names`; returns its index.
  size_t choice(const std::vector<std::string>& names) const;

  [[noreturn]] void fail(const std::string& message) const;
  [[noreturn]] void fail_expected(const std::string& expected) const;

 private:
  std::string child_path(const std::string& key) const;
  std::string found() const;

  const nlohmann::json* value_;
  std::string path_;
};

}  // namespace mmoe::converter
