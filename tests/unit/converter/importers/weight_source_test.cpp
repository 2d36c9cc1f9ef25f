#include "converter/importers/weight_source.h"

#include <filesystem>

#include "tests/unit/converter/importers/weights_test_support.h"

namespace mmoe::converter::testing {

using namespace std::string_literals;

TEST_CASE("weights: other formats are recognised in the message") {
  const auto refused = [](const std::string& bytes, const std::string& part) {
    const std::string message = parse_error_of(bytes);
    CHECK_CONTAINS(message, "test.file: ");
    CHECK_CONTAINS(message, part);
  };
  refused("", "is empty");
  refused("\x80\x02}q\x01."s, "expected a dictionary of arrays, from paddle.save");
  refused("\x08\x07\x12\x07pytorch"s, "the ONNX model has no graph");
  refused("\x1c\x00\x00\x00TFL3rest"s, "TensorFlow Lite");
  refused("12345678MMOErest", "already converted");
  refused("version https://git-lfs\n", "git lfs pull");
  refused("<!DOCTYPE html>", "web page");
  refused("PK\x05\x06"s + std::string(18, '\0'), "empty zip");
  refused("PK\x03\x04rest"s, "truncated zip");
  refused("\x1b[2J", "begins with '\\x1b[2J'");
  CHECK_CONTAINS(parse_error_of("abc"), "Supported weights: PyTorch's");
}

TEST_CASE("weights: paths that are not files") {
  const auto refusal = [](const std::filesystem::path& path) { return error_of([&] { open_weights(path); }); };
  CHECK_CONTAINS(refusal(fixture_path("absent.pt")), "absent.pt: cannot be read: ");
  CHECK_CONTAINS(refusal(fixture_path("")), "is a directory");
  CHECK_CONTAINS(refusal("/dev/null"), "/dev/null: is not a regular file");
}

TEST_CASE("weights: the first bytes decide, not the name") {
  const auto path = std::filesystem::temp_directory_path() / "mmoe_weights_named.h5";
  std::filesystem::copy_file(fixture_path("tiny.pt"), path, std::filesystem::copy_options::overwrite_existing);
  CHECK(open_weights(path)->format() == "pytorch");
  std::filesystem::remove(path);
}

TEST_CASE("weights: an index past the end is not read") {
  const auto source = open_weights(fixture_path("tiny.safetensors"));
  CHECK_THROWS_AS(source->read(2), std::out_of_range);
}

}  // namespace mmoe::converter::testing
