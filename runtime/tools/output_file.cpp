#include "runtime/tools/output_file.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/tools/error.h"

namespace mmoe::tools {
namespace {

constexpr std::size_t kBufferBytes = 64 * 1024;
constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};

// What the signal handler removes; it can only reach globals.
struct Guarded {
  char path[4096];
  volatile std::sig_atomic_t there = 0;
};
Guarded g_guarded[OutputFile::kMaxFiles];

extern "C" void remove_temporaries_and_die(int signal) {
  for (const Guarded& guarded : g_guarded) {
    if (guarded.there) unlink(guarded.path);
  }
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

void guard(const std::string& temporary) {
  if (temporary.size() >= sizeof Guarded::path) return;
  for (Guarded& guarded : g_guarded) {
    if (guarded.there) continue;
    std::memcpy(guarded.path, temporary.c_str(), temporary.size() + 1);
    guarded.there = 1;
    break;
  }
  for (const int signal : kSignals) {
    if (std::signal(signal, remove_temporaries_and_die) == SIG_IGN) std::signal(signal, SIG_IGN);  // nohup
  }
}

void unguard(const std::string& temporary) {
  for (Guarded& guarded : g_guarded) {
    if (guarded.there && temporary == guarded.path) guarded.there = 0;
  }
}

// Renaming onto a symbolic link would replace the link and leave its target as it was.
std::string follow_links(const std::string& path) {
  std::error_code error;
  const std::filesystem::path target = std::filesystem::weakly_canonical(path, error);
  return error ? path : target.string();
}

}  // namespace

OutputFile::OutputFile(const std::string& path) : path_(path), descriptor_(STDOUT_FILENO) {
  if (path == "-") {
    path_ = "standard output";
    return;
  }
  struct stat status;
  const bool exists = stat(path.c_str(), &status) == 0;
  if (exists && !S_ISREG(status.st_mode)) {
    descriptor_ = open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (descriptor_ < 0) fail();
    return;
  }
  path_ = follow_links(path);
  open_temporary();
  if (exists && fchmod(descriptor_, status.st_mode & 0777) != 0) fail();
}

void OutputFile::open_temporary() {
  temporary_ = path_ + ".tmp" + std::to_string(getpid());
  guard(temporary_);  // first: a signal between the two must not leave the file
  descriptor_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor_ >= 0) return;
  unguard(temporary_);
  temporary_.clear();
  fail();
}

OutputFile::~OutputFile() {
  if (descriptor_ > STDOUT_FILENO) close(descriptor_);
  if (!temporary_.empty()) unlink(temporary_.c_str());
  unguard(temporary_);
}

void OutputFile::fail() const { throw ToolError(path_ + ": " + std::strerror(errno)); }

void OutputFile::write(std::string_view bytes) {
  buffer_ += bytes;
  if (buffer_.size() >= kBufferBytes) flush();
}

void OutputFile::flush() {
  std::string_view rest = buffer_;
  while (!rest.empty()) {
    const ssize_t written = ::write(descriptor_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EPIPE) throw BrokenPipe();
    if (written < 0) fail();
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  buffer_.clear();
}

void OutputFile::commit() {
  flush();
  if (temporary_.empty()) return;
  if (fsync(descriptor_) != 0) fail();
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) fail();
  unguard(temporary_);
  temporary_.clear();
}

bool is_same_file(const std::string& a, const std::string& b) {
  std::error_code error;
  // Absolute: of a relative path of which nothing exists weakly_canonical leaves "./" as it is.
  const auto absolute = [&](const std::string& path) {
    return std::filesystem::weakly_canonical(std::filesystem::absolute(path, error), error);
  };
  return absolute(a) == absolute(b) || (std::filesystem::equivalent(a, b, error) && !error);
}

}  // namespace mmoe::tools
