// Formats are told apart by contents: every header length of safetensors, and every pair of formats.
#include "converter/importers/file_format.h"

#include <filesystem>
#include <fstream>

#include "tests/unit/converter/importers/weights_test_support.h"

namespace mmoe::converter::testing {
namespace {

using namespace std::string_literals;

const std::string kHeader = R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";

/// A header of exactly `length` bytes: one tensor where there is room for it, else none.
std::string padded_header(size_t length) {
  std::string header = length < kHeader.size() ? "{}" : kHeader;
  return header.append(length - header.size(), ' ');
}

std::string padded_file(size_t length) { return safetensors_file(padded_header(length), le(uint32_t{0xc0400000})); }

uint64_t as_length(std::string_view magic) {
  uint64_t value = 0;
  for (size_t i = 0; i < magic.size(); ++i) value |= uint64_t{static_cast<unsigned char>(magic[i])} << (8 * i);
  return value;
}

std::string field(unsigned number, const std::string& bytes) {
  return le(static_cast<uint8_t>(number << 3 | 2)) + le(static_cast<uint8_t>(bytes.size())) + bytes;
}

const std::string kVersion = "\x08\x07";

void refused(std::string_view name, const std::string& bytes, std::string_view part) {
  const std::string message = error_of([&] { parse_weights(std::string(name), bytes); });
  CHECK_CONTAINS(message, part);
}

}  // namespace

TEST_CASE("formats: safetensors with every length of header from 8 to 4096") {
  for (size_t length = 8; length <= 4096; ++length) {
    CAPTURE(length);
    const std::string bytes = padded_file(length);
    REQUIRE(detect_format(bytes) == FileFormat::kSafetensors);
    if (length < kHeader.size()) {
      REQUIRE(contains(parse_error_of(bytes), "the safetensors header names no tensor"));
    } else {
      REQUIRE(is_ramp(parse_weights("test.file", bytes)->read(0)));
    }
  }
}

TEST_CASE("formats: safetensors with lengths of header that differ by 65536 from these") {
  const std::string bytes = padded_file(2 * 65536 + 4096);
  for (size_t length = 8; length <= 4096; ++length) {
    for (const size_t more : {65536u, 131072u}) {
      std::string file = bytes;
      file.replace(0, 8, le(uint64_t{length + more}));
      REQUIRE(detect_format(file) == FileFormat::kSafetensors);
    }
  }
  // What used to be taken for a pickle.
  for (const size_t length : {640u, 896u, 1152u, 1408u}) {
    for (size_t more = 0; more <= 4 * 65536; more += 65536) {
      REQUIRE(is_ramp(parse_weights("test.file", padded_file(length + more))->read(0)));
    }
  }
}

TEST_CASE("formats: a header of safetensors as long as the first bytes of every other format say") {
  const std::string magics[] = {"\x80\x02"s,
                                "\x80\x05\x95"s,
                                "\x80\x04\x95"s,
                                "\x08\x07\x12"s,
                                "\x08\x01\x12"s,
                                "\x1f\x8b\x08"s,
                                "<"s,
                                "BZh"s,
                                "\x0a\x05"s,
                                "(dp"s,
                                "{"s,
                                "\x89H"s};
  for (const std::string& magic : magics) {
    CAPTURE(magic);
    const std::string bytes = padded_file(as_length(magic));
    CHECK(bytes.substr(0, magic.size()) == magic);
    CHECK(is_ramp(parse_weights("test.file", bytes)->read(0)));
  }
  const std::string like_zip = padded_file(as_length("PK\x03\x04"));
  CHECK(detect_format(like_zip) == FileFormat::kSafetensors);
  // Of these the first eight bytes would be a header beyond every limit.
  for (const std::string& magic : {"\x93NUMPY\x01"s, "\x89HDF\r\n\x1a\n"s, "GGUF"s, "\x1c\0\0\0TFL3"s}) {
    CHECK(as_length(magic) > 100'000'000);
  }
}

TEST_CASE("formats: files of one format that carry the marks of another where they are free to") {
  // Pickles, protocols 2 to 5, with a '{' behind eight bytes, as in an optimised pickle of a dictionary with such a
  // key.
  for (const char protocol : {'\2', '\3', '\4', '\5'}) {
    const std::string key = std::string("\x80") + protocol + "}X" + le(uint32_t{5}) + "{\"w\":" + "N" + "s.";
    CHECK(key[8] == '{');
    CHECK(detect_format(key) == FileFormat::kPickle);
  }
  // ONNX models whose producer is called like another format, and one as long as a tar archive's header.
  for (const std::string& producer : {"TFL3"s, "\x93NUMPY"s, "1234{\"a"s, "PK\x03\x04"s}) {
    CHECK(detect_format(kVersion + field(2, producer) + field(7, "")) == FileFormat::kOnnx);
  }
  std::string like_tar = kVersion + field(2, std::string(100, 'p')) + field(6, std::string(100, 'd'));
  like_tar += field(4, std::string(257 - like_tar.size() - 2, 'm') + "ustar") + field(7, "");
  CHECK(like_tar.substr(257, 5) == "ustar");
  CHECK(detect_format(like_tar) == FileFormat::kOnnx);
  // ... and one whose fields are in another order.
  CHECK(detect_format(field(7, "") + kVersion) == FileFormat::kOnnx);
  // Safetensors with a tensor's name where a tar archive has its mark.
  const std::string name = std::string(257 - 10, 'n') + "ustar";
  const std::string named = safetensors_file("{\"" + name + kHeader.substr(3), le(uint32_t{0xc0400000}));
  CHECK(named.substr(257, 5) == "ustar");
  CHECK(parse_weights("test.file", named)->tensors()[0].name == name);
  // A model of TensorFlow Lite whose root lies where an ONNX model's producer begins.
  CHECK(detect_format("\x08\x07\x12\0TFL3rest"s) == FileFormat::kUnknown);
}

TEST_CASE("formats: every fixture is what it is") {
  const std::pair<const char*, FileFormat> fixtures[] = {
      {"kinds.safetensors", FileFormat::kSafetensors},  {"kinds.pt", FileFormat::kZip},
      {"../numpy/kinds.npz", FileFormat::kZip},         {"../numpy/kernel.npy", FileFormat::kNpy},
      {"../keras/mmoe.h5", FileFormat::kHdf5},          {"../keras/mmoe.keras", FileFormat::kZip},
      {"../paddle/mmoe.pdparams", FileFormat::kPickle}, {"../onnx/shared_bottom.onnx", FileFormat::kOnnx}};
  for (const auto& fixture : fixtures) {
    CAPTURE(fixture.first);
    CHECK(detect_format(fixture_bytes(fixture.first)) == fixture.second);
  }
}

TEST_CASE("formats: TensorFlow's files are refused by name, with what to do") {
  const std::string graph = field(1, "meta") + field(2, "");
  refused("saved_model.pb", "\x08\x01" + field(2, graph), "is the graph of a TensorFlow SavedModel");
  refused("model.pb", field(1, "node") + field(1, "node") + field(4, ""), "perhaps a TensorFlow graph");
  const std::string index = std::string(60, '\0') + "\x57\xfb\x80\x8b\x24\x75\x47\xdb";
  refused("m.index", index, "is the index of a TensorFlow checkpoint");
  refused("m.data-00000-of-00001", std::string(64, '\x3f'), "is a part of a TensorFlow checkpoint");
  refused("checkpoint", "model_checkpoint_path: \"m\"\n", "TensorFlow checkpoints");
  refused("m.tflite", "\x1c\0\0\0TFL3"s + std::string(20, '\0'), "TensorFlow Lite");
  refused("m.index", index, "tf.train.load_checkpoint(path)");
  refused("m.data-00000-of-1", std::string(64, '\x3f'), "of no known format");
}

TEST_CASE("formats: what else users pass is refused by name") {
  refused("m.gguf", "GGUF\x03\0\0\0"s, "is a GGUF file");
  refused("m.pt", "version https://git-lfs.github.com/spec/v1\n", "git lfs pull");
  refused("m.pt", "\n  <html>", "web page");
  refused("m.json", R"({"mmoe_description": 1})", "the second one the description");
  refused("m.json", R"({"metadata": {}, "weight_map": {}})", "cut into several files");
  refused("m.pt", "BZh91AY", "bzip2");
  refused("m.pkl", "(dp0\nS'w'\n.", "protocol 0 or 1");
  refused("m.pt", "", "is empty");
}

TEST_CASE("formats: folders are refused with what is in them") {
  namespace fs = std::filesystem;
  const fs::path folder = fs::temp_directory_path() / "mmoe_format_test";
  fs::remove_all(folder);
  fs::create_directories(folder);
  const auto message = [&] { return error_of([&] { open_weights(folder); }); };
  CHECK_CONTAINS(message(), "is a directory; expected one file of weights");
  std::ofstream(folder / "model.safetensors") << "x";
  CHECK_CONTAINS(message(), "pass the file in it, model.safetensors");
  std::ofstream(folder / "saved_model.pb") << "x";
  CHECK_CONTAINS(message(), "TensorFlow SavedModel");
  fs::remove_all(folder);
}

}  // namespace mmoe::converter::testing
