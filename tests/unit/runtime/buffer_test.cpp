// The header's structure is verified by a list of the schema's fields: the list is flatc's, and so is the verdict for
// any bytes.
#include <algorithm>
#include <cstring>
#include <set>
#include <string>

#include <doctest/doctest.h>

#include "mmoe/model.h"
#include "runtime/src/model/file_tables.h"
#include "schema/mmoe_generated.h"
#include "tests/unit/models.h"

namespace mmoe::test {
namespace {

// What flatc's functions say, with the limits of the runtime.
bool is_sound(const AlignedBytes& file, std::size_t header_bytes) {
  flatbuffers::Verifier verifier(file.data(), header_bytes, 16, 1000000);
  return schema::VerifySizePrefixedModelBuffer(verifier);
}

// Whether the runtime takes the header for a buffer of the schema; what it then says of the contents is not asked here.
bool is_taken(const AlignedBytes& file) {
  LoadOptions options;
  options.verify_header = false;  // the checksum would notice every change
  const Result<Model> model = Model::from_bytes(file.data(), file.size(), options);
  return model.ok() || std::string(model.error().message()).find("not a valid FlatBuffers buffer") == std::string::npos;
}

// In the order of flatbuffers::ElementaryType, up to the numbers' end.
constexpr std::size_t kNumberBytes[] = {1, 1, 1, 1, 2, 2, 4, 4, 8, 8, 4, 8};

using internal::Field;

// What a struct of numbers takes, and as what it is aligned.
void check_struct(const Field& field, const flatbuffers::TypeTable& type) {
  std::size_t alignment = 1;
  for (std::size_t i = 0; i < type.num_elems; ++i) {
    alignment = std::max(alignment, kNumberBytes[type.type_codes[i].base_type]);
  }
  CHECK(field.kind == Field::kInline);
  CHECK(field.what == type.values[type.num_elems]);
  CHECK(field.alignment == alignment);
}

void check_table(std::size_t number, flatbuffers::TypeFunction function, std::set<std::size_t>& seen);

void check_field(const Field& field, const flatbuffers::TypeTable& type, flatbuffers::TypeCode code,
                 std::set<std::size_t>& seen) {
  if (code.base_type < flatbuffers::ET_STRING) {
    CHECK(field.kind == (code.is_repeating ? Field::kNumbers : Field::kInline));
    CHECK(field.what == kNumberBytes[code.base_type]);
    CHECK((code.is_repeating || field.alignment == field.what));
  } else if (code.base_type == flatbuffers::ET_STRING) {
    CHECK(!code.is_repeating);
    CHECK(field.kind == Field::kString);
  } else if (type.type_refs[code.sequence_ref]()->st == flatbuffers::ST_STRUCT) {
    check_struct(field, *type.type_refs[code.sequence_ref]());
  } else {
    CHECK(field.kind == (code.is_repeating ? Field::kTables : Field::kTable));
    check_table(field.what, type.type_refs[code.sequence_ref], seen);
  }
}

void check_table(std::size_t number, flatbuffers::TypeFunction function, std::set<std::size_t>& seen) {
  if (!seen.insert(number).second) return;
  const flatbuffers::TypeTable& type = *function();
  const std::size_t first = internal::kFieldLists.first[number];
  REQUIRE(internal::kFieldLists.first[number + 1] - first == type.num_elems);
  for (std::size_t i = 0; i < type.num_elems; ++i) {
    CAPTURE(number);
    CAPTURE(i);
    check_field(internal::kFieldLists.fields[first + i], type, type.type_codes[i], seen);
  }
}

TEST_CASE("kFieldLists: every table has the fields of flatc's type tables, in their order") {
  std::set<std::size_t> seen;
  check_table(internal::FileTables::number_of<schema::Model>(), schema::ModelTypeTable, seen);
  CHECK(seen.size() == internal::FileTables::kSize);
}

TEST_CASE("verify_buffer: flatc's verdict for a header that is damaged anywhere") {
  Random random(1);
  std::size_t num_refused = 0;
  for (const converter::TrainedModel& description :
       {linked_description(3), sequence_description(), normalised_description(2), hashed_description(),
        crossed_description(), weighted_description(), function_description(), binned_description()}) {
    const AlignedBytes file = model_file(description, 1);
    std::uint32_t size = 0;
    std::memcpy(&size, file.data(), sizeof size);
    const std::size_t header_bytes = size + sizeof size;
    REQUIRE(is_sound(file, header_bytes));
    REQUIRE(is_taken(file));
    // Behind size and identifier. Two bytes at once: a field's place in a vtable, which is 0 where the field is absent.
    for (std::size_t at = 12; at + 2 <= header_bytes; at += 2) {
      std::uint16_t original = 0;
      std::memcpy(&original, file.data() + at, sizeof original);
      const std::uint16_t others[] = {
          0, static_cast<std::uint16_t>(original ^ 1), static_cast<std::uint16_t>(original ^ 4),
          static_cast<std::uint16_t>(original ^ 0x8000), static_cast<std::uint16_t>(random.below(65536))};
      for (const std::uint16_t other : others) {
        std::memcpy(file.data() + at, &other, sizeof other);
        const bool sound = is_sound(file, header_bytes);
        num_refused += !sound;
        if (is_taken(file) != sound) {
          FAIL("at ", at, ": ", original, " became ", other, ", which flatc ", sound ? "takes" : "refuses");
        }
      }
      std::memcpy(file.data() + at, &original, sizeof original);
    }
  }
  CHECK(num_refused > 1000);
}

}  // namespace
}  // namespace mmoe::test
