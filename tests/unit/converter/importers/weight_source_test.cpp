#include "converter/importers/open_weights.h"

#include <algorithm>
#include <cstring>
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

TEST_CASE("weights: parts of a tensor are those of the whole, in every format") {
  for (const char* file :
       {"kinds.safetensors", "kinds.pt", "checkpoint.pt", "../numpy/kinds.npz", "../numpy/kernel.npy",
        "../keras/mmoe.h5", "../keras/mmoe.keras", "../paddle/mmoe.pdparams", "../onnx/shared_bottom.onnx"}) {
    CAPTURE(file);
    const auto source = open_weights(fixture_path(file));
    const auto parts = open_weights(fixture_path(file));
    size_t compared = 0;
    for (size_t i = 0; i < source->tensors().size(); ++i) {
      if (source->tensors()[i].dtype[0] != 'f' && source->tensors()[i].dtype != "bf16") continue;
      const std::vector<float> whole = source->read(i);
      for (const size_t step : {size_t{1}, size_t{7}, whole.size() + 1}) {
        for (size_t first = 0; first < whole.size(); first += step) {
          std::vector<float> part(std::min(step, whole.size() - first));
          parts->read(i, first, part.size(), part.data());
          REQUIRE(std::memcmp(part.data(), whole.data() + first, part.size() * sizeof(float)) == 0);
          compared += part.size();
        }
      }
    }
    CHECK(compared > 0);
  }
}

TEST_CASE("weights: what all tensors of a file repeat together is bounded") {
  // 8 tensors of 2^24 elements, which are one: 537 MB out of 2 kB.
  const auto file = [&](int count, int64_t elements) {
    std::vector<std::pair<std::string, std::string>> tensors;
    for (int i = 0; i < count; ++i) {
      tensors.emplace_back("w" + std::to_string(i), tensor(storage("FloatStorage", "0", 1), 0, {elements, 1}, {0, 0}));
    }
    return torch_file(pickle(dict(tensors)), {{"0", le(uint32_t{0xc0400000})}});
  };
  const std::string message = parse_error_of(file(8, int64_t{1} << 24));
  CHECK_CONTAINS(message, "its tensors, from the first to 'w1', have more than");
  CHECK_CONTAINS(message, "the largest is 'w0', [16777216, 1]");
  CHECK_CONTAINS(message, "tensor.contiguous()");
  CHECK(read_named(*parse_weights("test.file", file(8, 1000)), "w7") == std::vector<float>(1000, ramp(0)));
  // Of safetensors, tensors that share their bytes.
  std::string header = "{";
  for (int i = 0; i < 2000; ++i) {
    header += (i == 0 ? "\"w" : ",\"w") + std::to_string(i) +
              R"(":{"dtype":"F32","shape":[65536],"data_offsets":[0,262144]})";
  }
  CHECK_CONTAINS(parse_error_of(safetensors_file(header + "}", std::string(262144, '\0'))), "more than a file of");
}

TEST_CASE("weights: an index past the end is not read") {
  const auto source = open_weights(fixture_path("tiny.safetensors"));
  CHECK_THROWS_AS(source->read(2), std::out_of_range);
}

}  // namespace mmoe::converter::testing
