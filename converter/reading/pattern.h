// Names of tensors with placeholders: "experts.{expert}.{layer}.weight".
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace mmoe::converter {

/// {expert}, {layer} and {level} stand for a decimal number, {task} and {previous_task} for a number or a task's name.
enum class Placeholder { kExpert, kTask, kLayer, kLevel, kPreviousTask };
constexpr size_t kNumPlaceholders = 5;

/// Whether it stands for a task.
constexpr bool is_task(Placeholder placeholder) {
  return placeholder == Placeholder::kTask || placeholder == Placeholder::kPreviousTask;
}

/// The text each placeholder stands for; empty where it is not known.
class PlaceholderValues {
 public:
  std::string& operator[](Placeholder placeholder) { return texts_[static_cast<size_t>(placeholder)]; }
  const std::string& operator[](Placeholder placeholder) const { return texts_[static_cast<size_t>(placeholder)]; }

 private:
  std::array<std::string, kNumPlaceholders> texts_;
};

class Pattern {
 public:
  /// Throws ConvertError, beginning with `path`, for an unknown placeholder or two without text between them.
  Pattern(const std::string& text, const std::string& path);

  bool has(Placeholder placeholder) const;
  /// Puts in the values that are known; the other placeholders stay.
  Pattern with(const PlaceholderValues& values) const;

  /// The placeholders' texts if the whole of `name` fits. A number is taken to its last digit; task names are tried
  /// in the order given: the longest first. A placeholder that occurs twice must stand for the same text.
  std::optional<PlaceholderValues> match(const std::string& name, const std::vector<std::string>& task_names) const;

  /// The same, where {task} and {previous_task} may be any text without '.', '/' and ':': to learn what a library's
  /// file calls the tasks.
  std::optional<PlaceholderValues> match_any_task(const std::string& name) const;

  std::string leading_text() const;  ///< up to the first placeholder
  std::string text() const;          ///< as written, known values put in
  std::string example() const;       ///< "0" for every placeholder: for suggestions
  const std::string& path() const { return path_; }

 private:
  struct Part {
    std::string literal;
    std::optional<Placeholder> placeholder;
  };
  struct Matcher;

  std::vector<Part> parts_;
  std::string path_;  // of the description's field, for messages
};

/// The number that `text` spells in decimal digits (at most 9), if it does.
std::optional<size_t> parse_number(const std::string& text);

}  // namespace mmoe::converter
