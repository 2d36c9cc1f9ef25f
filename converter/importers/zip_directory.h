// Where the entries of a zip archive lie, which libzip does not tell: stored ones can then be read in place.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace mmoe::converter {

/// Where an entry's bytes begin, and how many they are as they lie in the archive.
struct ZipPlace {
  uint64_t begin = 0;
  uint64_t bytes = 0;
};

/// In the directory's order, which is libzip's. Empty where the directory is not of the plain kind; the places are
/// inside `archive`, but whether they are those of libzip the caller has to find out by comparing.
std::vector<ZipPlace> find_zip_entries(std::string_view archive);

}  // namespace mmoe::converter
