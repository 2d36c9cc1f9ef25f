#include "tests/unit/converter/importers/weights_test_support.h"

namespace mmoe::converter::testing {
namespace {

/// A file of one tensor "w" whose header entry is `entry`, with 8 bytes of data.
std::string one_tensor(const std::string& entry) {
  return safetensors_file("{\"w\":" + entry + "}", std::string(8, '\0'));
}

}  // namespace

TEST_CASE("safetensors: every type and shape") {
  const auto source = open_weights(fixture_path("kinds.safetensors"));
  CHECK(source->format() == "safetensors");
  REQUIRE(source->tensors().size() == 10);
  CHECK(source->tensors()[0].name == "f32");
  for (const std::string name : {"f32", "f64", "f16", "bf16", "scalar", "empty", "shared"}) {
    CAPTURE(name);
    const TensorInfo& info = source->tensors()[index_of(*source, name)];
    const std::vector<float> values = read_named(*source, name);
    CHECK(values.size() == info.num_elements());
    for (size_t i = 0; i < values.size(); ++i) CHECK(values[i] == ramp(i));
  }
  CHECK(source->tensors()[index_of(*source, "f16")].shape == std::vector<uint64_t>{2, 9});
  CHECK(source->tensors()[index_of(*source, "bf16")].dtype == "bf16");
  CHECK(source->tensors()[index_of(*source, "scalar")].shape.empty());
  CHECK(source->tensors()[index_of(*source, "empty")].shape == std::vector<uint64_t>{0, 3});
}

TEST_CASE("safetensors: integers are listed, and read as floats where codes may be of their type") {
  const auto source = open_weights(fixture_path("kinds.safetensors"));
  CHECK(source->tensors()[index_of(*source, "i64")].dtype == "i64");
  CHECK(is_whole(read_named(*source, "i64")));
  const auto bytes = [](const std::string& type, const std::string& data) {
    const std::string header = R"({"a": {"dtype": ")" + type + R"(", "shape": [4], "data_offsets": [0, )" +
                               std::to_string(data.size()) + "]}}";
    return le(uint64_t{header.size()}) + header + data;
  };
  const auto read = [](const std::string& file) { return parse_weights("test", file)->read(0); };
  CHECK(read(bytes("U8", std::string("\x00\x7f\x80\xff", 4))) == std::vector<float>{0, 127, 128, 255});
  CHECK(read(bytes("I8", std::string("\x00\x7f\x80\xff", 4))) == std::vector<float>{0, 127, -128, -1});
  CHECK(read(bytes("I32", le(uint32_t{1}) + le(~uint32_t{0}) + le(uint32_t{1} << 31) + le(uint32_t{7}))) ==
        std::vector<float>{1, -1, -0x1p31F, 7});
  const std::string message = error_of([&] { read(bytes("BOOL", "\1\1\1\1")); });
  CHECK_CONTAINS(message, "'a' is of type bool; expected f64, f32, f16 or bf16");
}

TEST_CASE("safetensors: header lengths") {
  CHECK_CONTAINS(parse_error_of(le(uint64_t{1} << 63) + "{}"), "claims 9223372036854775808 bytes");
  CHECK_CONTAINS(parse_error_of(le(~uint64_t{0}) + "{}"), "at most 100000000");
  CHECK_CONTAINS(parse_error_of(le(uint64_t{3}) + "{}"), "only 2 follow");
  CHECK_CONTAINS(parse_error_of(le(uint64_t{0}) + "{}"), "not valid JSON");
  CHECK_CONTAINS(parse_error_of(le(uint64_t{2}) + "{}"), "names no tensor");
}

TEST_CASE("safetensors: trailing spaces and metadata are allowed") {
  const std::string header = R"({"__metadata__":{"a":"b"},"w":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}   )";
  const std::string bytes = safetensors_file(header, le(uint32_t{0x40400000}) + le(uint32_t{0xbf800000}));
  const auto source = parse_weights("test.file", bytes);
  REQUIRE(source->tensors().size() == 1);
  CHECK(source->read(0) == std::vector<float>{3, -1});
}

TEST_CASE("safetensors: extents that do not fit are refused by name") {
  const auto refused = [](const std::string& entry, const std::string& part) {
    const std::string message = parse_error_of(one_tensor(entry));
    CAPTURE(entry);
    CHECK_CONTAINS(message, "test.file: ");
    CHECK_CONTAINS(message, "'w'");
    CHECK_CONTAINS(message, part);
  };
  refused(R"({"dtype":"F32","shape":[3],"data_offsets":[0,12]})", "end at 12 of 8");
  refused(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})", "needs 12 bytes, but data_offsets give it 8");
  refused(R"({"dtype":"F32","shape":[2],"data_offsets":[8,0]})", "expected [begin, end]");
  refused(R"({"dtype":"F32","shape":[2],"data_offsets":[0]})", "expected [begin, end]");
  refused(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8,8]})", "expected [begin, end]");
  refused(R"({"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]})", "more than 2^63");
  refused(R"({"dtype":"F64","shape":[2305843009213693953],"data_offsets":[0,8]})", "more than 2^63");
  refused(R"({"dtype":"F32","shape":[2],"data_offsets":[18446744073709551608,18446744073709551615]})", "end at");
}

TEST_CASE("safetensors: headers of another form are refused by name") {
  const auto refused = [](const std::string& entry, const std::string& part) {
    const std::string message = parse_error_of(one_tensor(entry));
    CAPTURE(entry);
    CHECK_CONTAINS(message, "'w'");
    CHECK_CONTAINS(message, part);
  };
  refused(R"({"dtype":"F4","shape":[2],"data_offsets":[0,8]})", "dtype 'F4' is not known");
  refused(R"({"shape":[2],"data_offsets":[0,8]})", "no dtype");
  refused(R"({"dtype":"F32","data_offsets":[0,8]})", "no shape");
  refused(R"({"dtype":"F32","shape":[2]})", "no data_offsets");
  refused(R"({"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]})", "'dtype' occurs twice");
  refused(R"({"dtype":"F32","shape":[-2],"data_offsets":[0,8]})", "a negative number");
  refused(R"({"dtype":"F32","shape":[2.0],"data_offsets":[0,8]})", "not a u64");
  refused(R"({"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,8]})", "not a u64");
  refused(R"({"dtype":"F32","shape":[[2]],"data_offsets":[0,8]})", "a list");
  refused(R"({"dtype":32,"shape":[2],"data_offsets":[0,8]})", "a number");
  refused(R"({"dtype":{},"shape":[2],"data_offsets":[0,8]})", "an object");
  refused(R"([])", "a list");
  refused(R"(null)", "null");
  refused(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]},"w":{)", "names tensor 'w' twice");
  CHECK_CONTAINS(parse_error_of(safetensors_file("{\"w\": \xff}", "")), "not valid JSON");
}

TEST_CASE("safetensors: deep nesting is refused at once") {
  const std::string depth(1'000'000, '[');
  CHECK_CONTAINS(parse_error_of(one_tensor(depth)), "a list");
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "{\"w\":";
  CHECK_CONTAINS(parse_error_of(safetensors_file(objects, "")), "an object");
}

TEST_CASE("safetensors: control characters of a name do not reach the terminal") {
  const std::string message = parse_error_of(safetensors_file(R"({"a\u001b[31m":1})", ""));
  CHECK_CONTAINS(message, "'a\\x1b[31m'");
}

TEST_CASE("safetensors: no truncation and no flipped bit crashes") {
  const std::string bytes = fixture_bytes("tiny.safetensors");
  for (size_t size = 0; size < bytes.size(); ++size) {
    CHECK_MESSAGE(!parse_error_of(std::string(bytes, 0, size)).empty(), "truncated to ", size);
  }
  for (size_t at = 0; at < bytes.size(); ++at) {
    for (int mask : {1, 2, 4, 8, 16, 32, 64, 128, 255}) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ mask);
      CHECK(survives(damaged));
    }
  }
}

}  // namespace mmoe::converter::testing
