// Which file a model was made from.
#pragma once

#include <cstdint>
#include <filesystem>

namespace mmoe::converter {

/// XXH64 of the file's bytes, as many as it has when it is opened. Throws ConvertError naming it.
uint64_t hash_file(const std::filesystem::path& path);

}  // namespace mmoe::converter
