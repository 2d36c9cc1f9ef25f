// Files for tests of what reads and writes files.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "runtime/tools/support/error.h"

namespace mmoe::tools::test {

/// A directory of its own, removed with all that is in it.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "mmoe-tools-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  std::string file(const std::string& name) const { return (path_ / name).string(); }

  std::string write(const std::string& name, const std::string& bytes) const {
    std::ofstream(file(name), std::ios::binary) << bytes;
    return file(name);
  }

  std::string read(const std::string& name) const {
    std::ifstream stream(file(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  std::size_t num_files() const {
    const std::filesystem::directory_iterator begin(path_);
    return static_cast<std::size_t>(std::distance(begin, std::filesystem::directory_iterator()));
  }

  /// The message of the ToolError that `action` throws, without this directory's path; "" when it throws none.
  template <class Action>
  std::string error_of(Action action) const {
    try {
      action();
    } catch (const ToolError& error) {
      std::string message = error.what();
      const std::string prefix = path_.string() + "/";
      for (std::size_t at; (at = message.find(prefix)) != std::string::npos;) message.erase(at, prefix.size());
      return message;
    }
    return "";
  }

 private:
  std::filesystem::path path_;
};

/// Bytes of a .npy file around `data`.
inline std::string npy_bytes(const std::string& header, const std::string& data, char version = 1) {
  std::string out = "\x93NUMPY";
  out += version;
  out += '\0';
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i) out += static_cast<char>((header.size() >> (8 * i)) & 0xff);
  return out + header + data;
}

template <class Number>
std::string raw_bytes(std::initializer_list<Number> numbers) {
  std::string out;
  for (const Number number : numbers) out.append(reinterpret_cast<const char*>(&number), sizeof number);
  return out;
}

}  // namespace mmoe::tools::test
