#include "converter/importers/child_process.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <new>
#include <string>
#include <system_error>

#include "converter/error.h"
#include "converter/importers/descriptor.h"

#if defined(__has_feature)
#define MMOE_HAS_FEATURE(name) __has_feature(name)
#else
#define MMOE_HAS_FEATURE(name) 0
#endif

namespace mmoe::converter {
namespace {

#if defined(__SANITIZE_ADDRESS__) || MMOE_HAS_FEATURE(address_sanitizer)
constexpr bool kUnderSanitizer = true;
#else
constexpr bool kUnderSanitizer = false;
#endif

constexpr char kSucceeded = 'K';
constexpr char kRefused = 'R';  // a ConvertError's message follows

[[noreturn]] void fail(const std::string& what) {
  throw ConvertError(what + ": " + std::generic_category().message(errno));
}

// ---------------------------------------------------------------------------------------- in the child

void limit(decltype(RLIMIT_CPU) resource, uint64_t value) {
  const rlimit both = {value, value};
  ::setrlimit(resource, &both);
}

/// Data, stack and heap of this process so far, in bytes.
uint64_t data_bytes() {
  unsigned long long pages[6] = {};  // of /proc/self/statm: the sixth
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr) return 0;
  size_t count = 0;
  while (count < 6 && std::fscanf(file, "%llu", &pages[count]) == 1) ++count;
  std::fclose(file);
  return count == 6 ? pages[5] * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE)) : 0;
}

void apply(const ChildLimits& limits) {
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_CPU, limits.cpu_seconds);
  limit(RLIMIT_FSIZE, limits.output_bytes);
  if (!kUnderSanitizer) limit(RLIMIT_DATA, data_bytes() + limits.memory_bytes);
}

/// What the parent does on a signal is not the child's business; its last words are not the user's.
void detach_from_parent() {
  for (const int signal : {SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE, SIGALRM, SIGXCPU, SIGINT, SIGTERM}) {
    std::signal(signal, SIG_DFL);
  }
  std::signal(SIGXFSZ, SIG_IGN);  // write() says so instead
  const int null = ::open("/dev/null", O_WRONLY);
  if (null >= 0) ::dup2(null, STDERR_FILENO);
}

void report(int fd, const std::string& message) {
  constexpr size_t kLongest = 4096;  // what a pipe takes without anybody reading
  const ssize_t written = ::write(fd, message.data(), std::min(message.size(), kLongest));
  static_cast<void>(written);
}

[[noreturn]] void be_child(const std::function<void(ChildSink&)>& work, const ChildLimits& limits, ScratchFile& output,
                           int pipe) {
  detach_from_parent();
  apply(limits);
  try {
    ChildSink sink(output);
    work(sink);
    report(pipe, std::string(1, kSucceeded));
  } catch (const std::bad_alloc&) {
    report(pipe, kRefused + std::string("needs more memory than a file of this size should"));
  } catch (const std::exception& error) {
    report(pipe, kRefused + std::string(error.what()));
  }
  ::_exit(0);
}

// ---------------------------------------------------------------------------------------- in the parent

std::string read_report(int fd) {
  std::string text;
  char block[4096];
  for (;;) {
    const ssize_t count = ::read(fd, block, sizeof block);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return text;
    text.append(block, static_cast<size_t>(count));
  }
}

int wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return 0;
  }
  return status;
}

std::string how_it_died(int status) {
  if (!WIFSIGNALED(status)) return "failed on it";
  const int signal = WTERMSIG(status);
  if (signal == SIGXCPU || signal == SIGKILL) return "took too long for a file of this size";
  return "crashed on it (signal " + std::to_string(signal) + ")";
}

}  // namespace

ScratchFile run_in_child(const std::function<void(ChildSink&)>& work, const ChildLimits& limits,
                         uint64_t expected_bytes, std::string_view what) {
  ScratchFile output(expected_bytes);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) fail("no pipe to a child process");
  const Descriptor reading(ends[0]);
  Descriptor writing(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) fail("no child process");
  if (child == 0) be_child(work, limits, output, writing.get());
  writing.close();
  const std::string report = read_report(reading.get());
  const int status = wait_for(child);
  if (!report.empty() && report[0] == kRefused) throw ConvertError(report.substr(1));
  if (report != std::string(1, kSucceeded)) {
    throw ConvertError(std::string(what) + " " + how_it_died(status) + ": the file is damaged");
  }
  return output;
}

}  // namespace mmoe::converter
