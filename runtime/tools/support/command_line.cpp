#include "runtime/tools/support/command_line.h"

#include <CLI/CLI.hpp>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <iostream>
#include <new>
#include <unistd.h>
#include <utility>

#include "runtime/tools/support/input_files.h"
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

int run_tool(CLI::App& app, int argc, char** argv, const std::function<int()>& body) {
  hold_standard_descriptors();
  // write() then says why it failed, and the temporary file is removed.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
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

Model map_model(const std::string& path, const LoadOptions& options) {
  note_input(path);
  Result<Model> model = Model::map(path.c_str(), options);
  if (!model) throw ToolError(model.error().message());
  return std::move(*model);
}

}  // namespace mmoe::tools
