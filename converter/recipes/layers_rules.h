// What the layers objects of a recipe may say, and what all of its parts are checked with.
#pragma once

#include <string>
#include <vector>

#include "converter/reading/json_reader.h"
#include "converter/reading/keys.h"
#include "converter/reading/pattern.h"

namespace mmoe::converter {

/// Each throws ConvertError, beginning with the path of the value.
std::vector<JsonReader> some_items(const JsonReader& list);
void check_true(const JsonReader& flag);
void check_optional_text(const JsonReader& object, const std::string& key);
Pattern check_pattern(const JsonReader& field);
void check_has(const JsonReader& field, const std::string& part);
/// An object with one of `keys`, which is a pattern.
void check_shape(const JsonReader& rule, const Keys& keys);
/// A stream's name, or a list of parts.
void check_streams(const JsonReader& field);

/// Objects of layers, as they are written in a recipe: those of the library's `form` and `mlp`, and of its models.
class LayersRules {
 public:
  explicit LayersRules(const JsonReader& library) : has_mlp_(library.find("mlp").has_value()) {}

  /// `keys`: those that a description has there.
  void check(const JsonReader& layers, const Keys& keys) const;
  void check_mlp(const JsonReader& object) const;
  /// What all these objects may hold.
  static void check_fields(const JsonReader& object);

 private:
  static void check_norm_tensors(const JsonReader& object);
  static void check_dice(const JsonReader& dice);
  static void check_num_experts(const JsonReader& layers, const JsonReader& count);

  bool has_mlp_;
};

}  // namespace mmoe::converter
