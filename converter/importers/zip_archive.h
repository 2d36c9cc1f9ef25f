// Reading a zip archive that is in memory, with every size checked before anything is allocated.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "converter/importers/scratch_file.h"
#include "converter/importers/zip_directory.h"

struct zip;  // libzip's archive

namespace mmoe::converter {

/// Whether `bytes` begin like a zip archive.
inline bool looks_like_zip(std::string_view bytes) { return bytes.substr(0, 4) == "PK\x03\x04"; }

inline bool ends_with(std::string_view text, std::string_view ending) {
  return text.size() >= ending.size() && text.substr(text.size() - ending.size()) == ending;
}

/// An entry's bytes: where they lie in the archive, or a copy that has been unpacked.
struct ZipContents {
  std::string_view bytes;
  std::optional<ScratchFile> unpacked;  ///< what `bytes` refers to, where it is not the archive
};

/// The errors, ConvertError, do not name the file.
class ZipArchive {
 public:
  /// Reads the directory. `bytes` must outlive the archive.
  explicit ZipArchive(std::string_view bytes);

  uint64_t num_bytes() const { return bytes_.size(); }
  uint64_t num_entries() const;
  std::string_view entry_name(uint64_t index) const;
  std::optional<uint64_t> find(const std::string& name) const;

  /// The size of an entry once unpacked, as the directory declares it. Throws when no honest archive of this
  /// size could hold that much, or when it is encrypted or packed by a method other than deflate.
  uint64_t entry_bytes(uint64_t index) const;

  /// The entry, unpacked, its checksum verified unless the archive was written without checksums. Takes memory for
  /// a small part of it, whatever its size: see ScratchFile. Throws when all that was unpacked is more than an archive
  /// of this size may hold (expansion.h).
  ZipContents contents(uint64_t index) const;

  /// The same for entries of which the whole is wanted in memory.
  std::vector<unsigned char> read(uint64_t index) const;

  /// The entry's first `max_bytes` bytes, or all if it has fewer. No checksum.
  std::vector<unsigned char> read_start(uint64_t index, uint64_t max_bytes) const;

 private:
  struct Discard {
    void operator()(struct zip* archive) const;
  };

  struct OpenEntry;

  std::string_view stored_bytes(uint64_t index) const;
  void require_whole(uint64_t index, OpenEntry& entry, uint64_t found, uint64_t declared) const;

  std::string_view bytes_;
  std::vector<ZipPlace> places_;         // of every entry, or none
  mutable uint64_t unpacked_bytes_ = 0;  // so far
  std::unique_ptr<struct zip, Discard> archive_;
};

}  // namespace mmoe::converter
