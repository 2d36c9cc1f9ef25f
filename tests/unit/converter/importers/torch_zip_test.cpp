#include <cstdlib>

#include "tests/unit/converter/importers/weights_test_support.h"

namespace mmoe::converter::testing {
namespace {

/// A state_dict of one tensor "w" on storage "0", for which the archive has `stored` zero bytes.
std::string one_tensor(const std::string& pickled_tensor, size_t stored) {
  return torch_file(pickle(dict({{"w", pickled_tensor}})), {{"0", std::string(stored, '\0')}});
}

void check_tiny(const WeightSource& source) {
  REQUIRE(source.tensors().size() == 2);
  CHECK(source.tensors()[0].name == "w");
  CHECK(source.tensors()[0].shape == std::vector<uint64_t>{2, 3});
  CHECK(source.read(0) == ramp_of({0, 1, 2, 3, 4, 5}));
  CHECK(source.read(1) == ramp_of({0, 1}));
}

void check_net(const WeightSource& source, size_t num_tensors) {
  REQUIRE(source.tensors().size() == num_tensors);
  CHECK(source.tensors()[0].name == "linear.weight");
  CHECK(source.tensors()[0].shape == std::vector<uint64_t>{3, 2});
  for (const std::string name : {"linear.weight", "linear.bias", "norm.weight", "norm.bias"}) {
    const std::vector<float> values = read_named(source, name);
    for (size_t i = 0; i < values.size(); ++i) CHECK(values[i] == ramp(i));
  }
}

}  // namespace

TEST_CASE("torch: every type, layout and sharing") {
  const auto source = open_weights(fixture_path("kinds.pt"));
  CHECK(source->format() == "pytorch");
  CHECK(source->tensors().size() == 15);
  for (const std::string name : {"f32", "f64", "f16", "bf16", "scalar", "empty", "shared"}) {
    CAPTURE(name);
    const std::vector<float> values = read_named(*source, name);
    CHECK(source->tensors()[index_of(*source, name)].dtype == (name[0] == 's' || name[0] == 'e' ? "f32" : name));
    CHECK(values.size() == source->tensors()[index_of(*source, name)].num_elements());
    for (size_t i = 0; i < values.size(); ++i) CHECK(values[i] == ramp(i));
  }
  CHECK(read_named(*source, "row_2") == ramp_of({12, 13, 14, 15, 16, 17}));
  CHECK(read_named(*source, "column_1") == ramp_of({1, 7, 13, 19}));
  CHECK(read_named(*source, "every_other") == ramp_of({6, 8, 10, 12, 14, 16, 18, 20, 22}));
  CHECK(read_named(*source, "transposed") == ramp_of({0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11}));
  CHECK(read_named(*source, "expanded") == ramp_of({0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2}));
  const std::vector<float> permuted = read_named(*source, "permuted");  // [4, 2, 3] out of [2, 3, 4]
  REQUIRE(permuted.size() == 24);
  for (size_t i = 0; i < 24; ++i) CHECK(permuted[i] == ramp((i / 3 % 2) * 12 + (i % 3) * 4 + i / 6));
}

TEST_CASE("torch: integers are read as floats, booleans are not") {
  const auto source = open_weights(fixture_path("kinds.pt"));
  CHECK(is_whole(read_named(*source, "i64")));
  CHECK_CONTAINS(error_of([&] { read_named(*source, "bool"); }), "'bool' is of type bool");
}

TEST_CASE("torch: the ways of saving a state_dict") {
  check_net(*open_weights(fixture_path("module_state.pt")), 7);  // with BatchNorm's counter, and _metadata
  check_net(*open_weights(fixture_path("parameters.pt")), 4);
  for (const char* file : {"tiny.pt", "protocol4.pt", "deflated.pt", "big_endian.pt", "no_checksums.pt"}) {
    CAPTURE(file);
    check_tiny(*open_weights(fixture_path(file)));
  }
}

TEST_CASE("torch: the pickles of torch 2.x") {
  const auto source = open_weights(fixture_path("torch2.pt"));
  REQUIRE(source->tensors().size() == 3);
  CHECK(source->read(0) == ramp_of({0, 1, 2, 3, 4, 5}));
  CHECK(source->tensors()[1].dtype == "u16");
  CHECK(source->tensors()[1].shape == std::vector<uint64_t>{2});
  CHECK(source->read(2) == ramp_of({4, 5}));
}

TEST_CASE("torch: a checkpoint's model is found among its other dictionaries") {
  check_net(*open_weights(fixture_path("checkpoint.pt")), 7);
}

TEST_CASE("torch: which dictionary is the state_dict") {
  const std::string one = tensor(storage("FloatStorage", "0", 1), 0, {1}, {1});
  const auto names = [&](const std::string& root) {
    const auto bytes = torch_file(pickle(root), {{"0", std::string(4, '\0')}});
    std::string all;
    const auto source = parse_weights("test.file", bytes);
    for (const TensorInfo& info : source->tensors()) all += info.name + " ";
    return all;
  };
  const auto refusal = [&](const std::string& root) { return error_of([&] { names(root); }); };

  CHECK(names(dict({{"a", one}, {"note", "N"}})) == "a ");
  CHECK(names(dict({{"my_ranker", dict({{"a", one}})}, {"epoch", "K\x01"}})) == "a ");
  CHECK(names(dict({{"ema", dict({{"a", one}})}, {"net", dict({{"b", one}})}})) == "b ");
  CHECK(names(dict({{"loss", one}, {"weights", dict({{"b", one}})}})) == "b ");
  CHECK(names(dict({{"model", dict({{"a", one}, {"model", dict({{"b", one}})}})}})) == "a ");
  CHECK(names(dict({{"w", dict({{"a", one}})},
                    {"opt", dict({{"state", dict({{"b", one}})}, {"param_groups", "]"}})}})) == "a ");

  CHECK_CONTAINS(refusal(dict({{"model", dict({{"a", one}})}, {"net", dict({{"b", one}})}})),
                 "holds 2 dictionaries of tensors: checkpoint['model'], checkpoint['net']");
  CHECK_CONTAINS(refusal(dict({{"a", one}, {"ema", dict({{"b", one}})}})), "checkpoint, checkpoint['ema']");
  CHECK_CONTAINS(refusal(dict({{"epoch", "K\x01"}})), "holds no tensors");
  CHECK_CONTAINS(refusal(dict({{"a", one}, {"a", one}})), "tensor 'a' occurs twice");
  CHECK(names(dict({{"caf\u00e9 \u4efb\u52a1", one}})) == "caf\u00e9 \u4efb\u52a1 ");
  for (const char* name : {"\xff", "\x80", "a\xc3", "\xe4\xbb", "\xc3z"}) {
    CHECK_CONTAINS(refusal(dict({{name, one}})), "its name is not UTF-8");
  }
  CHECK_CONTAINS(refusal("}(K\x01" + one + text("a") + one + "u"), "key is not a string");
  CHECK_CONTAINS(refusal(one), "one tensor without a name");
  CHECK_CONTAINS(refusal("]"), "no dictionary");
  CHECK_CONTAINS(error_of([] { open_weights(fixture_path("ambiguous.pt")); }),
                 "checkpoint['user'], checkpoint['item']");
}

TEST_CASE("torch: a dictionary that contains itself is walked once") {
  const std::string one = tensor(storage("FloatStorage", "0", 1), 0, {1}, {1});
  const std::string bytes =
      torch_file(pickle("}q\x01(" + text("me") + "h\x01" + text("a") + one + "u"), {{"0", std::string(4, '\0')}});
  CHECK(parse_weights("test.file", bytes)->tensors().size() == 1);
}

TEST_CASE("torch: what is not a state_dict is refused with what to do") {
  const auto refusal = [](const char* file) { return error_of([&] { open_weights(fixture_path(file)); }); };
  CHECK_CONTAINS(refusal("module.pt"), "a whole model object of class '__main__.Net'");
  CHECK_CONTAINS(refusal("module.pt"), "torch.save(model.state_dict(), path)");
  CHECK_CONTAINS(refusal("torchscript.pt"), "TorchScript");
  CHECK_CONTAINS(refusal("legacy.pt"), "_use_new_zipfile_serialization=False");
}

TEST_CASE("torch: a pickle that wants to run something is refused and runs nothing") {
  REQUIRE(unsetenv("MMOE_PICKLE_RAN") == 0);
  const std::string call = global("os", "putenv") + text("MMOE_PICKLE_RAN") + text("1") + "\x86R";
  const std::string message = parse_error_of(torch_file(pickle(call), {}));
  CHECK_CONTAINS(message, "test.file: the file asks to import 'os.putenv'");
  CHECK(std::getenv("MMOE_PICKLE_RAN") == nullptr);
}

TEST_CASE("torch: views outside their storage are refused by name") {
  constexpr int64_t kHuge = INT64_MAX;
  const std::string six = storage("FloatStorage", "0", 6);
  const auto refused = [&](const std::string& pickled_tensor, const std::string& part) {
    const std::string message = parse_error_of(one_tensor(pickled_tensor, 24));
    CHECK_CONTAINS(message, "test.file: tensor 'w': ");
    CHECK_CONTAINS(message, part);
  };
  CHECK(parse_error_of(one_tensor(tensor(six, 0, {2, 3}, {3, 1}), 24)).empty());
  refused(tensor(six, 1, {2, 3}, {3, 1}), "needs 7 elements, but its storage '0' has 6");
  refused(tensor(six, 0, {2, 3}, {4, 1}), "needs 7 elements");
  refused(tensor(six, 6, {}, {}), "needs 7 elements");
  refused(tensor(six, kHuge, {1}, {1}), "elements, but its storage '0' has 6");
  refused(tensor(six, 0, {2, 2, 2}, {kHuge, kHuge, kHuge}), "more than 2^63");
  refused(tensor(six, 0, {kHuge, kHuge}, {0, 0}), "more than 2^63");
  refused(tensor(six, 0, {kHuge}, {0}), "save tensor.contiguous()");
  refused(tensor(six, 0, {1 << 25}, {0}), "repeats 6 stored elements");
  refused(tensor(six, 0, {2, 3}, {1}), "as many strides as sizes");
  refused(tensor(six, -1, {2}, {1}), "storage offset");
  refused(tensor(six, 0, {-2}, {1}), "shape");
  refused(tensor(six, 0, {2}, {-1}), "strides");
  refused(tensor(six, 0, std::vector<int64_t>(65, 1), std::vector<int64_t>(65, 1)), "65 dimensions");
  refused(tensor("N", 0, {2}, {1}), "has no storage");
}

TEST_CASE("torch: storages that are not what is declared are refused by name") {
  const auto refused = [](const std::string& stored, size_t bytes, const std::string& part) {
    const std::string message = parse_error_of(one_tensor(tensor(stored, 0, {1}, {1}), bytes));
    CHECK_CONTAINS(message, "tensor 'w': ");
    CHECK_CONTAINS(message, part);
  };
  refused(storage("FloatStorage", "0", 7), 24, "declared with 28 bytes, but the archive holds 24");
  refused(storage("FloatStorage", "0", 5), 24, "declared with 20 bytes, but the archive holds 24");
  refused(storage("FloatStorage", "0", int64_t{1} << 40), 24, "declared with 4398046511104 bytes");
  refused(storage("FloatStorage", "0", INT64_MAX), 24, "2^64 bytes");
  refused(storage("FloatStorage", "0", -1), 24, "number of stored elements");
  refused(storage("FloatStorage", "1", 6), 24, "'1' is not in the archive");
  refused(storage("FloatStorage", "../data.pkl", 6), 24, "is not in the archive");
  refused("(" + text("module") + "tQ", 24, "its storage is not");
}

TEST_CASE("torch: an archive entry that declares more than the archive has is refused") {
  const std::string state = pickle(dict({{"w", tensor(storage("FloatStorage", "0", 1 << 28), 0, {1}, {1})}}));
  const std::string bytes = zip_file({{"archive/data.pkl", state, static_cast<uint32_t>(state.size())},
                                      {"archive/data/0", "1234", uint32_t{1} << 30}});
  CHECK_FALSE(parse_error_of(bytes).empty());
  CHECK_CONTAINS(parse_error_of(zip_file({{"a/data.pkl", "N.", 2}, {"b/data.pkl", "N.", 2}})), "two data.pkl");
  CHECK_CONTAINS(parse_error_of(zip_file({{"a/x", "", 0}})), "with neither data.pkl (PyTorch)");
  CHECK_CONTAINS(parse_error_of(zip_file({{"a/data.pkl", "N.", 2}, {"a/byteorder", "middle", 6}})), "'middle'");
}

TEST_CASE("torch: a dictionary of a million levels is walked without recursion") {
  std::string nested;
  const std::string key = text("k") + "q\x01";
  for (int i = 0; i < 200'000; ++i) nested += "}h\x01";
  nested += "}" + std::string(200'000, 's');
  const std::string bytes = torch_file(pickle(key + "0" + nested), {});
  CHECK_CONTAINS(parse_error_of(bytes), "holds no tensors");
}

TEST_CASE("torch: no truncation and no flipped bit crashes") {
  for (const char* file : {"tiny.pt", "deflated.pt", "no_checksums.pt"}) check_damage(file);
}

TEST_CASE("torch: a flipped bit of a weight is found by the archive's checksum") {
  std::string bytes = fixture_bytes("tiny.pt");
  const size_t at = bytes.find(le(uint32_t{0xc0400000}));  // -3, the first weight
  REQUIRE(at != std::string::npos);
  bytes[at] = 1;
  const auto source = parse_weights("test.file", bytes);
  CHECK_CONTAINS(error_of([&] { source->read(0); }), "test.file: tensor 'w': archive entry 'tiny/data/0' ");
}

}  // namespace mmoe::converter::testing
