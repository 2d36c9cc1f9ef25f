// A program's command line: its options, its --help, and errors turned into messages and exit codes.
//
//     CommandLine line("What the program does.", "mmoe-score");
//     line.add_option("MODEL", options.model, "the .mmoe file")->required();
//     line.add_option("--batch", options.batch, "rows per call [256]")->type_name("ROWS")->range(1, 1 << 20);
//     return run_tool(line, argc, argv, [&] { return score(options); });
//
// The parser behind it, CLI11, is included by command_line.cpp alone: its headers take many seconds to compile.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runtime/tools/support/error.h"

namespace CLI {
class Option;
}

namespace mmoe::tools {

constexpr int kExitOk = 0;
constexpr int kExitFailure = 1;  ///< bad input or a bad model
constexpr int kExitUsage = 2;    ///< the command line is wrong

/// One option of a CommandLine, which owns it. Every function returns the option itself, so that calls can be chained.
class Option {
 public:
  /// Must be given.
  Option* required();
  /// What --help calls the value, as "FILE"; "" shows nothing.
  Option* type_name(const std::string& name);
  /// --help lists the option under this heading.
  Option* group(const std::string& heading);

  /// The value is a whole number, or any number, from `least` to `most`.
  Option* range(long long least, long long most);
  Option* real_range(double least, double most);
  /// The value is a number that is not negative.
  Option* not_negative();
  /// The value is one of these words.
  Option* one_of(const std::vector<std::string>& words);
  /// `check` returns what is wrong with a value, or "".
  Option* check(const std::function<std::string(const std::string&)>& check);
  /// The value is replaced by what `change` returns before it is read.
  Option* transform(const std::function<std::string(std::string)>& change);

  /// A list has its elements in one argument, with this character between them.
  Option* delimiter(char character);
  /// A list takes one argument each time that the option is given, and not all that follow.
  Option* one_argument_each();
  /// Of an option that is given more than once, the last counts; otherwise it is an error.
  Option* take_last();

  /// Both given is an error.
  Option* excludes(Option* other);
  /// This option given without the other is an error.
  Option* needs(Option* other);

 private:
  friend class CommandLine;
  explicit Option(CLI::Option* option) : option_(option) {}

  CLI::Option* option_;
};

class CommandLine {
 public:
  /// --help and --version are there already.
  CommandLine(const std::string& description, const std::string& program);
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  /// Text below the options in --help.
  void footer(const std::string& text);

  /// `names`: "-o,--output", or "MODEL" for an argument without a name. `value` keeps what it has where the option is
  /// not given. T: std::string, a number, std::optional<int>, or a vector of strings or unsigned numbers.
  template <typename T>
  Option* add_option(const std::string& names, T& value, const std::string& text);

  /// An option without a value.
  Option* add_flag(const std::string& names, bool& value, const std::string& text);

  /// The option's value is one of the words; `value` gets what stands beside it.
  template <typename T>
  Option* add_choice(const std::string& names, T& value, const std::vector<std::pair<std::string, T>>& choices,
                     const std::string& text) {
    std::vector<std::string> words;
    for (const auto& choice : choices) words.push_back(choice.first);
    const auto choose = [&value, choices](const std::string& word) {
      for (const auto& choice : choices) {
        if (choice.first == word) value = choice.second;
      }
    };
    return add_function(names, choose, text)->one_of(words);
  }

 private:
  friend int run_tool(CommandLine& line, int argc, char** argv, const std::function<int()>& body);
  struct Parser;

  Option* keep(CLI::Option* option);
  Option* add_function(const std::string& names, const std::function<void(const std::string&)>& take,
                       const std::string& text);

  std::unique_ptr<Parser> parser_;
};

/// Parses the command line, and runs `body`, which returns an exit code. What either throws becomes a message on
/// standard error and an exit code: kExitUsage for UsageError and what does not parse, else kExitFailure. A closed pipe
/// exits with kExitFailure without a message.
int run_tool(CommandLine& line, int argc, char** argv, const std::function<int()>& body);

}  // namespace mmoe::tools
