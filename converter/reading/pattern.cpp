#include "converter/reading/pattern.h"

#include <algorithm>

#include "converter/error.h"

namespace mmoe::converter {

namespace {

constexpr std::array<const char*, kNumPlaceholders> kNames = {"{expert}", "{task}", "{layer}", "{level}",
                                                              "{previous_task}"};

std::optional<Placeholder> placeholder_at(const std::string& text, size_t position) {
  for (size_t i = 0; i < kNumPlaceholders; ++i) {
    const std::string name = kNames[i];
    if (text.compare(position, name.size(), name) == 0) return static_cast<Placeholder>(i);
  }
  return std::nullopt;
}

const char* name_of(Placeholder placeholder) { return kNames[static_cast<size_t>(placeholder)]; }

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

std::optional<size_t> parse_number(const std::string& text) {
  constexpr size_t kMaxDigits = 9;
  if (text.empty() || text.size() > kMaxDigits || !std::all_of(text.begin(), text.end(), is_digit)) return std::nullopt;
  return static_cast<size_t>(std::stoul(text));
}

Pattern::Pattern(const std::string& text, const std::string& path) : path_(path) {
  std::string literal;
  for (size_t i = 0; i < text.size();) {
    const std::optional<Placeholder> placeholder = placeholder_at(text, i);
    if (!placeholder) {
      if (text[i] == '{' || text[i] == '}') {
        throw ConvertError(path + ": \"" + text + "\" has an unknown placeholder; known are {expert}, {task}, " +
                           "{layer}, {level}, {previous_task}");
      }
      literal += text[i++];
      continue;
    }
    if (literal.empty() && !parts_.empty()) {
      throw ConvertError(path + ": \"" + text + "\" has two placeholders with no text between them");
    }
    if (!literal.empty()) parts_.push_back({literal, std::nullopt});
    literal.clear();
    parts_.push_back({"", placeholder});
    i += std::string(name_of(*placeholder)).size();
  }
  if (!literal.empty()) parts_.push_back({literal, std::nullopt});
}

bool Pattern::has(Placeholder placeholder) const {
  return std::any_of(parts_.begin(), parts_.end(), [&](const Part& part) { return part.placeholder == placeholder; });
}

Pattern Pattern::with(const PlaceholderValues& values) const {
  Pattern result = *this;
  for (Part& part : result.parts_) {
    if (part.placeholder && !values[*part.placeholder].empty()) part = {values[*part.placeholder], std::nullopt};
  }
  return result;
}

std::string Pattern::leading_text() const {
  std::string text;
  for (const Part& part : parts_) {
    if (part.placeholder) break;
    text += part.literal;
  }
  return text;
}

std::string Pattern::text() const {
  std::string text;
  for (const Part& part : parts_) text += part.placeholder ? name_of(*part.placeholder) : part.literal;
  return text;
}

std::string Pattern::example() const {
  std::string text;
  for (const Part& part : parts_) text += part.placeholder ? "0" : part.literal;
  return text;
}

// Tries the parts in order; only task names, of which one may begin another, need to be taken back.
struct Pattern::Matcher {
  const std::vector<Part>& parts;
  const std::string& name;
  const std::vector<std::string>* task_names;  // null: any text
  PlaceholderValues values;

  bool match(size_t part, size_t position) {
    if (part == parts.size()) return position == name.size();
    if (!parts[part].placeholder) return take(part, position, parts[part].literal);
    std::string& value = values[*parts[part].placeholder];
    if (!value.empty()) return take(part, position, value);
    if (is_task(*parts[part].placeholder)) {
      if (task_names == nullptr) return match_any_text(part, position, value);
      for (const std::string& task : *task_names) {
        if (try_value(part, position, task, value)) return true;
      }
    }
    size_t end = position;
    while (end < name.size() && is_digit(name[end])) ++end;
    return end > position && try_value(part, position, name.substr(position, end - position), value);
  }

  // The text ends where the literal behind it begins: only such places are tried, so that long names cost no more.
  bool match_any_text(size_t part, size_t position, std::string& value) {
    const size_t stop = std::min(name.find_first_of("./:", position), name.size());
    if (stop == position) return false;
    if (part + 1 == parts.size()) return stop == name.size() && try_value(part, position, name.substr(position), value);
    const std::string& next = parts[part + 1].literal;  // a placeholder never follows another
    for (size_t end = name.find(next, position + 1); end <= stop; end = name.find(next, end + 1)) {
      if (try_value(part, position, name.substr(position, end - position), value)) return true;
    }
    return false;
  }

  bool take(size_t part, size_t position, const std::string& text) {
    return name.compare(position, text.size(), text) == 0 && match(part + 1, position + text.size());
  }

  bool try_value(size_t part, size_t position, const std::string& text, std::string& value) {
    value = text;
    if (take(part, position, text)) return true;
    value.clear();
    return false;
  }
};

std::optional<PlaceholderValues> Pattern::match(const std::string& name,
                                                const std::vector<std::string>& task_names) const {
  Matcher matcher{parts_, name, &task_names, {}};
  if (!matcher.match(0, 0)) return std::nullopt;
  return matcher.values;
}

std::optional<PlaceholderValues> Pattern::match_any_task(const std::string& name) const {
  Matcher matcher{parts_, name, nullptr, {}};
  if (!matcher.match(0, 0)) return std::nullopt;
  return matcher.values;
}

}  // namespace mmoe::converter
