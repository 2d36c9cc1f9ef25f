#include "model/verify_buffer.h"

#include "model/file_tables.h"
#include "schema/mmoe_generated.h"

namespace mmoe::internal {
namespace {

using flatbuffers::uoffset_t;
using flatbuffers::voffset_t;

// Tables of a legitimate header are far fewer; the bound keeps a hostile one from costing much time.
constexpr uoffset_t kMaxDepth = 16;
constexpr uoffset_t kMaxTables = 1000000;

constexpr std::size_t kPrefixBytes = sizeof(uoffset_t);

class BufferVerifier {
 public:
  BufferVerifier(const std::uint8_t* bytes, std::size_t size)
      : bytes_(bytes), size_(size), verifier_(bytes, size, kMaxDepth, kMaxTables) {}

  bool run() {
    const uoffset_t root = verifier_.VerifyOffset(kPrefixBytes);
    return root != 0 && table(bytes_ + kPrefixBytes + root, FileTables::number_of<schema::Model>());
  }

 private:
  bool table(const std::uint8_t* at, std::size_t number) {
    if (!verifier_.VerifyTableStart(at)) return false;
    const Field* field = kFieldLists.fields + kFieldLists.first[number];
    const Field* end = kFieldLists.fields + kFieldLists.first[number + 1];
    for (voffset_t slot = sizeof(voffset_t) * 2; field != end; ++field, slot += sizeof(voffset_t)) {
      const voffset_t place = reinterpret_cast<const flatbuffers::Table*>(at)->GetOptionalFieldOffset(slot);
      if (place == 0 ? field->required : !is_sound(at + place, *field)) return false;
    }
    return verifier_.EndTable();
  }

  bool is_sound(const std::uint8_t* at, const Field& field) {
    if (field.kind == Field::kInline) return fits(at, field.what, field.alignment);
    const uoffset_t offset = verifier_.VerifyOffset(static_cast<std::size_t>(at - bytes_));
    if (offset == 0) return false;
    at += offset;
    switch (field.kind) {
      case Field::kTable: return table(at, field.what);
      case Field::kNumbers: return elements_fit(at, field.what);
      case Field::kTables: return tables(at, field.what);
      default: return verifier_.VerifyString(reinterpret_cast<const flatbuffers::String*>(at));
    }
  }

  bool tables(const std::uint8_t* at, std::size_t number) {
    if (!elements_fit(at, sizeof(uoffset_t))) return false;
    for (uoffset_t left = flatbuffers::ReadScalar<uoffset_t>(at); left != 0; --left) {
      at += sizeof(uoffset_t);
      if (!table(at + flatbuffers::ReadScalar<uoffset_t>(at), number)) return false;
    }
    return true;
  }

  // As VerifyVectorOrString(), which divides by `bytes`: 700 bytes on small machines.
  bool elements_fit(const std::uint8_t* at, std::size_t bytes) const {
    const auto place = static_cast<std::size_t>(at - bytes_);
    if (!verifier_.Verify<uoffset_t>(place)) return false;
    const std::uint64_t all = sizeof(uoffset_t) + std::uint64_t{flatbuffers::ReadScalar<uoffset_t>(at)} * bytes;
    return all < size_ && verifier_.Verify(place, static_cast<std::size_t>(all));
  }

  bool fits(const std::uint8_t* at, std::size_t bytes, std::size_t alignment) const {
    const auto place = static_cast<std::size_t>(at - bytes_);
    return verifier_.VerifyAlignment(place, alignment) && verifier_.Verify(place, bytes);
  }

  const std::uint8_t* const bytes_;
  const std::size_t size_;
  flatbuffers::Verifier verifier_;
};

}  // namespace

bool verify_buffer(const std::uint8_t* bytes, std::size_t size) { return BufferVerifier(bytes, size).run(); }

}  // namespace mmoe::internal
