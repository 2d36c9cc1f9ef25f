#include "runtime/tools/support/input_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <charconv>
#include <filesystem>
#include <mutex>
#include <optional>
#include <set>
#include <string_view>

#include "runtime/tools/support/error.h"
#include "runtime/tools/support/printable.h"
#include "runtime/tools/support/temporary_file.h"

namespace mmoe::tools {
namespace {

struct Identity {
  dev_t device;
  ino_t inode;
  std::string name;  // of a file that is not there: in the folder that device and inode say
};

bool operator==(const Identity& a, const Identity& b) {
  return a.device == b.device && a.inode == b.inode && a.name == b.name;
}

// Devices, pipes and sockets may be read and written at once.
std::optional<Identity> identity_of(const struct stat& status) {
  if (!S_ISREG(status.st_mode)) return std::nullopt;
  return Identity{status.st_dev, status.st_ino, ""};
}

std::optional<Identity> identity_of(const std::string& path) {
  struct stat status;
  if (stat(path.c_str(), &status) == 0) return identity_of(status);
  const std::string target = follow_links(path);
  const std::string name = target.substr(target.rfind('/') + 1);
  if (name.empty() || stat(folder_of(target).c_str(), &status) != 0) return std::nullopt;
  return Identity{status.st_dev, status.st_ino, name};
}

std::optional<Identity> identity_of(int descriptor) {
  struct stat status;
  if (fstat(descriptor, &status) != 0) return std::nullopt;
  return identity_of(status);
}

std::optional<Identity> output_identity(const std::string& path) {
  const int descriptor = descriptor_named(path);
  return descriptor >= 0 ? identity_of(descriptor) : identity_of(path);
}

std::optional<Identity> input_identity(const std::string& path) {
  return path == "-" ? identity_of(STDIN_FILENO) : identity_of(path);
}

bool are_same(const std::optional<Identity>& a, const std::optional<Identity>& b) { return a && b && *a == *b; }

struct Inputs {
  std::mutex mutex;
  std::set<std::string> paths;
};

Inputs& inputs() {
  static Inputs all;
  return all;
}

bool are_one_pipe(const std::string& a, const std::string& b) {
  struct stat first, second;
  return stat(a.c_str(), &first) == 0 && stat(b.c_str(), &second) == 0 && S_ISFIFO(first.st_mode) &&
         first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

// Two outputs on one descriptor or pipe would be mixed. A device such as /dev/null may be named twice.
bool are_one_output(const std::string& a, const std::string& b) {
  const int first = descriptor_named(a), second = descriptor_named(b);
  return (first >= 0 && first == second) || are_one_pipe(a, b) || are_same(output_identity(a), output_identity(b));
}

// Of a descriptor that is not open yet, this process would soon make an input's or another output's.
void check_is_open(const NamedFile& output) {
  const int descriptor = descriptor_named(output.path);
  if (descriptor > STDERR_FILENO && fcntl(descriptor, F_GETFD) == -1) {
    throw UsageError(output.option + ": " + output.path + ": there is no such descriptor; redirect it to a file");
  }
}

}  // namespace

std::string follow_links(const std::string& path) {
  namespace fs = std::filesystem;
  constexpr int kMaxLinks = 40;  // as Linux
  fs::path at = path;
  std::error_code error;
  for (int i = 0; i < kMaxLinks && fs::is_symlink(fs::symlink_status(at, error)); ++i) {
    const fs::path target = fs::read_symlink(at, error);
    if (error) break;
    at = at.parent_path() / target;  // an absolute one replaces all
  }
  return at.string();
}

int descriptor_named(const std::string& path) {
  if (path == "-" || path == "/dev/stdout") return STDOUT_FILENO;
  if (path == "/dev/stderr") return STDERR_FILENO;
  for (const std::string_view folder : {"/dev/fd/", "/proc/self/fd/"}) {
    if (path.compare(0, folder.size(), folder) != 0) continue;
    int number = -1;
    const char* end = path.data() + path.size();
    const auto [stop, error] = std::from_chars(path.data() + folder.size(), end, number);
    if (error == std::errc() && stop == end) return number;
  }
  return -1;
}

bool is_same_file(const std::string& a, const std::string& b) {
  return a != "-" && b != "-" && are_same(identity_of(a), identity_of(b));
}

void note_input(const std::string& path) {
  std::error_code error;
  const std::string absolute = std::filesystem::absolute(path, error).string();
  const std::lock_guard lock(inputs().mutex);
  inputs().paths.insert(error ? path : absolute);
}

void check_not_read(const std::string& output) {
  const std::optional<Identity> identity = output_identity(output);
  if (!identity) return;
  const std::lock_guard lock(inputs().mutex);
  for (const std::string& path : inputs().paths) {
    if (are_same(identity, identity_of(path))) {
      throw ToolError(output + ": this output is also an input, " + printable(path) +
                      ", which it would replace; name another file");
    }
  }
}

void check_outputs(const std::vector<NamedFile>& outputs, const std::vector<NamedFile>& inputs) {
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const NamedFile& output = outputs[i];
    if (output.path.empty()) continue;
    check_is_open(output);
    for (const NamedFile& input : inputs) {
      const bool same = !input.path.empty() && are_same(output_identity(output.path), input_identity(input.path));
      if (same) throw UsageError(output.option + ": that file " + input.is);
    }
    for (std::size_t other = 0; other < i; ++other) {
      if (outputs[other].path.empty() || !are_one_output(output.path, outputs[other].path)) continue;
      if (descriptor_named(output.path) != STDOUT_FILENO) {
        throw UsageError(output.option + ": that file " + outputs[other].is);
      }
      throw UsageError(output.option + ": standard output " + outputs[other].is + "; name a file for one of them");
    }
  }
}

}  // namespace mmoe::tools
