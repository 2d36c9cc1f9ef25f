#include "runtime/tools/rows/npy_header.h"

#include <charconv>

#include "runtime/tools/support/error.h"

namespace mmoe::tools {
namespace {

// As much of Python's literals as numpy writes: strings, True and False, tuples of whole numbers.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  NpyHeader parse() {
    expect('{');
    while (!accept('}')) {
      parse_item();
      if (!accept(',') && peek() != '}') fail("',' or '}'");
    }
    if (seen_ != kAllSeen) fail("'descr', 'fortran_order' and 'shape'");
    return header_;
  }

 private:
  enum Seen : unsigned { kDescr = 1, kFortranOrder = 2, kShape = 4, kAllSeen = 7 };

  void parse_item() {
    const std::string key = parse_string();
    expect(':');
    if (key == "descr") {
      if (peek() == '[') throw ToolError("an array of records (a structured dtype) is not supported");
      header_.dtype = parse_string();
      seen_ |= kDescr;
    } else if (key == "fortran_order") {
      header_.fortran_order = parse_bool();
      seen_ |= kFortranOrder;
    } else if (key == "shape") {
      header_.shape = parse_shape();
      seen_ |= kShape;
    } else {
      fail("one of the keys 'descr', 'fortran_order' and 'shape'");
    }
  }

  std::string parse_string() {
    const char quote = peek();
    if (quote != '\'' && quote != '"') fail("a string");
    const std::size_t begin = position_ + 1;
    const std::size_t end = text_.find(quote, begin);
    if (end == std::string_view::npos) fail("the end of a string");
    position_ = end + 1;
    return std::string(text_.substr(begin, end - begin));
  }

  bool parse_bool() {
    if (accept_word("True")) return true;
    if (!accept_word("False")) fail("True or False");
    return false;
  }

  std::vector<std::uint64_t> parse_shape() {
    std::vector<std::uint64_t> shape;
    expect('(');
    while (!accept(')')) {
      peek();
      const char* begin = text_.data() + position_;
      std::uint64_t size = 0;
      const auto [stop, error] = std::from_chars(begin, text_.data() + text_.size(), size);
      if (error != std::errc()) fail("a size");
      position_ += static_cast<std::size_t>(stop - begin);
      shape.push_back(size);
      if (!accept(',') && peek() != ')') fail("',' or ')'");
    }
    return shape;
  }

  char peek() {
    while (position_ < text_.size() && (text_[position_] == ' ' || text_[position_] == '\n')) ++position_;
    return position_ < text_.size() ? text_[position_] : '\0';
  }

  bool accept(char c) {
    if (peek() != c) return false;
    ++position_;
    return true;
  }

  bool accept_word(std::string_view word) {
    peek();
    if (text_.substr(position_, word.size()) != word) return false;
    position_ += word.size();
    return true;
  }

  void expect(char c) {
    if (!accept(c)) fail(std::string("'") + c + "'");
  }

  [[noreturn]] void fail(const std::string& expected) const {
    throw ToolError("byte " + std::to_string(position_) + " of the array's header: expected " + expected);
  }

  std::string_view text_;
  std::size_t position_ = 0;
  NpyHeader header_;
  unsigned seen_ = 0;
};

}  // namespace

NpyHeader parse_npy_header(std::string_view text) { return Parser(text).parse(); }

}  // namespace mmoe::tools
