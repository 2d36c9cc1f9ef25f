#include "converter/reading/key_lines.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace mmoe::converter {
namespace {

bool begins_with(std::string_view text, std::string_view beginning) {
  return text.substr(0, beginning.size()) == beginning;
}

}  // namespace

KeyLines split_lines(const JsonReader& field, SharedBytes file) {
  std::string_view& text = file.bytes;
  if (begins_with(text, "\xff\xfe") || begins_with(text, "\xfe\xff")) field.fail("the file is UTF-16, expected UTF-8");
  KeyLines lines;
  lines.had_mark = begins_with(text, "\xef\xbb\xbf");
  if (lines.had_mark) text.remove_prefix(3);
  const size_t first_end = text.find('\n');
  const bool returns = first_end != text.npos && first_end > 0 && text[first_end - 1] == '\r';
  std::vector<uint64_t> starts{0};
  starts.reserve(static_cast<size_t>(std::count(text.begin(), text.end(), '\n')) + 2);
  const size_t gap = returns ? 2 : 1;
  for (size_t at = 0; at < text.size(); at = static_cast<size_t>(starts.back())) {
    const size_t end = text.find('\n', at);
    if (returns && end != text.npos && (end == at || text[end - 1] != '\r')) {
      field.fail("line " + std::to_string(starts.size()) + " ends in LF, the first line in CRLF");
    }
    starts.push_back(end == text.npos ? text.size() + gap : end + 1);
  }
  lines.keys = StringList(std::move(file), std::move(starts), gap);
  return lines;
}

}  // namespace mmoe::converter
