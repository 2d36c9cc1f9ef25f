// Entries are read where they lie, or from a copy, never from anywhere else.
#include "converter/importers/zip_archive.h"

#include "tests/unit/converter/importers/weights_test_support.h"

namespace mmoe::converter::testing {
namespace {

bool lies_in(std::string_view part, std::string_view whole) {
  return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

}  // namespace

TEST_CASE("zip: stored entries are read in place") {
  const std::string bytes = zip_file({{"a", "first", 5}, {"b", "", 0}, {"c", std::string(300'000, 'x'), 300'000}});
  const ZipArchive archive(bytes);
  REQUIRE(archive.num_entries() == 3);
  const ZipContents first = archive.contents(0), last = archive.contents(2);
  CHECK(first.bytes == "first");
  CHECK(lies_in(first.bytes, bytes));
  CHECK(last.bytes == std::string(300'000, 'x'));
  CHECK(lies_in(last.bytes, bytes));
  CHECK(archive.contents(1).bytes.empty());
}

TEST_CASE("zip: the archives of torch, numpy and keras") {
  for (const char* file : {"kinds.pt", "torch2.pt", "../numpy/kinds.npz", "../keras/mmoe.keras"}) {
    CAPTURE(file);
    const std::string bytes = fixture_bytes(file);
    const ZipArchive archive(bytes);
    const auto places = find_zip_entries(bytes);
    REQUIRE(places.size() == archive.num_entries());
    for (uint64_t i = 0; i < archive.num_entries(); ++i) {
      const std::vector<unsigned char> expected = archive.read(i);
      const ZipContents found = archive.contents(i);
      CHECK(found.bytes == std::string_view(reinterpret_cast<const char*>(expected.data()), expected.size()));
      CHECK((found.unpacked || expected.empty() || lies_in(found.bytes, bytes)));
    }
  }
}

TEST_CASE("zip: a directory that is cut off or points outside has no places") {
  const std::string bytes = zip_file({{"a", "first", 5}, {"b", "second", 6}});
  CHECK(find_zip_entries(bytes).size() == 2);
  for (size_t size = 0; size < bytes.size(); ++size) CHECK(find_zip_entries(bytes.substr(0, size)).empty());
  for (size_t at = 0; at < bytes.size(); ++at) {
    for (const char byte : {'\0', '\x7f', '\xff'}) {
      std::string damaged = bytes;
      damaged[at] = byte;
      for (const ZipPlace& place : find_zip_entries(damaged)) {
        REQUIRE(place.begin <= damaged.size());
        REQUIRE(place.bytes <= damaged.size() - place.begin);
      }
    }
  }
}

TEST_CASE("scratch: what is appended is there, in memory and in a file") {
  for (const uint64_t expected : {uint64_t{10}, ScratchFile::kLargestInMemory + 1}) {
    ScratchFile file(expected);
    file.append("hello ", 6);
    file.append("world", 5);
    const std::string_view text = file.map();
    const ScratchFile moved = std::move(file);
    CHECK(text == "hello world");
  }
  ScratchFile empty(0);
  CHECK(empty.map().empty());
}

}  // namespace mmoe::converter::testing
