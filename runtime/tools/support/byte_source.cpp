#include "runtime/tools/support/byte_source.h"

#include <fcntl.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstring>

#include "runtime/tools/support/error.h"
#include "runtime/tools/support/input_files.h"

namespace mmoe::tools {
namespace {

constexpr std::size_t kBufferBytes = 256 * 1024;

}  // namespace

ByteSource::ByteSource(const std::string& path)
    : name_(path == "-" ? "standard input" : path),
      descriptor_(path == "-" ? STDIN_FILENO : open(path.c_str(), O_RDONLY | O_CLOEXEC)),
      buffer_(kBufferBytes) {
  if (descriptor_ < 0) throw ToolError(path + ": " + std::strerror(errno));
  if (path != "-") note_input(path);
}

ByteSource::~ByteSource() {
  if (descriptor_ != STDIN_FILENO) close(descriptor_);
}

bool ByteSource::refill() {
  if (begin_ == end_) begin_ = end_ = 0;
  if (end_ == buffer_.size()) {
    std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_), buffer_.end(), buffer_.begin());
    end_ -= begin_;
    begin_ = 0;
  }
  ssize_t got;
  do got = ::read(descriptor_, buffer_.data() + end_, buffer_.size() - end_);
  while (got < 0 && errno == EINTR);
  if (got < 0) throw ToolError(name_ + ": " + std::strerror(errno));
  end_ += static_cast<std::size_t>(got);
  return got > 0;
}

std::string_view ByteSource::peek(std::size_t size) {
  size = std::min(size, buffer_.size());
  while (end_ - begin_ < size && refill()) {
  }
  return {buffer_.data() + begin_, end_ - begin_};
}

void ByteSource::skip(std::size_t size) { begin_ += std::min(size, end_ - begin_); }

std::string_view ByteSource::next() {
  const std::string_view bytes = peek(1);
  begin_ = end_;
  return bytes;
}

std::size_t ByteSource::read(void* to, std::size_t size) {
  std::size_t done = 0;
  while (done < size) {
    const std::string_view bytes = peek(1);
    if (bytes.empty()) break;
    const std::size_t part = std::min(size - done, bytes.size());
    std::memcpy(static_cast<char*>(to) + done, bytes.data(), part);
    skip(part);
    done += part;
  }
  return done;
}

}  // namespace mmoe::tools
