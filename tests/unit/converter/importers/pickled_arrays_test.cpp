#include <cstdlib>

#include "tests/unit/converter/importers/weights_test_support.h"

namespace mmoe::converter::testing {
namespace {

std::string bytes_of(const std::string& data) { return "B" + le(static_cast<uint32_t>(data.size())) + data; }

std::string dtype(const std::string& name, const std::string& order = "<") {
  return global("numpy", "dtype") + text(name) + "\x89\x88\x87R(K\x03" + text(order) + "NNNtb";
}

/// What numpy pickles for an array; `state` after the version and the shape.
std::string array(const std::string& shape, const std::string& state) {
  return global("numpy.core.multiarray", "_reconstruct") + global("numpy", "ndarray") + tuple({0}) + bytes_of("b") +
         "\x87R(K\x01" + shape + state + "tb";
}

std::string one_array(const std::string& value) { return pickle(dict({{"w", value}})); }

}  // namespace

TEST_CASE("paddle: a state dict of every protocol and nesting") {
  for (const char* file : {"mmoe.pdparams", "protocol2.pdparams", "nested.pdparams"}) {
    CAPTURE(file);
    const auto source = open_weights(fixture_path(std::string("../paddle/") + file));
    CHECK(source->format() == "paddle");
    CHECK(source->tensors().size() == 18);
    CHECK(source->tensors()[0].name == "expert_0.weight");
    CHECK(source->tensors()[0].shape == std::vector<uint64_t>{5, 4});
    const auto first = open_weights(fixture_path("../paddle/mmoe.pdparams"));
    for (size_t i = 0; i < 18; ++i) CHECK(source->read(i) == first->read(i));
  }
}

TEST_CASE("paddle: arrays of every type, order and protocol") {
  for (const char* file : {"arrays2.pkl", "arrays3.pkl", "arrays4.pkl", "arrays5.pkl"}) {
    CAPTURE(file);
    const auto source = open_weights(fixture_path(std::string("../paddle/") + file));
    CHECK(source->tensors().size() == 9);
    for (const char* name : {"f32", "f64", "f16", "big", "fortran", "scalar", "empty"}) {
      CAPTURE(name);
      CHECK(is_ramp(read_named(*source, name)));
    }
    CHECK(read_named(*source, "view") == ramp_of({0, 12}));
    CHECK(source->tensors()[index_of(*source, "fortran")].shape == std::vector<uint64_t>{2, 3, 4});
    CHECK(is_whole(read_named(*source, "i64")));
  }
}

TEST_CASE("paddle: a pickle that wants to run something is refused and runs nothing") {
  REQUIRE(unsetenv("MMOE_PICKLE_RAN") == 0);
  const std::string call = global("os", "putenv") + text("MMOE_PICKLE_RAN") + text("1") + "\x86R";
  CHECK_CONTAINS(parse_error_of(one_array(call)), "test.file: the file asks to import 'os.putenv': refused");
  CHECK(std::getenv("MMOE_PICKLE_RAN") == nullptr);
  const std::string load = global("numpy", "load") + text("/etc/passwd") + "\x85R";
  CHECK_CONTAINS(parse_error_of(one_array(load)), "'numpy.load': refused");
}

TEST_CASE("paddle: arrays that are not what they declare are refused by name") {
  const std::string eight = bytes_of(std::string(8, '\0'));
  const auto refused = [](const std::string& value, const std::string& part) {
    const std::string message = parse_error_of(one_array(value));
    CHECK_CONTAINS(message, "test.file: tensor 'w': ");
    CHECK_CONTAINS(message, part);
  };
  CHECK(parse_error_of(one_array(array(tuple({2}), dtype("f4") + "\x89" + eight))).empty());
  refused(array(tuple({3}), dtype("f4") + "\x89" + eight), "shape [3] of f32 needs 12 bytes, but it has 8");
  refused(array(tuple({1}), dtype("f4") + "\x89" + eight), "needs 4 bytes, but it has 8");
  refused(array(tuple({int64_t{1} << 62, 4}), dtype("f4") + "\x89" + eight), "needs more than 2^63 bytes");
  refused(array(tuple({-2}), dtype("f4") + "\x89" + eight), "numbers from 0 to 2^63 - 1");
  refused(array(tuple(std::vector<int64_t>(65, 1)), dtype("f4") + "\x89" + eight), "65 dimensions");
  refused(array("N", dtype("f4") + "\x89" + eight), "its shape is not a tuple");
  refused(array(tuple({2}), "N\x89" + eight), "has no numbers as elements");
  refused(array(tuple({2}), dtype("O8") + "\x89" + eight), "has no numbers as elements");
  refused(array(tuple({2}), dtype("f4") + "\x89N"), "has no bytes as elements");
  refused(array(tuple({2}), dtype("f4") + eight), "is an array of an unknown form");
  refused(global("numpy.core.multiarray", "_reconstruct") + ")R", "is an array without elements");
  refused(global("numpy.core.numeric", "_frombuffer") + ")R", "is an array of an unknown form");
}

TEST_CASE("paddle: bytes of protocol 2 are text") {
  const auto encoded = [](const std::string& characters) {
    return global("_codecs", "encode") + text(characters) + text("latin1") + "\x86R";
  };
  const auto values = [&](const std::string& characters) {
    const std::string file = one_array(array(tuple({1}), dtype("f4") + "\x89" + encoded(characters)));
    return parse_weights("test.file", file)->read(0);
  };
  CHECK(values(std::string("\0\0\xc3\x80\xc3\x80", 6)) == std::vector<float>{-6});  // 00 00 c0 c0
  const auto refusal = [&](const std::string& characters) { return error_of([&] { values(characters); }); };
  CHECK_CONTAINS(refusal("\xc4\x80"
                         "123"),
                 "tensor 'w': its bytes are damaged");
  CHECK_CONTAINS(refusal("123\xc3"), "its bytes are damaged");
  CHECK_CONTAINS(refusal("123"), "needs 4 bytes, but it has 3");
}

TEST_CASE("paddle: what is no dictionary of arrays is refused with what to do") {
  const std::string one = array(tuple({1}), dtype("f4") + "\x89" + bytes_of("1234"));
  CHECK_CONTAINS(parse_error_of(pickle(one)), "holds one array without a name");
  CHECK_CONTAINS(parse_error_of(pickle("]")), "expected a dictionary of arrays, from paddle.save");
  CHECK_CONTAINS(parse_error_of(pickle(dict({{"epoch", "K\x01"}}))), "holds no tensors");
  CHECK_CONTAINS(parse_error_of(pickle(dict({{"w", one}, {"w", one}}))), "'w' occurs twice");
  CHECK_CONTAINS(parse_error_of(pickle("}(K\x01" + one + text("a") + one + "u")), "key is not a string");
  CHECK_CONTAINS(parse_error_of(pickle(dict({{"w", one}, {"UnpackBigParamInfor@@", "}"}}))), "protocol=4");
}

TEST_CASE("paddle: no truncation and no flipped bit crashes") {
  for (const char* file : {"../paddle/arrays2.pkl", "../paddle/arrays5.pkl"}) check_damage(file);
}

}  // namespace mmoe::converter::testing
