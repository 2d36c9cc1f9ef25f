#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "runtime/tools/support/printable.h"
#include "runtime/tools/support/text.h"

namespace mmoe::tools {
namespace {

TEST_CASE("text that is printable is left alone") {
  for (const char* text : {"", "towers.0.weight", "C:\\models\\x", "Zoë", "特征", "ключ", "ปี", "😀", "é", "a b~"}) {
    CHECK(printable(text) == text);
  }
}

TEST_CASE("what drives a terminal or reorders text is escaped") {
  CHECK(printable("\x1b[2Jx\n\r\t\x07\x7f") == "\\x1b[2Jx\\x0a\\x0d\\x09\\x07\\x7f");
  CHECK(printable(std::string(1, '\0')) == "\\x00");
  CHECK(printable("\xc2\x9b"
                  "31m") == "\\u009b31m");                    // CSI in one character
  CHECK(printable("\xc2\x85\xc2\xa0") == "\\u0085\xc2\xa0");  // a no-break space is a space
  CHECK(printable("a\u202eb\u202c\u2066c\u2069") == "a\\u202eb\\u202c\\u2066c\\u2069");
  CHECK(printable("\u200b\u200d\u200f\u2028\u2060\ufeff\u00ad\u061c\u180e") ==
        "\\u200b\\u200d\\u200f\\u2028\\u2060\\ufeff\\u00ad\\u061c\\u180e");
  CHECK(printable("\U000e0041\U0010fffd") == "\\U000e0041\\U0010fffd");
}

TEST_CASE("what is not UTF-8 is escaped byte by byte") {
  CHECK(printable("\x9b"
                  "x") == "\\x9bx");
  CHECK(printable("caf\xe9") == "caf\\xe9");
  CHECK(printable("\xc0\x80") == "\\xc0\\x80");  // overlong
  CHECK(printable("\xe0\x80\xaf") == "\\xe0\\x80\\xaf");
  CHECK(printable("\xed\xa0\x80") == "\\xed\\xa0\\x80");           // a surrogate
  CHECK(printable("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");  // beyond Unicode
  CHECK(printable("\xe2\x80") == "\\xe2\\x80");                    // cut
  CHECK(printable("\xe2\x80\x1b") == "\\xe2\\x80\\x1b");
  CHECK(printable("\xff\xfe") == "\\xff\\xfe");
}

TEST_CASE("every two bytes give text that is printable already") {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string shown = printable(std::string{static_cast<char>(first), static_cast<char>(second)});
      for (const char c : shown) CHECK(static_cast<unsigned char>(c) >= 0x20);
      CHECK(printable(shown) == shown);
    }
  }
}

TEST_CASE("quotes, and a cut between characters") {
  CHECK(printable_in_quotes("a\x1b", 10) == "'a\\x1b'");
  CHECK(printable_in_quotes("aéé", 4) == "'aé…'");
  CHECK(printable_in_quotes("aé", 3) == "'aé'");
  CHECK(quoted("\xc2\x9b") == "'\\u009b'");
  CHECK(join({"a\x1b", "b"}) == "a\\x1b, b");
  CHECK(join({std::string(1000, 'x')}).size() < 200);
}

TEST_CASE("JSON stays JSON and means the same") {
  const std::string name = "\x1b[0m\u009b\u202e\U000e0041 \"quoted\" \\ Zoë";
  const nlohmann::json value = {{"name", name}};
  const std::string shown = printable_json(value.dump(2));
  CHECK(shown.find("\u202e") == std::string::npos);
  CHECK(shown.find("\\u202e") != std::string::npos);
  CHECK(shown.find("\\udb40\\udc41") != std::string::npos);
  CHECK(shown.find("Zoë") != std::string::npos);
  CHECK(nlohmann::json::parse(shown) == value);
}

}  // namespace
}  // namespace mmoe::tools
