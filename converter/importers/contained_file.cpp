#include "converter/importers/contained_file.h"

#include <fcntl.h>

#include <cerrno>
#include <system_error>

#include "converter/error.h"
#include "converter/importers/descriptor.h"
#include "converter/importers/messages.h"

namespace mmoe::converter {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail_outside(const std::string& location, const ContainedWords& words) {
  const std::string owner = words.owner;
  throw ConvertError(std::string(words.content) + " are said to be in " + in_quotes(location) + ", outside " + owner +
                     "'s folder; put the file itself beside " + owner);
}

[[noreturn]] void fail_in_file(const std::string& message, const ContainedWords& words) {
  throw ConvertError(std::string(words.content) + " are in another file: " + message);
}

[[noreturn]] void fail_unreadable(const fs::path& path, int error, const ContainedWords& words) {
  fail_in_file(path.string() + ": cannot be read: " + std::generic_category().message(error), words);
}

/// The folder with no link left in it, and the file's path in it likewise.
std::pair<fs::path, fs::path> resolve(const fs::path& model_path, const std::string& location,
                                      const ContainedWords& words) {
  const fs::path relative(location);
  bool inside = !location.empty() && location.find('\0') == std::string::npos && relative.is_relative();
  for (const fs::path& part : relative) inside = inside && part != "..";
  if (!inside) fail_outside(location, words);
  std::error_code error;
  const fs::path given = model_path.parent_path();
  const fs::path folder = fs::canonical(given.empty() ? fs::path(".") : given, error);
  if (error) fail_unreadable(given, error.value(), words);
  const fs::path file = fs::canonical(folder / relative, error);
  if (error) fail_unreadable(given / relative, error.value(), words);
  const fs::path in_folder = file.lexically_relative(folder);
  if (in_folder.empty() || *in_folder.begin() == "..") fail_outside(location, words);
  return {folder, in_folder};
}

}  // namespace

std::unique_ptr<MappedFile> map_contained_file(const fs::path& model_path, const std::string& location,
                                               const ContainedWords& words) {
  const auto [folder, in_folder] = resolve(model_path, location, words);
  const fs::path shown = model_path.parent_path() / location;
  Descriptor at(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (auto part = in_folder.begin(); at.get() >= 0 && part != in_folder.end(); ++part) {
    const bool last = std::next(part) == in_folder.end();
    // Opening a pipe that nobody writes to must not wait.
    const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | (last ? O_NONBLOCK : O_DIRECTORY);
    at = Descriptor(::openat(at.get(), part->c_str(), flags));
  }
  if (at.get() < 0) fail_unreadable(shown, errno, words);
  try {
    return std::make_unique<MappedFile>(at.get(), shown);
  } catch (const ConvertError& error) {
    fail_in_file(error.what(), words);
  }
}

}  // namespace mmoe::converter
