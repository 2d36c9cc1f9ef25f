// Which format a weights file is of, by its contents.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace mmoe::converter {

enum class FileFormat : uint8_t { kSafetensors, kZip, kNpy, kHdf5, kPickle, kOnnx, kUnknown };

/// Certain for every two formats: what one of them can begin with, no file of another one does. A damaged file of a
/// format is of this format, as far as its first bytes go.
FileFormat detect_format(std::string_view bytes);

/// What a file of no supported format is, as far as its contents or its name tell, and what to do with it: "a GGUF
/// file", "of no known format; it begins with '...'".
std::string describe_other(std::string_view name, std::string_view bytes);

/// The same for a folder in a weights file's place.
std::string describe_folder(const std::filesystem::path& folder);

}  // namespace mmoe::converter
