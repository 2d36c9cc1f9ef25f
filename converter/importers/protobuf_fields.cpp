#include "converter/importers/protobuf_fields.h"

#include <optional>

namespace mmoe::converter {
namespace {

class FieldReader {
 public:
  explicit FieldReader(std::string_view bytes) : rest_(bytes) {}

  bool at_end() const { return rest_.empty(); }

  std::optional<uint64_t> number() {
    constexpr size_t kLongest = 10;
    uint64_t value = 0;
    for (size_t i = 0; i < rest_.size() && i < kLongest; ++i) {
      const auto byte = static_cast<unsigned char>(rest_[i]);
      value |= uint64_t{byte & 0x7fu} << (7 * i);
      if (byte >= 0x80) continue;
      rest_.remove_prefix(i + 1);
      return value;
    }
    return std::nullopt;
  }

  std::optional<std::string_view> take(uint64_t bytes) {
    if (bytes > rest_.size()) return std::nullopt;
    const std::string_view taken = rest_.substr(0, static_cast<size_t>(bytes));
    rest_.remove_prefix(taken.size());
    return taken;
  }

 private:
  std::string_view rest_;
};

bool read_field(FieldReader& reader, ProtobufFields& fields) {
  enum WireType : uint64_t { kNumber = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };
  const std::optional<uint64_t> tag = reader.number();
  if (!tag || *tag < 8 || *tag > 0xffffffffu) return false;
  const uint64_t field = *tag >> 3, type = *tag & 7;
  const uint64_t bit = field < 64 ? uint64_t{1} << field : 0;
  if (type == kFixed64 || type == kFixed32) return reader.take(type == kFixed64 ? 8 : 4).has_value();
  if (type != kNumber && type != kBytes) return false;
  const std::optional<uint64_t> value = reader.number();
  if (!value) return false;
  if (type == kNumber) {
    if (field == 1 && !fields.has_number(1)) fields.first_number = *value;
    fields.numbers |= bit;
    return true;
  }
  const std::optional<std::string_view> bytes = reader.take(*value);
  if (!bytes) return false;
  if (field == 2 && !fields.has_message(2)) fields.first_second = *bytes;
  fields.messages |= bit;
  return true;
}

}  // namespace

ProtobufFields read_protobuf_fields(std::string_view bytes) {
  ProtobufFields fields;
  FieldReader reader(bytes);
  while (!reader.at_end()) {
    if (!read_field(reader, fields)) return fields;
  }
  fields.whole = true;
  return fields;
}

}  // namespace mmoe::converter
