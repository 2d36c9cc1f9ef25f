#include "runtime/tools/support/printable.h"

#include <cstdint>
#include <cstdio>

#include "runtime/tools/support/utf8.h"

namespace mmoe::tools {
namespace {

struct Range {
  char32_t first, last;
};

// Unicode's Cc, Zl, Zp, Cf and Co, and what else has no width of its own.
constexpr Range kEscaped[] = {
    {0x0000, 0x001f},   {0x007f, 0x009f},  // controls
    {0x00ad, 0x00ad},                      // soft hyphen
    {0x034f, 0x034f},                      // combining grapheme joiner
    {0x0600, 0x0605},   {0x061c, 0x061c},   {0x06dd, 0x06dd},   {0x070f, 0x070f},
    {0x08e2, 0x08e2},   {0x115f, 0x1160},  // Hangul fillers
    {0x180b, 0x180f},                      // Mongolian selectors and vowel separator
    {0x200b, 0x200f},                      // zero width, marks of direction
    {0x2028, 0x202e},                      // line and paragraph separator, bidirectional embeddings and overrides
    {0x2060, 0x206f},                      // word joiner, invisible operators, bidirectional isolates
    {0x3164, 0x3164},   {0xe000, 0xf8ff},   {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},
    {0xffa0, 0xffa0},   {0xfff0, 0xfffb},  // interlinear annotation
    {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff}, {0xf0000, 0x10ffff},
};

bool is_escaped(char32_t code) {
  for (const Range& range : kEscaped) {
    if (code >= range.first && code <= range.last) return true;
  }
  return false;
}

void append_hex(std::string& out, const char* format, std::uint32_t number) {
  char text[16];
  std::snprintf(text, sizeof text, format, number);
  out += text;
}

void append_escape(std::string& out, char32_t code) {
  const bool control = code < 0x20 || code == 0x7f;
  append_hex(out, control ? "\\x%02x" : code < 0x10000 ? "\\u%04x" : "\\U%08x", code);
}

void append_json_escape(std::string& out, char32_t code) {
  if (code < 0x10000) return append_hex(out, "\\u%04x", code);
  append_hex(out, "\\u%04x", 0xd800 + ((code - 0x10000) >> 10));
  append_hex(out, "\\u%04x", 0xdc00 + ((code - 0x10000) & 0x3ff));
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Character character = first_character(text);
    if (character.code == kNoCharacter) {
      append_hex(out, "\\x%02x", static_cast<unsigned char>(text[0]));
    } else if (is_escaped(character.code)) {
      append_escape(out, character.code);
    } else {
      out += text.substr(0, character.bytes);
    }
    text.remove_prefix(character.bytes);
  }
  return out;
}

std::string printable_in_quotes(std::string_view text, std::size_t max_bytes) {
  std::size_t shown = text.size() > max_bytes ? max_bytes : text.size();
  for (int i = 0; i < 3 && shown > 0 && continues_character(text, shown); ++i) --shown;
  return "'" + printable(text.substr(0, shown)) + (shown < text.size() ? "…'" : "'");
}

std::string printable_json(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  while (!json.empty()) {
    const Character character = first_character(json);
    // Below 0x20 there is the white space between JSON's values alone: within strings it is escaped already.
    if (character.code != kNoCharacter && character.code >= 0x7f && is_escaped(character.code)) {
      append_json_escape(out, character.code);
    } else {
      out += json.substr(0, character.bytes);
    }
    json.remove_prefix(character.bytes);
  }
  return out;
}

}  // namespace mmoe::tools
