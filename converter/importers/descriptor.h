// An open file of POSIX, closed at the end of its life.
#pragma once

#include <unistd.h>

#include <utility>

namespace mmoe::converter {

class Descriptor {
 public:
  /// Below 0: none. What open() and its like return is taken as it is.
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  ~Descriptor() { close(); }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }

  int get() const { return fd_; }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
};

}  // namespace mmoe::converter
