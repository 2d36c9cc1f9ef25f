#include "runtime/tools/command_line.h"

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <new>
#include <utility>

#ifndef MMOE_VERSION
#define MMOE_VERSION "unversioned"
#endif

namespace mmoe::tools {
namespace {

void complain(const CLI::App& app, const std::string& message) {
  std::fprintf(stderr, "%s: %s\n", app.get_name().c_str(), message.c_str());
}

int complain_of_usage(const CLI::App& app, const std::string& message) {
  complain(app, message);
  std::fprintf(stderr, "Try '%s --help'.\n", app.get_name().c_str());
  return kExitUsage;
}

}  // namespace

int run_tool(CLI::App& app, int argc, char** argv, const std::function<int()>& body) {
  std::signal(SIGPIPE, SIG_IGN);  // write() then says EPIPE, and the temporary file is removed
  try {
    app.set_version_flag("--version", app.get_name() + " " MMOE_VERSION);
    app.parse(argc, argv);
    return body();
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    return complain_of_usage(app, error.what());
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
  Result<Model> model = Model::map(path.c_str(), options);
  if (!model) throw ToolError(model.error().message());
  return std::move(*model);
}

}  // namespace mmoe::tools
