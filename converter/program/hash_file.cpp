#include "converter/program/hash_file.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <fstream>
#include <vector>

#include "converter/error.h"
#include "converter/program/byte_progress.h"

namespace mmoe::converter {

uint64_t hash_file(const std::filesystem::path& path) {
  std::error_code error;
  uint64_t left = std::filesystem::file_size(path, error);
  std::ifstream file(path, std::ios::binary);
  if (error || !file) throw ConvertError(path.string() + ": cannot be read");
  ByteProgress progress("of the weights hashed");
  XXH64_state_t state;
  XXH64_reset(&state, 0);
  std::vector<char> block(size_t{1} << 20);
  while (left > 0) {
    file.read(block.data(), static_cast<std::streamsize>(std::min<uint64_t>(left, block.size())));
    const auto count = static_cast<size_t>(file.gcount());
    if (count == 0) throw ConvertError(path.string() + ": became shorter while it was read");
    XXH64_update(&state, block.data(), count);
    progress.add(count);
    left -= count;
  }
  return XXH64_digest(&state);
}

}  // namespace mmoe::converter
