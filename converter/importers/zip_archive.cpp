#include "converter/importers/zip_archive.h"

#include <zip.h>

#include <algorithm>
#include <cstring>

#include "converter/error.h"
#include "converter/importers/expansion.h"
#include "converter/importers/messages.h"

namespace mmoe::converter {
namespace {

// Deflate packs at most 258 bytes into 2 bits.
constexpr uint64_t kMaxDeflateRatio = 1032;

/// torch.serialization.set_crc32_options(False) leaves the checksum of every entry, all of them stored, 0.
bool lacks_checksum(zip_t* archive, uint64_t index) {
  zip_stat_t stat;
  zip_stat_init(&stat);
  return zip_stat_index(archive, index, 0, &stat) == 0 && stat.comp_method == ZIP_CM_STORE &&
         (stat.valid & ZIP_STAT_CRC) != 0 && stat.crc == 0;
}

struct CloseFile {
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};

/// A libzip error object that is freed.
class ZipError {
 public:
  ZipError() { zip_error_init(&error_); }
  ~ZipError() { zip_error_fini(&error_); }
  ZipError(const ZipError&) = delete;
  ZipError& operator=(const ZipError&) = delete;
  zip_error_t* get() { return &error_; }
  [[noreturn]] void fail() {
    throw ConvertError(std::string("damaged or truncated zip archive: ") + zip_error_strerror(&error_));
  }

 private:
  zip_error_t error_;
};

}  // namespace

void ZipArchive::Discard::operator()(struct zip* archive) const { zip_discard(archive); }

ZipArchive::ZipArchive(std::string_view bytes) : bytes_(bytes), places_(find_zip_entries(bytes)) {
  ZipError error;
  zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, error.get());
  if (source == nullptr) error.fail();
  archive_.reset(zip_open_from_source(source, ZIP_RDONLY, error.get()));
  if (archive_ == nullptr) {
    zip_source_free(source);  // an archive that was opened owns it
    error.fail();
  }
  if (places_.size() != num_entries()) places_.clear();
}

uint64_t ZipArchive::num_entries() const { return static_cast<uint64_t>(zip_get_num_entries(archive_.get(), 0)); }

std::string_view ZipArchive::entry_name(uint64_t index) const {
  const char* name = zip_get_name(archive_.get(), index, ZIP_FL_ENC_RAW);
  return name == nullptr ? "" : name;
}

std::optional<uint64_t> ZipArchive::find(const std::string& name) const {
  const zip_int64_t index = zip_name_locate(archive_.get(), name.c_str(), ZIP_FL_ENC_RAW);
  if (index < 0) return std::nullopt;
  return static_cast<uint64_t>(index);
}

uint64_t ZipArchive::entry_bytes(uint64_t index) const {
  constexpr zip_uint64_t kNeeded = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD;
  zip_stat_t stat;
  zip_stat_init(&stat);
  const std::string where = "archive entry " + in_quotes(entry_name(index)) + " ";
  if (zip_stat_index(archive_.get(), index, 0, &stat) != 0 || (stat.valid & kNeeded) != kNeeded) {
    throw ConvertError(where + "has no size: the archive is damaged");
  }
  if ((stat.valid & ZIP_STAT_ENCRYPTION_METHOD) != 0 && stat.encryption_method != ZIP_EM_NONE) {
    throw ConvertError(where + "is encrypted");
  }
  const bool stored = stat.comp_method == ZIP_CM_STORE;
  if (!stored && stat.comp_method != ZIP_CM_DEFLATE) {
    throw ConvertError(where + "is packed by method " + std::to_string(stat.comp_method) +
                       "; expected stored or deflate");
  }
  const bool possible = stat.comp_size <= bytes_.size() &&
                        (stored ? stat.size == stat.comp_size : stat.size / kMaxDeflateRatio <= stat.comp_size);
  if (!possible) {
    throw ConvertError(where + "declares " + std::to_string(stat.size) + " bytes packed into " +
                       std::to_string(stat.comp_size) + ": the archive is damaged");
  }
  return stat.size;
}

// An entry that is being unpacked.
struct ZipArchive::OpenEntry {
  OpenEntry(const ZipArchive& archive, uint64_t index)
      : where("archive entry " + in_quotes(archive.entry_name(index)) + " "),
        file(zip_fopen_index(archive.archive_.get(), index, 0)) {
    if (file == nullptr) throw ConvertError(where + "cannot be read: " + zip_strerror(archive.archive_.get()));
  }

  /// Fewer bytes than asked for only at the entry's end.
  uint64_t read(unsigned char* to, uint64_t bytes) {
    uint64_t filled = 0;
    while (filled < bytes) {
      const zip_int64_t count = zip_fread(file.get(), to + filled, bytes - filled);
      if (count < 0) throw ConvertError(where + "cannot be read: " + zip_file_strerror(file.get()));
      if (count == 0) break;
      filled += static_cast<uint64_t>(count);
    }
    return filled;
  }

  std::string where;
  std::unique_ptr<zip_file_t, CloseFile> file;
};

/// Where an entry lies that was stored as it is; empty where that is not known.
std::string_view ZipArchive::stored_bytes(uint64_t index) const {
  zip_stat_t stat;
  zip_stat_init(&stat);
  const bool stored = zip_stat_index(archive_.get(), index, 0, &stat) == 0 && stat.comp_method == ZIP_CM_STORE;
  if (!stored || index >= places_.size() || places_[index].bytes != stat.size) return {};
  return bytes_.substr(places_[index].begin, places_[index].bytes);
}

ZipContents ZipArchive::contents(uint64_t index) const {
  constexpr size_t kBlockBytes = size_t{1} << 18;
  const uint64_t declared = entry_bytes(index);
  const std::string_view stored = stored_bytes(index);
  ZipContents contents;
  if (stored.empty()) {
    const uint64_t allowed = most_unpacked_bytes(bytes_.size());
    if (declared > allowed - unpacked_bytes_) {
      throw ConvertError("archive entry " + in_quotes(entry_name(index)) + " unpacks to " + std::to_string(declared) +
                         " bytes, with the entries before it to more than " + std::to_string(allowed) +
                         ", which is more than an archive of " + std::to_string(bytes_.size()) + " bytes should hold");
    }
    unpacked_bytes_ += declared;
    contents.unpacked.emplace(declared);
  }
  OpenEntry entry(*this, index);
  std::vector<unsigned char> block(std::min<uint64_t>(declared, kBlockBytes));
  uint64_t filled = 0;
  while (filled < declared) {
    const uint64_t count = entry.read(block.data(), std::min<uint64_t>(block.size(), declared - filled));
    if (count == 0) break;
    if (contents.unpacked) {
      contents.unpacked->append(block.data(), count);
    } else if (std::memcmp(block.data(), stored.data() + filled, count) != 0) {
      throw ConvertError(entry.where + "lies in two places: the archive is damaged");
    }
    filled += count;
  }
  require_whole(index, entry, filled, declared);
  contents.bytes = contents.unpacked ? contents.unpacked->map() : stored;
  return contents;
}

std::vector<unsigned char> ZipArchive::read(uint64_t index) const {
  std::vector<unsigned char> bytes(entry_bytes(index));
  OpenEntry entry(*this, index);
  require_whole(index, entry, entry.read(bytes.data(), bytes.size()), bytes.size());
  return bytes;
}

void ZipArchive::require_whole(uint64_t index, OpenEntry& entry, uint64_t found, uint64_t declared) const {
  // One byte more than declared is asked for: libzip compares the checksum only when it meets the end.
  unsigned char beyond;
  const bool longer = !lacks_checksum(archive_.get(), index) && entry.read(&beyond, 1) != 0;
  if (found == declared && !longer) return;
  throw ConvertError(entry.where + "does not hold the " + std::to_string(declared) + " bytes that it declares");
}

std::vector<unsigned char> ZipArchive::read_start(uint64_t index, uint64_t max_bytes) const {
  std::vector<unsigned char> bytes(std::min(entry_bytes(index), max_bytes));
  bytes.resize(OpenEntry(*this, index).read(bytes.data(), bytes.size()));
  return bytes;
}

}  // namespace mmoe::converter
