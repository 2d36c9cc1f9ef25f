#include "converter/reading/vocabulary_keys.h"

#include <charconv>
#include <limits>
#include <optional>
#include <utility>

#include "converter/error.h"
#include "converter/reading/key_lines.h"
#include "converter/reading/key_order.h"
#include "converter/reading/text.h"
#include "runtime/tools/support/utf8.h"

namespace mmoe::converter {
namespace {

constexpr std::string_view kBlanks = " \t\r";
constexpr std::string_view kMark = "\xef\xbb\xbf";

// Where an entry stands: lines count from 1, entries of a list from 0.
struct Places {
  bool is_file;
  std::string of(size_t index) const {
    return is_file ? "line " + std::to_string(index + 1) : "entry " + std::to_string(index);
  }
  std::string of(size_t first, size_t second) const {
    return is_file ? "in lines " + std::to_string(first + 1) + " and " + std::to_string(second + 1)
                   : "as entries " + std::to_string(first) + " and " + std::to_string(second);
  }
};

// How many entries something is true of, and the first of them.
class Counted {
 public:
  void add(bool is_so, size_t index) {
    if (!is_so) return;
    if (count_++ == 0) first_ = index;
  }
  void note(const JsonReader& field, const Places& places, const std::string& what,
            std::vector<std::string>& notes) const {
    if (count_ == 0) return;
    notes.push_back(field.path() + ": " + what + ": " + std::to_string(count_) +
                    (count_ == 1 ? " key, " : " keys, the first is ") + places.of(first_));
  }

 private:
  size_t count_ = 0, first_ = 0;
};

void note_texts(const JsonReader& field, const Places& places, const StringList& keys,
                std::vector<std::string>& notes) {
  Counted not_utf8, blanks, marks;
  for (size_t i = 0; i < keys.size(); ++i) {
    const std::string_view key = keys[i];
    not_utf8.add(!tools::is_utf8(key), i);
    if (key.empty()) continue;
    blanks.add(kBlanks.find(key.front()) != kBlanks.npos || kBlanks.find(key.back()) != kBlanks.npos, i);
    marks.add(key.substr(0, kMark.size()) == kMark, i);
  }
  not_utf8.note(field, places, "not UTF-8; rows must have the same bytes", notes);
  blanks.note(field, places, "blanks at an end; they belong to the key", notes);
  marks.note(field, places, "a byte order mark at the beginning; it belongs to the key", notes);
}

// Signed or unsigned ones of 64 bits: the whole list is of one type.
class IntegerList {
 public:
  void add(int64_t value) {
    if (value < 0 && !negative_) negative_ = values_.size();
    values_.push_back(value);
  }
  void add_large(uint64_t value) {
    if (!large_) large_ = values_.size();
    values_.push_back(static_cast<int64_t>(value));
  }
  void move_to(const JsonReader& field, const Places& places, Vocabulary& vocabulary) {
    if (negative_ && large_) {
      field.fail(places.of(*negative_) + " is negative and " + places.of(*large_) +
                 " is 2^63 or more: no integers of 64 bits have both");
    }
    vocabulary.unsigned_keys = large_.has_value();
    vocabulary.keys = std::move(values_);
  }

 private:
  std::vector<int64_t> values_;
  std::optional<size_t> negative_, large_;  // the first of them
};

void parse_line(const JsonReader& field, const Places& places, std::string_view text, size_t index, IntegerList& list) {
  const size_t begin = std::min(text.find_first_not_of(kBlanks), text.size());
  text = text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
  const char* end = text.data() + text.size();
  int64_t value = 0;
  if (const auto [at, error] = std::from_chars(text.data(), end, value); error == std::errc() && at == end) {
    return list.add(value);
  }
  uint64_t large = 0;
  if (const auto [at, error] = std::from_chars(text.data(), end, large); error == std::errc() && at == end) {
    return list.add_large(large);
  }
  field.fail(places.of(index) + ": expected a whole number of 64 bits, found " +
             join({std::string(text.substr(0, 60))}));
}

void read_file(const JsonReader& field, const Places& places, KeySources& sources, Vocabulary& vocabulary) {
  field.allow_keys({"file", "type", "join", "separator", "mask"});
  const JsonReader name = field.get("file", "a file with a key in each line");
  if (!sources.open) name.fail("a description that is not in a file has none beside it");
  SharedBytes file;
  try {
    file = sources.open(name.string());
  } catch (const ConvertError& error) {
    name.fail(error.what());
  }
  KeyLines lines = split_lines(name, std::move(file));
  if (lines.had_mark)
    sources.notes.push_back(name.path() + ": the file begins with a byte order mark, which is left out");
  const auto type = field.find("type");
  if (!type || type->choice({"strings", "integers"}) == 0) {
    note_texts(name, places, lines.keys, sources.notes);
    vocabulary.keys = std::move(lines.keys);
    return;
  }
  IntegerList list;
  for (size_t i = 0; i < lines.keys.size(); ++i) parse_line(name, places, lines.keys[i], i, list);
  list.move_to(name, places, vocabulary);
}

void read_list(const JsonReader& field, const Places& places, KeySources& sources, Vocabulary& vocabulary) {
  const std::vector<JsonReader> items = field.items();
  if (items.empty()) field.fail_expected("at least one entry");
  if (items.front().is_string()) {
    std::vector<std::string> keys;
    for (const JsonReader& item : items) {
      if (!item.is_string()) item.fail_expected("a string, as the first entry is");
      keys.push_back(item.text());
    }
    StringList strings(keys);
    note_texts(field, places, strings, sources.notes);
    vocabulary.keys = std::move(strings);
    return;
  }
  IntegerList list;
  for (const JsonReader& item : items) {
    const std::optional<uint64_t> large = item.large_integer();
    large ? list.add_large(*large) : list.add(item.integer());
  }
  list.move_to(field, places, vocabulary);
}

std::string key_text(const Vocabulary& vocabulary, size_t index) {
  if (const auto* strings = std::get_if<StringList>(&vocabulary.keys)) {
    return "\"" + std::string((*strings)[index]) + "\"";
  }
  const int64_t key = std::get<std::vector<int64_t>>(vocabulary.keys)[index];
  return vocabulary.unsigned_keys ? std::to_string(static_cast<uint64_t>(key)) : std::to_string(key);
}

void check_keys(const JsonReader& field, const Places& places, const Vocabulary& vocabulary) {
  const KeyOrder order = order_keys(vocabulary);
  if (const auto duplicate = find_duplicate(vocabulary, order)) {
    field.fail(key_text(vocabulary, duplicate->first) + " twice, " + places.of(duplicate->second, duplicate->first));
  }
  try {
    check_buckets(order);
  } catch (const ConvertError& error) {
    field.fail(error.what());
  }
}

}  // namespace

void read_keys(const JsonReader& field, KeySources& sources, Vocabulary& vocabulary) {
  const auto list = field.is_object() ? field.find("list") : std::nullopt;
  const Places places{field.is_object() && !list};
  if (list) field.allow_keys({"list", "join", "separator", "mask"});
  places.is_file ? read_file(field, places, sources, vocabulary)
                 : read_list(list ? *list : field, places, sources, vocabulary);
  vocabulary.size = num_keys(vocabulary);
  constexpr size_t kMostKeys = std::numeric_limits<uint32_t>::max();
  if (vocabulary.size == 0 || vocabulary.size >= kMostKeys) field.fail("expected 1 to 2^32 - 2 keys");
  check_keys(field, places, vocabulary);
}

}  // namespace mmoe::converter
