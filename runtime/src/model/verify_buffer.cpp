#include "model/verify_buffer.h"

#include "schema/mmoe_generated.h"

namespace mmoe::internal {
namespace {

using flatbuffers::TypeCode;
using flatbuffers::TypeFunction;
using flatbuffers::TypeTable;
using flatbuffers::uoffset_t;
using flatbuffers::voffset_t;

// Tables of a legitimate header are far fewer; the bound keeps a hostile one from costing much time.
constexpr uoffset_t kMaxDepth = 16;
constexpr uoffset_t kMaxTables = 1000000;

constexpr std::size_t kPrefixBytes = sizeof(uoffset_t);

// Bytes of the elementary types, in the order of flatbuffers::ElementaryType; of strings and sequences their offsets'.
constexpr std::uint8_t kBytes[] = {1, 1, 1, 1, 2, 2, 4, 4, 8, 8, 4, 8, 4, 4};
static_assert(flatbuffers::ET_UCHAR == 3 && flatbuffers::ET_INT == 6 && flatbuffers::ET_SEQUENCE == 13);

// Type tables do not say which fields are required. A test compares this list with what flatc makes of the schema.
constexpr std::uint32_t bit(voffset_t field) { return 1u << (field - 4) / 2; }
struct Required {
  TypeFunction type;
  std::uint32_t fields;
};
constexpr Required kRequired[] = {
    {schema::FeatureTypeTable, bit(schema::Feature::VT_NAME)},
    {schema::ExpertTypeTable, bit(schema::Expert::VT_LAYERS)},
    {schema::GateTypeTable, bit(schema::Gate::VT_EXPERTS)},
    {schema::LevelTypeTable, bit(schema::Level::VT_EXPERTS) | bit(schema::Level::VT_GATES)},
    {schema::TowerTypeTable, bit(schema::Tower::VT_LAYERS)},
    {schema::TaskTypeTable, bit(schema::Task::VT_NAME) | bit(schema::Task::VT_LINK)},
    {schema::ModelTypeTable, bit(schema::Model::VT_LEVELS) | bit(schema::Model::VT_TASKS) |
                                 bit(schema::Model::VT_TENSORS) | bit(schema::Model::VT_SEGMENTS)},
};

std::uint32_t required_fields(TypeFunction type) {
  for (const Required& each : kRequired) {
    if (each.type == type) return each.fields;
  }
  return 0;
}

class BufferVerifier {
 public:
  BufferVerifier(const std::uint8_t* bytes, std::size_t size)
      : bytes_(bytes), size_(size), verifier_(bytes, size, kMaxDepth, kMaxTables) {}

  bool run() {
    const uoffset_t root = verifier_.VerifyOffset(kPrefixBytes);
    return root != 0 && table(bytes_ + kPrefixBytes + root, schema::ModelTypeTable);
  }

 private:
  bool table(const std::uint8_t* at, TypeFunction function) {
    if (!verifier_.VerifyTableStart(at)) return false;
    const TypeTable& type = *function();
    std::uint32_t required = required_fields(function);
    for (std::size_t i = 0; i < type.num_elems; ++i, required >>= 1) {
      const auto slot = static_cast<voffset_t>(4 + 2 * i);
      const voffset_t place = reinterpret_cast<const flatbuffers::Table*>(at)->GetOptionalFieldOffset(slot);
      if (place == 0 ? (required & 1) != 0 : !field(at + place, type, type.type_codes[i])) return false;
    }
    return verifier_.EndTable();
  }

  bool field(const std::uint8_t* at, const TypeTable& type, TypeCode code) {
    const bool is_sequence = code.base_type == flatbuffers::ET_SEQUENCE;
    if (!code.is_repeating) {
      if (code.base_type < flatbuffers::ET_STRING) return fits(at, kBytes[code.base_type], kBytes[code.base_type]);
      if (is_sequence) {
        const TypeTable& its = *type.type_refs[code.sequence_ref]();
        if (its.st == flatbuffers::ST_STRUCT) return structure(at, its);
      }
    }
    const uoffset_t offset = verifier_.VerifyOffset(static_cast<std::size_t>(at - bytes_));
    if (offset == 0) return false;
    at += offset;
    if (code.is_repeating) return vector(at, type, code);
    if (is_sequence) return table(at, type.type_refs[code.sequence_ref]);
    return verifier_.VerifyString(reinterpret_cast<const flatbuffers::String*>(at));
  }

  // Of numbers, or of tables: the schema has no others.
  bool vector(const std::uint8_t* at, const TypeTable& type, TypeCode code) {
    if (code.base_type == flatbuffers::ET_STRING || !elements_fit(at, kBytes[code.base_type])) return false;
    if (code.base_type < flatbuffers::ET_STRING) return true;
    for (uoffset_t left = flatbuffers::ReadScalar<uoffset_t>(at); left != 0; --left) {
      at += sizeof(uoffset_t);
      if (!table(at + flatbuffers::ReadScalar<uoffset_t>(at), type.type_refs[code.sequence_ref])) return false;
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

  // Of numbers; it is aligned as the largest of them.
  bool structure(const std::uint8_t* at, const TypeTable& type) const {
    std::size_t alignment = 1;
    for (std::size_t i = 0; i < type.num_elems; ++i) {
      const std::size_t bytes = kBytes[type.type_codes[i].base_type];
      if (bytes > alignment) alignment = bytes;
    }
    return fits(at, static_cast<std::size_t>(type.values[type.num_elems]), alignment);
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
