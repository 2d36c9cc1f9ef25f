#include "runtime/tools/support/command_line.h"

#include <fcntl.h>
#include <unistd.h>
#include <CLI/CLI.hpp>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <new>
#include <optional>

#include "runtime/tools/support/printable.h"

#ifndef MMOE_VERSION
#define MMOE_VERSION "unversioned"
#endif

namespace mmoe::tools {
namespace {

void complain(const CLI::App& app, const std::string& message) {
  // Names of files and in them are everywhere in messages: whoever forgot to make one printable, it is done here.
  std::fprintf(stderr, "%s: %s\n", app.get_name().c_str(), printable(message).c_str());
}

int complain_of_usage(const CLI::App& app, const std::string& message) {
  complain(app, message);
  std::fprintf(stderr, "Try '%s --help'.\n", app.get_name().c_str());
  return kExitUsage;
}

// A file that is opened must not become descriptor 0, 1 or 2, or what is printed is written into it. Those that are
// closed get /dev/null, opened so that using them still fails: output that nobody gets must not look like a success.
void hold_standard_descriptors() {
  for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; ++descriptor) {
    if (fcntl(descriptor, F_GETFD) != -1 || errno != EBADF) continue;
    const int opened = open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY);
    if (opened != descriptor && opened >= 0) close(opened);
  }
}

// --help, --version
int show_help(const CLI::App& app, const CLI::ParseError& error) {
  errno = 0;
  app.exit(error);
  if (std::cout.flush()) return kExitOk;
  if (errno != EPIPE) complain(app, std::string("standard output: ") + std::strerror(errno));
  return kExitFailure;
}

}  // namespace

struct CommandLine::Parser {
  CLI::App app;
  std::vector<std::unique_ptr<Option>> options;
};

namespace {

// --help shows what the option's own text says of its values, and not the parser's words for the check.
CLI::Validator silent(CLI::Validator check) { return check.description(""); }

}  // namespace

CommandLine::CommandLine(const std::string& description, const std::string& program)
    : parser_(new Parser{CLI::App(description, program), {}}) {}

CommandLine::~CommandLine() = default;

void CommandLine::footer(const std::string& text) { parser_->app.footer(text); }

Option* CommandLine::keep(CLI::Option* option) {
  parser_->options.emplace_back(new Option(option));
  return parser_->options.back().get();
}

template <typename T>
Option* CommandLine::add_option(const std::string& names, T& value, const std::string& text) {
  return keep(parser_->app.add_option(names, value, text));
}
template Option* CommandLine::add_option(const std::string&, std::string&, const std::string&);
template Option* CommandLine::add_option(const std::string&, int&, const std::string&);
template Option* CommandLine::add_option(const std::string&, unsigned&, const std::string&);
template Option* CommandLine::add_option(const std::string&, unsigned long&, const std::string&);
template Option* CommandLine::add_option(const std::string&, unsigned long long&, const std::string&);
template Option* CommandLine::add_option(const std::string&, float&, const std::string&);
template Option* CommandLine::add_option(const std::string&, double&, const std::string&);
template Option* CommandLine::add_option(const std::string&, std::optional<int>&, const std::string&);
template Option* CommandLine::add_option(const std::string&, std::vector<std::string>&, const std::string&);
template Option* CommandLine::add_option(const std::string&, std::vector<std::size_t>&, const std::string&);

Option* CommandLine::add_flag(const std::string& names, bool& value, const std::string& text) {
  return keep(parser_->app.add_flag(names, value, text));
}

Option* CommandLine::add_function(const std::string& names, const std::function<void(const std::string&)>& take,
                                  const std::string& text) {
  return keep(parser_->app.add_option_function<std::string>(names, take, text));
}

Option* Option::required() { return option_->required(), this; }
Option* Option::type_name(const std::string& name) { return option_->type_name(name), this; }
Option* Option::group(const std::string& heading) { return option_->group(heading), this; }
Option* Option::range(long long least, long long most) { return option_->check(silent(CLI::Range(least, most))), this; }
Option* Option::real_range(double least, double most) { return option_->check(silent(CLI::Range(least, most))), this; }
Option* Option::not_negative() { return option_->check(silent(CLI::NonNegativeNumber)), this; }
Option* Option::one_of(const std::vector<std::string>& words) {
  return option_->check(silent(CLI::IsMember(words))), this;
}
Option* Option::check(const std::function<std::string(const std::string&)>& check) {
  return option_->check(check), this;
}
Option* Option::transform(const std::function<std::string(std::string)>& change) {
  return option_->transform(change, ""), this;
}
Option* Option::delimiter(char character) { return option_->delimiter(character), this; }
Option* Option::one_argument_each() { return option_->allow_extra_args(false), this; }
Option* Option::take_last() { return option_->multi_option_policy(CLI::MultiOptionPolicy::TakeLast), this; }
Option* Option::excludes(Option* other) { return option_->excludes(other->option_), this; }
Option* Option::needs(Option* other) { return option_->needs(other->option_), this; }

int run_tool(CommandLine& line, int argc, char** argv, const std::function<int()>& body) {
  hold_standard_descriptors();
  // write() then says why it failed, and the temporary file is removed.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  CLI::App& app = line.parser_->app;
  try {
    app.set_version_flag("--version", app.get_name() + " " MMOE_VERSION);
    app.parse(argc, argv);
    return body();
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != 0) return complain_of_usage(app, error.what());
    return show_help(app, error);
  } catch (const UsageError& error) {
    return complain_of_usage(app, error.what());
  } catch (const BrokenPipe&) {
    return kExitFailure;
  } catch (const std::bad_alloc&) {
    complain(app, "out of memory");
    return kExitFailure;
  } catch (const std::exception& error) {
    complain(app, error.what());
    return kExitFailure;
  }
}

}  // namespace mmoe::tools
