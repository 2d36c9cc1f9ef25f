#include "converter/reading/json_reader.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>

#include "converter/error.h"
#include "converter/reading/text.h"

namespace mmoe::converter {

using nlohmann::json;

namespace {

// A text that counts the lines that the parser has read of it.
class CountedText {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountedText(const char* position, size_t& line) : position_(position), line_(&line) {}

  reference operator*() const { return *position_; }
  CountedText& operator++() {
    *line_ += *position_ == '\n' ? 1 : 0;
    ++position_;
    return *this;
  }
  bool operator==(const CountedText& other) const { return position_ == other.position_; }
  bool operator!=(const CountedText& other) const { return position_ != other.position_; }

 private:
  const char* position_;
  size_t* line_;
};

// Follows the parser: where each value begins, and keys that an object has twice, of which nlohmann-json keeps the last
// and drops the first without a word.
class Follower {
 public:
  Follower(const size_t& line, JsonLines* lines) : line_(line), lines_(lines) {}

  bool operator()(int, json::parse_event_t event, json& parsed) {
    using Event = json::parse_event_t;
    if (event == Event::key) return begin_member(parsed.get<std::string>());
    if (event == Event::object_end || event == Event::array_end) {
      open_.pop_back();
      return true;
    }
    const std::string path = begin_value();
    if (event == Event::object_start || event == Event::array_start)
      open_.push_back({path, event == Event::array_start});
    return true;
  }

 private:
  struct Open {  // an object or a list that has not ended
    std::string path;
    bool is_list = false;
    size_t index = 0;                 // of the next item
    std::set<std::string> keys = {};  // of an object
    std::string member = {};          // the path of the value that comes
  };

  bool begin_member(const std::string& key) {
    Open& object = open_.back();
    if (!object.keys.insert(key).second) {
      throw ConvertError("line " + std::to_string(line_) + ": key \"" + key + "\" twice in one object");
    }
    if (lines_ == nullptr) return true;
    object.member = object.path.empty() ? key : object.path + "." + key;
    (*lines_)[object.member] = line_;
    return true;
  }

  std::string begin_value() {
    if (lines_ == nullptr || open_.empty()) return "";
    Open& owner = open_.back();
    if (!owner.is_list) return owner.member;
    const std::string path = owner.path + "[" + std::to_string(owner.index++) + "]";
    (*lines_)[path] = line_;
    return path;
  }

  const size_t& line_;
  JsonLines* lines_;
  std::vector<Open> open_;
};

}  // namespace

json parse_json(std::string_view text, JsonLines* lines) {
  size_t line = 1;
  try {
    return json::parse(CountedText(text.data(), line), CountedText(text.data() + text.size(), line),
                       Follower(line, lines));
  } catch (const json::exception& error) {
    const std::string message = error.what();  // "[json.exception.parse_error.101] parse error at line 1, ..."
    const size_t end = message.find("] ");
    throw ConvertError("not valid JSON: " + (end == message.npos ? message : message.substr(end + 2)));
  }
}

bool JsonReader::is_object() const { return value_->is_object(); }
bool JsonReader::is_array() const { return value_->is_array(); }
bool JsonReader::is_string() const { return value_->is_string(); }
bool JsonReader::is_boolean() const { return value_->is_boolean(); }
bool JsonReader::is_integer() const { return value_->is_number_integer(); }
bool JsonReader::is_true() const { return value_->is_boolean() && value_->get<bool>(); }

std::string JsonReader::child_path(const std::string& key) const { return path_.empty() ? key : path_ + "." + key; }

std::string JsonReader::found() const {
  if (value_->is_object()) return "an object";
  if (value_->is_array()) return "a list of " + std::to_string(value_->size());
  std::string text = value_->dump(-1, ' ', false, json::error_handler_t::replace);
  return text.size() <= 60 ? text : text.substr(0, 57) + "...";
}

void JsonReader::fail(const std::string& message) const {
  throw ConvertError((path_.empty() ? "description" : path_) + ": " + message);
}

void JsonReader::fail_expected(const std::string& expected) const {
  fail("found " + found() + ", expected " + expected);
}

void JsonReader::allow_keys(const std::vector<std::string>& known) const {
  if (!is_object()) fail_expected("an object");
  for (const auto& item : value_->items()) {
    const std::string& key = item.key();
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    const std::string guess = nearest(key, known, 1).at(0);
    const bool plausible = edit_distance(key, guess) * 2 <= std::max(key.size(), guess.size());
    const std::string hint = plausible ? "did you mean \"" + guess + "\"?" : "known keys: " + join(known);
    throw ConvertError(child_path(key) + ": unknown key; " + hint);
  }
}

std::vector<std::string> JsonReader::keys() const {
  if (!is_object()) fail_expected("an object");
  std::vector<std::string> keys;
  for (const auto& item : value_->items()) keys.push_back(item.key());
  return keys;
}

std::optional<JsonReader> JsonReader::find(const std::string& key) const {
  if (!is_object()) fail_expected("an object");
  const auto found = value_->find(key);
  if (found == value_->end()) return std::nullopt;
  return JsonReader(*found, child_path(key));
}

JsonReader JsonReader::get(const std::string& key, const std::string& meaning) const {
  const std::optional<JsonReader> field = find(key);
  if (!field) throw ConvertError(child_path(key) + ": missing: " + meaning);
  return *field;
}

std::vector<JsonReader> JsonReader::items() const {
  if (!is_array()) fail_expected("a list");
  std::vector<JsonReader> result;
  for (size_t i = 0; i < value_->size(); ++i) {
    result.push_back(JsonReader((*value_)[i], path_ + "[" + std::to_string(i) + "]"));
  }
  return result;
}

std::vector<JsonReader> JsonReader::items_or_self() const {
  return is_array() ? items() : std::vector<JsonReader>{*this};
}

json JsonReader::copy() const { return *value_; }

bool JsonReader::is_null() const { return value_->is_null(); }

bool JsonReader::boolean() const {
  if (!value_->is_boolean()) fail_expected("true or false");
  return value_->get<bool>();
}

std::string JsonReader::text() const {
  if (!is_string()) fail_expected("a string");
  return value_->get<std::string>();
}

std::string JsonReader::string() const {
  if (text().empty()) fail("is empty, expected some text; if there is no value, leave the key out");
  return text();
}

std::optional<uint64_t> JsonReader::large_integer() const {
  const bool is_large = value_->is_number_unsigned() &&
                        value_->get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  return is_large ? std::optional(value_->get<uint64_t>()) : std::nullopt;
}

int64_t JsonReader::integer() const {
  if (!value_->is_number_integer() || large_integer()) fail_expected("a whole number of 64 bits");
  return value_->get<int64_t>();
}

size_t JsonReader::count(size_t max) const {
  const bool whole = value_->is_number_integer();
  if (!whole || (!value_->is_number_unsigned() && value_->get<int64_t>() < 0)) {
    fail_expected("a whole number, 0 or more");
  }
  const uint64_t number = value_->get<uint64_t>();
  if (number > max) fail_expected("at most " + std::to_string(max));
  return static_cast<size_t>(number);
}

double JsonReader::number() const {
  if (!value_->is_number()) fail_expected("a number");
  const double number = value_->get<double>();
  if (!std::isfinite(number)) fail_expected("a finite number");
  return number;
}

float JsonReader::real() const {
  const double value = number();
  if (std::abs(value) > static_cast<double>(std::numeric_limits<float>::max())) {
    fail_expected("a number within the range of a float");
  }
  return static_cast<float>(value);
}

size_t JsonReader::choice(const std::vector<std::string>& names) const {
  if (!is_string()) fail_expected("one of " + join(names));
  const auto found = std::find(names.begin(), names.end(), value_->get<std::string>());
  if (found == names.end()) fail_expected("one of " + join(names));
  return static_cast<size_t>(found - names.begin());
}

}  // namespace mmoe::converter
