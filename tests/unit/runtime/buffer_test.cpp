// The header's structure is verified by the schema's type tables: with flatc's own verdict for any bytes.
#include <cstring>
#include <string>

#include <doctest/doctest.h>

#include "mmoe/model.h"
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

TEST_CASE("verify_buffer: flatc's verdict for a header that is damaged anywhere") {
  Random random(1);
  std::size_t num_refused = 0;
  for (const converter::TrainedModel& description :
       {linked_description(3), sequence_description(), normalised_description(2)}) {
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
