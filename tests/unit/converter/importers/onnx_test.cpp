#include <sys/stat.h>

#include <filesystem>

#include "converter/importers/onnx_graph.h"
#include "tests/unit/converter/importers/weights_test_support.h"

namespace mmoe::converter::testing {
namespace {

// Protobuf by hand: numbers below 2^21 as varints, everything else behind its length.

std::string varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(0x80 | (value & 0x7f));
  return bytes + static_cast<char>(value);
}

std::string number_field(unsigned field, uint64_t value) { return varint(field << 3) + varint(value); }
std::string field(unsigned number, const std::string& bytes) {
  return varint(number << 3 | 2) + varint(bytes.size()) + bytes;
}

std::string tensor(const std::string& name, const std::vector<uint64_t>& dims, const std::string& rest,
                   uint64_t data_type = 1) {
  std::string bytes = number_field(2, data_type) + field(8, name) + rest;
  for (const uint64_t size : dims) bytes += number_field(1, size);
  return bytes;
}

std::string raw(const std::string& bytes) { return field(9, bytes); }

/// In another file.
std::string external(const std::string& location, const std::string& offset = "0") {
  return number_field(14, 1) + field(13, field(1, "location") + field(2, location)) +
         field(13, field(1, "offset") + field(2, offset));
}

std::string model(const std::string& tensors) { return number_field(1, 8) + field(2, "test") + field(7, tensors); }

std::string one_tensor(const std::string& message) { return model(field(5, message)); }

}  // namespace

TEST_CASE("onnx: a model's constants are tensors too") {
  const auto source = open_weights(fixture_path("../onnx/shared_bottom.onnx"));
  CHECK(source->format() == "onnx");
  CHECK(source.graph() != nullptr);
  CHECK(source->tensors()[index_of(*source, "bottom.0.weight")].shape == std::vector<uint64_t>{8, 6});
  CHECK(read_named(*source, "bottom.0.weight").size() == 48);
}

TEST_CASE("onnx: every way to keep elements") {
  const auto values = [](const std::string& message) {
    const std::string bytes = one_tensor(message);
    return parse_weights("test.file", bytes)->read(0);
  };
  CHECK(values(tensor("w", {2}, raw(le(uint32_t{0xc0400000}) + le(uint32_t{0xc0200000})))) == ramp_of({0, 1}));
  CHECK(values(tensor("w", {1}, field(4, le(uint32_t{0xc0400000})))) == ramp_of({0}));
  CHECK(values(tensor("w", {1}, raw(le(uint16_t{0xc200})), 10)) == ramp_of({0}));
  CHECK(values(tensor("w", {1}, field(5, varint(0xc200)), 10)) == ramp_of({0}));
  CHECK(values(tensor("w", {1}, field(10, le(uint64_t{0xc008000000000000})), 11)) == ramp_of({0}));
  CHECK(values(tensor("w", {0, 3}, "")).empty());
  const std::string integers = one_tensor(tensor("i", {2}, field(7, varint(5) + varint(6)), 7));
  CHECK_CONTAINS(error_of([&] { parse_weights("test.file", integers)->read(0); }), "tensor 'i' is of type i64");
}

TEST_CASE("onnx: constants that are not what they declare are refused by name") {
  const auto refused = [](const std::string& message, const std::string& part) {
    const std::string error = parse_error_of(one_tensor(message));
    CHECK_CONTAINS(error, "test.file: tensor 'w': ");
    CHECK_CONTAINS(error, part);
  };
  refused(tensor("w", {3}, raw("12345678")), "shape [3] of f32 needs 12 bytes, but it has 8");
  refused(tensor("w", {3}, field(4, "12345678")), "shape [3] needs 3 elements, but it has 2");
  refused(tensor("w", {uint64_t{1} << 40}, ""), "needs 1099511627776 elements, but it has 0");
  refused(tensor("w", {uint64_t{1} << 62, 4}, ""), "needs more than 2^63 bytes");
  refused(tensor("w", {~uint64_t{0}}, ""), "negative size");
  refused(tensor("w", std::vector<uint64_t>(65, 1), ""), "65 dimensions");
  const std::string one = field(5, tensor("w", {1}, raw("1234")));
  CHECK_CONTAINS(parse_error_of(model(one + one)), "tensor 'w' occurs twice");
  CHECK_CONTAINS(parse_error_of(number_field(1, 8) + field(2, "test")), "has no graph");
}

TEST_CASE("onnx: weights in another file are read beside the model and nowhere else") {
  namespace fs = std::filesystem;
  const fs::path folder = fs::temp_directory_path() / "mmoe_onnx_test";
  fs::create_directories(folder);
  std::ofstream(folder / "data.bin", std::ios::binary) << "skip" + le(uint32_t{0xc0400000});
  const auto read = [&](const std::string& message) {
    const std::string bytes = one_tensor(message);
    return parse_weights((folder / "model.onnx").string(), bytes)->read(0);
  };
  CHECK(read(tensor("w", {1}, external("data.bin", "4"))) == ramp_of({0}));
  const auto refusal = [&](const std::string& message) { return error_of([&] { read(message); }); };
  CHECK_CONTAINS(refusal(tensor("w", {1}, external("../mmoe_onnx_test/data.bin"))), "outside the model's folder");
  CHECK_CONTAINS(refusal(tensor("w", {1}, external("/etc/passwd"))), "outside the model's folder");
  CHECK_CONTAINS(refusal(tensor("w", {1}, external(""))), "outside the model's folder");
  CHECK_CONTAINS(refusal(tensor("w", {1}, external("data.bin", "5"))), "has 8 bytes, too few for 4 from 5");
  CHECK_CONTAINS(refusal(tensor("w", {1}, external("data.bin", "-1"))), "'-1' is not a number");
  CHECK_CONTAINS(refusal(tensor("w", {1}, external("absent.bin"))), "absent.bin: cannot be read");
  fs::remove_all(folder);
}

TEST_CASE("onnx: links lead to other files of the model's folder and nowhere else") {
  namespace fs = std::filesystem;
  const fs::path root = fs::temp_directory_path() / "mmoe_onnx_links_test", folder = root / "model";
  fs::remove_all(root);
  fs::create_directories(folder / "parts");
  std::ofstream(root / "secret.bin", std::ios::binary) << le(uint32_t{0xc0400000});
  std::ofstream(folder / "parts" / "data.bin", std::ios::binary) << le(uint32_t{0xc0400000});
  fs::create_symlink("../secret.bin", folder / "out.bin");
  fs::create_symlink(root / "secret.bin", folder / "absolute.bin");
  fs::create_directory_symlink("..", folder / "up");
  fs::create_symlink("parts/data.bin", folder / "inside.bin");
  fs::create_directory_symlink("parts", folder / "same");
  fs::create_directory_symlink("model", root / "by_link");
  fs::create_symlink("loop.bin", folder / "loop.bin");
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  const auto read = [&](const std::string& location, const fs::path& in) {
    const std::string bytes = one_tensor(tensor("w", {1}, external(location)));
    return parse_weights((in / "model.onnx").string(), bytes)->read(0);
  };
  for (const char* inside : {"parts/data.bin", "./parts/data.bin", "inside.bin", "same/data.bin"}) {
    CAPTURE(inside);
    CHECK(read(inside, folder) == ramp_of({0}));
    CHECK(read(inside, root / "by_link") == ramp_of({0}));
  }
  const auto refusal = [&](const char* location) { return error_of([&] { read(location, folder); }); };
  for (const char* outside : {"out.bin", "absolute.bin", "up/secret.bin", "up/model/../secret.bin"}) {
    CAPTURE(outside);
    CHECK_CONTAINS(refusal(outside), "outside the model's folder");
  }
  CHECK_CONTAINS(refusal("loop.bin"), "cannot be read");
  CHECK_CONTAINS(refusal("pipe"), "is not a regular file");
  CHECK_CONTAINS(refusal("parts"), "is not a regular file");
  CHECK_CONTAINS(refusal("parts/data.bin/more"), "cannot be read");
  fs::remove_all(root);
}

TEST_CASE("onnx: operator sets, domains, functions, nested graphs and types of inputs are kept") {
  const std::string set = field(8, number_field(2, 15)),
                    other = field(8, field(1, "com.microsoft") + number_field(2, 1));
  const std::string function = field(25, field(1, "Block") + field(10, "mine"));
  const std::string inner = field(1, field(1, "around") + field(2, "y") + field(4, "Relu")) + field(12, field(1, "y"));
  const std::string nested = field(1, field(4, "If") + field(5, field(1, "then_branch") + field(6, inner))) +
                             field(1, field(4, "Scan") + field(5, field(1, "body") + field(6, "no graph")));
  const std::string foreign = field(1, field(4, "Gelu") + field(7, "com.microsoft"));
  const std::string sparse = field(15, field(1, field(8, "s")));
  const auto input = [](const std::string& name, uint64_t type) {
    return field(11, field(1, name) + field(2, field(1, number_field(1, type))));
  };
  const std::string graph =
      nested + foreign + sparse + input("x", 1) + input("half", 10) + input("ids", 7) + input("brain", 16);
  const std::string bytes = number_field(1, 8) + field(2, "test") + field(7, graph) + set + other + function;
  const OnnxGraph parsed = parse_onnx("test.file", bytes);
  CHECK(parsed.opset == 15);
  CHECK(parsed.functions == std::set<std::string>{"mine.Block"});
  CHECK(parsed.sparse_constants == std::set<std::string>{"s"});
  REQUIRE(parsed.nodes.size() == 3);
  const OnnxAttribute& branch = parsed.nodes[0].attributes.at("then_branch");
  CHECK(branch.graph);
  REQUIRE(branch.branch != nullptr);
  REQUIRE(branch.branch->nodes.size() == 1);
  CHECK(branch.branch->nodes[0].operation == "Relu");
  CHECK(branch.branch->outputs[0].name == "y");
  CHECK(parsed.nodes[0].captured == std::vector<std::string>{"around"});
  CHECK(parsed.nodes[1].attributes.at("body").graph);
  CHECK(parsed.nodes[1].attributes.at("body").branch == nullptr);
  CHECK(parsed.nodes[2].operation == "com.microsoft.Gelu");
  REQUIRE(parsed.inputs.size() == 4);
  CHECK(parsed.inputs[1].dtype == "f16");
  CHECK(parsed.inputs[2].is_integer);
  CHECK_FALSE(parsed.inputs[3].is_integer);
  CHECK(parsed.inputs[3].dtype == "bf16");
}

TEST_CASE("onnx: branches within each other are read up to a depth, and damaged ones refused") {
  const auto model = [](const std::string& graph) { return number_field(1, 8) + field(2, "test") + field(7, graph); };
  const auto within = [](const std::string& graph) {
    return field(1, field(4, "If") + field(5, field(1, "then_branch") + field(6, graph)));
  };
  std::string graph;
  for (size_t depth = 0; depth < 16; ++depth) graph = within(graph);
  CHECK(parse_onnx("test.file", model(graph)).nodes.size() == 1);
  const auto refusal = [&](const std::string& bytes) {
    return error_of([&] { parse_onnx("test.file", model(bytes)); });
  };
  CHECK_CONTAINS(refusal(within(graph)), "test.file: more than 16 graphs lie within each other");
  CHECK_CONTAINS(refusal(within("no graph")), "test.file: a branch of an If is damaged");
}

TEST_CASE("onnx: no truncation and no flipped bit crashes") {
  const std::string bytes = one_tensor(tensor("w", {2}, raw("12345678")));
  for (size_t size = 0; size < bytes.size(); ++size) CHECK(!parse_error_of(bytes.substr(0, size)).empty());
  for (size_t at = 0; at < bytes.size(); ++at) {
    for (int value = 0; value < 256; ++value) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(value);
      CHECK(survives(damaged));
    }
  }
}

}  // namespace mmoe::converter::testing
