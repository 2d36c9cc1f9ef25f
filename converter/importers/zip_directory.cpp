#include "converter/importers/zip_directory.h"

#include <algorithm>
#include <optional>

#include "converter/importers/float_convert.h"

namespace mmoe::converter {
namespace {

// Signatures, sizes and offsets are those of PKWARE's APPNOTE.TXT, sections 4.3.7 and 4.3.12 to 4.3.16.
constexpr size_t kLocalBytes = 30, kRecordBytes = 46, kEndBytes = 22, kLocatorBytes = 20, kEnd64Bytes = 56;
constexpr uint32_t kIn64Bits = 0xffffffffu;

struct Directory {
  uint64_t begin = 0;
  uint64_t entries = 0;
};

class ArchiveReader {
 public:
  explicit ArchiveReader(std::string_view archive) : archive_(archive) {}

  bool has(uint64_t at, uint64_t bytes, std::string_view signature) const {
    return at <= archive_.size() && archive_.size() - at >= bytes && archive_.substr(at, 4) == signature;
  }

  /// REQUIRES: the bytes are there.
  template <typename Unsigned>
  uint64_t number(uint64_t at) const {
    return load_little_endian<Unsigned>(reinterpret_cast<const unsigned char*>(archive_.data() + at));
  }

  uint64_t size() const { return archive_.size(); }

 private:
  std::string_view archive_;
};

/// The record at the archive's end, behind which there is nothing but its own comment.
std::optional<uint64_t> find_end(const ArchiveReader& reader) {
  constexpr uint64_t kLongestComment = 0xffff;
  if (reader.size() < kEndBytes) return std::nullopt;
  const uint64_t last = reader.size() - kEndBytes;
  const uint64_t first = last - std::min(last, kLongestComment);
  for (uint64_t at = last + 1; at-- > first;) {
    if (reader.has(at, kEndBytes, "PK\x05\x06") && reader.number<uint16_t>(at + 20) == last - at) return at;
  }
  return std::nullopt;
}

std::optional<Directory> find_directory(const ArchiveReader& reader) {
  const std::optional<uint64_t> end = find_end(reader);
  if (!end) return std::nullopt;
  const bool is_64 = *end >= kLocatorBytes && reader.has(*end - kLocatorBytes, kLocatorBytes, "PK\x06\x07");
  if (!is_64) return Directory{reader.number<uint32_t>(*end + 16), reader.number<uint16_t>(*end + 10)};
  const uint64_t end_64 = reader.number<uint64_t>(*end - kLocatorBytes + 8);
  if (!reader.has(end_64, kEnd64Bytes, "PK\x06\x06")) return std::nullopt;
  return Directory{reader.number<uint64_t>(end_64 + 48), reader.number<uint64_t>(end_64 + 32)};
}

/// What a record of the directory says in 32 bits, or, where those are full, in its extra field of 64-bit numbers.
struct Record {
  uint64_t unpacked, packed, local;
};

std::optional<Record> read_record(const ArchiveReader& reader, uint64_t at, uint64_t extra, uint64_t extra_bytes) {
  Record record{reader.number<uint32_t>(at + 24), reader.number<uint32_t>(at + 20), reader.number<uint32_t>(at + 42)};
  for (uint64_t next = extra; next + 4 <= extra + extra_bytes;) {
    const uint64_t kind = reader.number<uint16_t>(next), bytes = reader.number<uint16_t>(next + 2);
    uint64_t field = next + 4;
    next = field + bytes;
    if (next > extra + extra_bytes) return std::nullopt;
    if (kind != 1) continue;
    for (uint64_t* value : {&record.unpacked, &record.packed, &record.local}) {
      if (*value != kIn64Bits) continue;
      if (field + 8 > next) return std::nullopt;
      *value = reader.number<uint64_t>(field);
      field += 8;
    }
  }
  return record;
}

std::optional<ZipPlace> place_of(const ArchiveReader& reader, const Record& record) {
  if (!reader.has(record.local, kLocalBytes, "PK\x03\x04")) return std::nullopt;
  const uint64_t begin = record.local + kLocalBytes + reader.number<uint16_t>(record.local + 26) +
                         reader.number<uint16_t>(record.local + 28);
  if (begin > reader.size() || record.packed > reader.size() - begin) return std::nullopt;
  return ZipPlace{begin, record.packed};
}

}  // namespace

std::vector<ZipPlace> find_zip_entries(std::string_view archive) {
  const ArchiveReader reader(archive);
  const std::optional<Directory> directory = find_directory(reader);
  std::vector<ZipPlace> places;
  if (!directory) return places;
  uint64_t at = directory->begin;
  for (uint64_t i = 0; i < directory->entries; ++i) {
    if (!reader.has(at, kRecordBytes, "PK\x01\x02")) return {};
    const uint64_t name = reader.number<uint16_t>(at + 28), extra = reader.number<uint16_t>(at + 30);
    const uint64_t next = at + kRecordBytes + name + extra + reader.number<uint16_t>(at + 32);
    if (next > archive.size()) return {};
    const std::optional<Record> record = read_record(reader, at, at + kRecordBytes + name, extra);
    const std::optional<ZipPlace> place = record ? place_of(reader, *record) : std::nullopt;
    if (!place) return {};
    places.push_back(*place);
    at = next;
  }
  return places;
}

}  // namespace mmoe::converter
