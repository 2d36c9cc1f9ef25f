#include "converter/importers/numpy_source.h"
#include "tests/unit/converter/importers/weights_test_support.h"

namespace mmoe::converter::testing {
namespace {

std::string npy(const std::string& header, const std::string& data) {
  return "\x93NUMPY\x01" + std::string(1, '\0') + le(static_cast<uint16_t>(header.size())) + header + data;
}

std::string header(const std::string& dtype, const std::string& shape, const std::string& fortran = "False") {
  return "{'descr': '" + dtype + "', 'fortran_order': " + fortran + ", 'shape': " + shape + ", }\n";
}

ZipEntry entry(const std::string& name, const std::string& data) {
  return {name, data, static_cast<uint32_t>(data.size())};
}

}  // namespace

TEST_CASE("numpy: every type, order and shape, stored and deflated") {
  for (const char* file : {"../numpy/kinds.npz", "../numpy/compressed.npz"}) {
    const auto source = open_weights(fixture_path(file));
    CHECK(source->format() == "numpy");
    REQUIRE(source->tensors().size() == 11);
    for (const char* name : {"f32", "f64", "f16", "big", "fortran", "big_fortran", "scalar", "empty", "layers/0/w"}) {
      CAPTURE(name);
      CHECK(is_ramp(read_named(*source, name)));
    }
    CHECK(source->tensors()[index_of(*source, "fortran")].shape == std::vector<uint64_t>{2, 3, 4});
    CHECK(source->tensors()[index_of(*source, "scalar")].shape.empty());
    CHECK(is_whole(read_named(*source, "i64")));
  }
}

TEST_CASE("numpy: one array is a tensor named like its file") {
  for (const char* file : {"../numpy/kernel.npy", "../numpy/fortran.npy"}) {
    const auto source = open_weights(fixture_path(file));
    REQUIRE(source->tensors().size() == 1);
    CHECK(source->tensors()[0].shape == std::vector<uint64_t>{2, 3});
    CHECK(is_ramp(source->read(0)));
  }
  CHECK(open_weights(fixture_path("../numpy/kernel.npy"))->tensors()[0].name == "kernel");
}

TEST_CASE("numpy: the shape of an array that cannot be read costs nothing") {
  std::string header = "{'descr': '<f5', 'fortran_order': False, 'shape': (65536, 65536, 65536, 4), }";
  header.resize(117, ' ');
  const std::string file = std::string("\x93NUMPY\x01\x00\x76\x00", 10) + header + "\n1234";
  const auto source = open_npy("w", file);
  CHECK_CONTAINS(error_of([&] { source->read(0); }), "is of dtype '<f5', expected f64, f32 or f16");
}

TEST_CASE("numpy: Python objects are never unpickled, and do not hide the arrays beside them") {
  const auto source = open_weights(fixture_path("../numpy/objects.npz"));
  CHECK(is_ramp(read_named(*source, "w")));
  CHECK_CONTAINS(error_of([&] { read_named(*source, "config"); }), "tensor 'config' holds Python objects (a pickle)");
  const auto dictionary = open_weights(fixture_path("../numpy/objects.npy"));
  CHECK_CONTAINS(error_of([&] { dictionary->read(0); }), "tensor 'objects' holds Python objects");
  CHECK_CONTAINS(error_of([] { open_weights(fixture_path("../numpy/records.npy")); }), "structured dtype");
}

TEST_CASE("numpy: what does not fit its header is refused by name") {
  const std::string eight(8, '\0');
  const auto refused = [&](const std::string& bytes, const std::string& part) {
    const std::string message = parse_error_of(zip_file({entry("w.npy", bytes)}));
    CHECK_CONTAINS(message, "test.file: tensor 'w': ");
    CHECK_CONTAINS(message, part);
  };
  CHECK(parse_error_of(zip_file({entry("w.npy", npy(header("<f4", "(2,)"), eight))})).empty());
  refused(npy(header("<f4", "(3,)"), eight), "shape [3] of f32 needs 12 bytes, but 8 follow the header");
  refused(npy(header("<f4", "(1,)"), eight), "needs 4 bytes, but 8 follow");
  refused(npy(header("<f4", "(4611686018427387904, 4)"), eight), "needs more than 2^63 bytes");
  refused(npy(header("<f4", "(1099511627776,)"), eight), "needs 4398046511104 bytes, but 8");
  refused(npy(header("<f4", "(" + std::string(65 * 3, ' ') +
                                "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,"
                                "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,2)"),
              eight),
          "65 dimensions");
  refused(npy(header("<f4", "(-2,)"), eight), "expected a size");
  refused(npy("{'descr': '<f4'}", eight), "expected 'descr', 'fortran_order' and 'shape'");
  refused("\x93NUMPY\x04" + eight, "version 4 of the .npy format");
  refused("\x93NUMPY\x01", "ends within the array's header");
  refused("\x93NUMPY\x02" + std::string(1, '\0') + le(uint32_t{0xffffffff}) + eight, "header claims 4294967295 bytes");
  refused(npy(header("<f4", "(2,)"), eight).substr(0, 30), "ends within the array's header");
  refused("w", "does not begin like a .npy file");
}

TEST_CASE("numpy: two tensors of one name, and one that is not UTF-8, are refused") {
  const std::string array = npy(header("<f4", "(1,)"), "1234");
  CHECK_CONTAINS(parse_error_of(zip_file({entry("w.npy", array), entry("w.npy", array)})), "'w' occurs twice");
  CHECK_CONTAINS(parse_error_of(zip_file({entry("\xff.npy", array)})), "is not UTF-8");
}

TEST_CASE("numpy: an archive that declares more than it can hold is refused before it is unpacked") {
  ZipEntry bomb = entry("w.npy", npy(header("<f4", "(268435456,)"), ""));
  bomb.declared_bytes += 1u << 30;
  CHECK_FALSE(parse_error_of(zip_file({bomb})).empty());
}

TEST_CASE("numpy: no truncation and no flipped bit crashes") {
  for (const char* file : {"../numpy/kernel.npy", "../numpy/compressed.npz"}) check_damage(file);
}

}  // namespace mmoe::converter::testing
