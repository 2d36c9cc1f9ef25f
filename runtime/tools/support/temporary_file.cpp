#include "runtime/tools/support/temporary_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <random>
#include <string_view>
#include <system_error>

namespace mmoe::tools {
namespace {

constexpr std::string_view kMark = ".mmoe-";
constexpr std::string_view kEnd = ".tmp";
constexpr std::size_t kDigits = 16;
constexpr std::size_t kMaxNameBytes = 200;  // of the target's: file systems take 255 in all
constexpr int kMaxAttempts = 100;

[[noreturn]] void fail() { throw std::system_error(errno, std::generic_category()); }

// ---------------------------------------------------------------------------------------- removed by a signal

constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGXCPU};

// What the signal handler removes; it can only reach globals.
struct Guarded {
  char path[4096];
  volatile std::sig_atomic_t there = 0;
  volatile pid_t owner = 0;  // a child that fork() made leaves it to its parent
};
Guarded g_guarded[TemporaryFile::kMaxGuarded];

extern "C" void remove_temporaries_and_die(int signal) {
  for (const Guarded& guarded : g_guarded) {
    if (guarded.there && guarded.owner == getpid()) unlink(guarded.path);
  }
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

void guard(const std::string& path) {
  if (path.size() >= sizeof Guarded::path) return;
  for (Guarded& guarded : g_guarded) {
    if (guarded.there) continue;
    std::memcpy(guarded.path, path.c_str(), path.size() + 1);
    guarded.owner = getpid();
    std::atomic_signal_fence(std::memory_order_seq_cst);
    guarded.there = 1;
    break;
  }
  for (const int signal : kSignals) {
    if (std::signal(signal, remove_temporaries_and_die) == SIG_IGN) std::signal(signal, SIG_IGN);  // nohup
  }
}

void unguard(const std::string& path) {
  for (Guarded& guarded : g_guarded) {
    if (guarded.there && path == guarded.path) guarded.there = 0;
  }
}

// ------------------------------------------------------------------------------------------------- its name

std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::string beginning_of_name(const std::string& target) {
  return name_of(target).substr(0, kMaxNameBytes) + std::string(kMark);
}

std::string random_digits() {
  std::random_device random;
  std::uint64_t number = random();
  number = number << 32 | random();
  char text[kDigits + 1];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(number));
  return text;
}

bool is_temporary_of(std::string_view name, std::string_view beginning) {
  if (name.size() != beginning.size() + kDigits + kEnd.size()) return false;
  if (name.substr(0, beginning.size()) != beginning || name.substr(name.size() - kEnd.size()) != kEnd) return false;
  return name.substr(beginning.size(), kDigits).find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// ------------------------------------------------------------------------------------- what killed runs left

bool is_same(const struct stat& a, const struct stat& b) { return a.st_dev == b.st_dev && a.st_ino == b.st_ino; }

// Its writer holds a lock from right after making it; whoever gets the lock knows that there is no writer. A writer
// that was overtaken between the two notices (see create) and takes another name.
void remove_if_abandoned(int folder, const char* name) {
  const int descriptor = openat(folder, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0) return;
  struct stat opened, named;
  const bool ours = fstat(descriptor, &opened) == 0 && S_ISREG(opened.st_mode) && opened.st_uid == geteuid();
  if (ours && flock(descriptor, LOCK_EX | LOCK_NB) == 0 && fstatat(folder, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
      is_same(opened, named)) {
    unlinkat(folder, name, 0);
  }
  close(descriptor);
}

void remove_abandoned(const std::string& target) {
  const std::string beginning = beginning_of_name(target);
  DIR* folder = opendir(folder_of(target).c_str());
  if (folder == nullptr) return;
  while (const dirent* entry = readdir(folder)) {
    if (is_temporary_of(entry->d_name, beginning)) remove_if_abandoned(dirfd(folder), entry->d_name);
  }
  closedir(folder);
}

// ------------------------------------------------------------------------------------------------ durability

// Some file systems have nothing to synchronise, and say so.
bool synchronise(int descriptor) {
  return fsync(descriptor) == 0 || errno == EINVAL || errno == ENOTSUP || errno == ENOSYS;
}

void synchronise_folder(const std::string& folder) {
  const int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;  // a folder may be written to and not read
  const bool done = synchronise(descriptor);
  const int error = errno;
  close(descriptor);
  errno = error;
  if (!done) fail();
}

}  // namespace

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

int above_standard(int descriptor) {
  if (descriptor < 0 || descriptor > STDERR_FILENO) return descriptor;
  const int copy = fcntl(descriptor, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  const int error = errno;
  close(descriptor);
  errno = error;
  return copy;
}

TemporaryFile::TemporaryFile(const std::string& target, mode_t mode) : target_(target) {
  remove_abandoned(target);
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    if (create(mode)) return;
  }
  errno = EEXIST;
  fail();
}

// Whether it is there, and ours alone.
bool TemporaryFile::create(mode_t mode) {
  const std::string folder = target_.substr(0, target_.rfind('/') + 1);
  path_ = folder + beginning_of_name(target_) + random_digits() + std::string(kEnd);
  guard(path_);  // first: a signal between the two must not leave the file
  descriptor_ = above_standard(open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
  if (descriptor_ < 0) {
    const int error = errno;
    unguard(path_);
    errno = error;
    if (error != EEXIST) fail();
    return false;
  }
  struct stat status;
  const bool taken = flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  if (!taken && fstat(descriptor_, &status) == 0 && status.st_nlink > 0) return true;
  unguard(path_);
  close(descriptor_);
  descriptor_ = -1;
  return false;
}

TemporaryFile::~TemporaryFile() {
  if (!path_.empty()) {
    unlink(path_.c_str());
    unguard(path_);
  }
  if (descriptor_ >= 0) close(descriptor_);
}

void TemporaryFile::rename() {
  if (!synchronise(descriptor_)) fail();
  if (std::rename(path_.c_str(), target_.c_str()) != 0) fail();
  unguard(path_);
  path_.clear();
  synchronise_folder(folder_of(target_));
}

}  // namespace mmoe::tools
