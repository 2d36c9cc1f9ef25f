#include "converter/importers/keras_names.h"

#include <set>

#include "converter/importers/keras_config.h"
#include "tests/unit/converter/importers/weights_test_support.h"

namespace mmoe::converter::testing {
namespace {

std::set<std::string> names_of(const WeightSource& source) {
  std::set<std::string> names;
  for (const TensorInfo& tensor : source.tensors()) names.insert(tensor.name);
  return names;
}

std::string aliased(const WeightSource& source, const std::string& alias) {
  for (const TensorAlias& candidate : source.aliases()) {
    if (candidate.name == alias) return source.tensors().at(candidate.tensor).name;
  }
  return "";
}

const std::set<std::string> kMmoeTensors = {"expert_0/kernel",   "expert_0/bias",    "expert_1/kernel", "expert_1/bias",
                                            "gate_click/kernel", "gate_like/kernel", "dense_2/kernel",  "dense_2/bias",
                                            "dense_3/kernel",    "dense_3/bias",     "click/kernel",    "click/bias",
                                            "like/kernel",       "like/bias"};

/// The names that the paths get, in order; all shapes are [1].
std::vector<std::string> names_for(KerasFile file) {
  file.shapes.assign(file.paths.size(), {1});
  std::vector<std::string> names;
  for (const KerasTensor& tensor : name_keras_tensors(file).tensors) names.push_back(tensor.name);
  return names;
}

}  // namespace

TEST_CASE("keras: the same names out of every way of saving") {
  for (const char* file : {"mmoe.h5", "mmoe.keras", "mmoe.weights.h5", "legacy.h5", "legacy_weights.h5"}) {
    CAPTURE(file);
    const auto source = open_weights(fixture_path(std::string("../keras/") + file));
    CHECK(source->format() == "keras");
    CHECK(names_of(*source) == kMmoeTensors);
    CHECK(source->tensors()[index_of(*source, "expert_1/kernel")].shape == std::vector<uint64_t>{5, 4});
    CHECK(aliased(*source, "dense#0/kernel") == "dense_2/kernel");
    CHECK(aliased(*source, "dense#1/bias") == "dense_3/bias");
  }
}

TEST_CASE("keras: with the model's config an automatic name goes by where its layer leads") {
  for (const char* file : {"mmoe.h5", "mmoe.keras", "legacy.h5"}) {
    const auto source = open_weights(fixture_path(std::string("../keras/") + file));
    CHECK(aliased(*source, "dense#0>click/kernel") == "dense_2/kernel");
    CHECK(aliased(*source, "dense#0>like/kernel") == "dense_3/kernel");
  }
  const auto weights = open_weights(fixture_path("../keras/mmoe.weights.h5"));
  CHECK(aliased(*weights, "dense#0>click/kernel").empty());
}

TEST_CASE("keras: the numbers are the model's, whatever the way of saving") {
  const auto first = open_weights(fixture_path("../keras/mmoe.h5"));
  for (const char* file : {"../keras/mmoe.keras", "../keras/mmoe.weights.h5"}) {
    const auto source = open_weights(fixture_path(file));
    for (const std::string& name : kMmoeTensors) CHECK(read_named(*source, name) == read_named(*first, name));
  }
}

TEST_CASE("keras: layers inside a layer go by their names, else by where they are") {
  const auto source = open_weights(fixture_path("../keras/members.keras"));
  CHECK(names_of(*source) == std::set<std::string>{"member/0", "member/gate/kernel", "member/gate/bias",
                                                   "member/experts/dense/kernel", "member/experts/dense/bias",
                                                   "member/experts/second/kernel", "member/experts/second/bias",
                                                   "norm/beta", "norm/moving_mean", "norm/moving_variance"});
  CHECK(aliased(*source, "member#0/experts/second/bias") == "member/experts/second/bias");
}

TEST_CASE("keras: any HDF5 file's datasets of floats, and nothing outside the file") {
  const auto source = open_weights(fixture_path("../keras/plain.h5"));
  CHECK(names_of(*source) == std::set<std::string>{"a/f64", "big", "f16", "f32", "i64", "packed", "scalar"});
  for (const char* name : {"a/f64", "big", "f16", "f32", "packed", "scalar"}) {
    CAPTURE(name);
    CHECK(is_ramp(read_named(*source, name)));
  }
  CHECK(source->tensors()[index_of(*source, "a/f64")].dtype == "f64");
  CHECK(source->tensors()[index_of(*source, "scalar")].shape.empty());
  CHECK(is_whole(read_named(*source, "i64")));
}

TEST_CASE("keras: names of the older .h5") {
  KerasFile file;
  file.layer_names = {"tower", "mmoe", "click"};
  file.paths = {"click/click/global_bias:0", "mmoe/mmoe_1/expert_kernel:0", "top_level_model_weights/step:0",
                "tower/tower/kernel0:0"};
  CHECK(names_for(file) ==
        std::vector<std::string>{"tower/kernel0", "mmoe/mmoe_1/expert_kernel", "click/global_bias", "step"});
  file.paths = {"model_weights/click/click/kernel", "optimizer_weights/adam/m"};
  CHECK(names_for(file) == std::vector<std::string>{"click/kernel"});
}

TEST_CASE("keras: stored counters are resolved by the config where no name was written down") {
  KerasFile file;
  file.paths = {"layers/dense/vars/0", "layers/dense_1/vars/0", "layers/dense_2/vars/0", "optimizer/vars/0"};
  CHECK(names_for(file) == std::vector<std::string>{"dense/kernel", "dense_1/kernel", "dense_2/kernel"});
  file.config = R"({"config": {"layers": [
    {"class_name": "InputLayer", "config": {"name": "x"}},
    {"class_name": "Dense", "config": {"name": "dense_8"}, "inbound_nodes": [[["x", 0, 0, {}]]]},
    {"class_name": "Dense", "config": {"name": "expert_0"}},
    {"class_name": "Dense", "config": {"name": "dense_4"}}]}})";
  CHECK(names_for(file) == std::vector<std::string>{"dense_8/kernel", "expert_0/kernel", "dense_4/kernel"});
  file.written_name = [](const std::string& path) { return path == "layers/dense_1/vars" ? "mine" : ""; };
  CHECK(names_for(file) == std::vector<std::string>{"dense_8/kernel", "mine/kernel", "dense_4/kernel"});
}

TEST_CASE("keras: a layer's variables are numbered in Keras's order, ten after nine") {
  KerasFile file;
  for (int i = 0; i < 11; ++i) file.paths.push_back("layers/my_layer/vars/" + std::to_string(10 - i));
  std::vector<std::string> expected;
  for (int i = 0; i < 11; ++i) expected.push_back("my_layer/" + std::to_string(i));
  CHECK(names_for(file) == expected);
}

TEST_CASE("keras: automatic names") {
  CHECK(snake_case("BatchNormalization") == "batch_normalization");
  CHECK(snake_case("PReLU") == "p_re_lu");
  CHECK(snake_case("MMoE") == "m_mo_e");
  CHECK(snake_case("Conv2D") == "conv2d");
  CHECK(snake_case("Dense") == "dense");
  CHECK(automatic_number("dense", "dense") == 0);
  CHECK(automatic_number("dense_12", "dense") == 12);
  for (const char* name : {"dense_", "dense_x", "dense_01", "dense_0", "dense2", "my_dense", "dense_1x"}) {
    CHECK_FALSE(automatic_number(name, "dense").has_value());
  }
}

TEST_CASE("keras: a config that is no config is as good as none") {
  for (const char* json : {"", "{", "[]", "{\"config\": 1}", "{\"config\": {\"layers\": [1, null, {}]}}",
                           "{\"config\": {\"layers\": {\"a\": 1}}}"}) {
    KerasFile file;
    file.paths = {"layers/dense/vars/0"};
    file.config = json;
    CHECK(names_for(file) == std::vector<std::string>{"dense/kernel"});
  }
}

TEST_CASE("keras: damaged files are errors") {
  const std::string bytes = fixture_bytes("../keras/plain.h5");
  for (size_t size = 8; size < bytes.size(); size += 997) {
    CHECK_MESSAGE(!parse_error_of(std::string(bytes, 0, size)).empty(), "truncated to ", size);
  }
  for (size_t at = 8; at < bytes.size(); at += 131) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 0xff);
    CHECK(survives(damaged));
  }
  CHECK_CONTAINS(parse_error_of("\x89HDF\r\n\x1a\n1234"), "test.file: ");
}

TEST_CASE("keras: a dataset that declares more than the file should hold is refused by name") {
  const std::string message = error_of([] { open_weights(fixture_path("../keras/huge.h5")); });
  CHECK_CONTAINS(message, "huge.h5: tensor 'w': shape [1099511627776] is more than a file of this size should hold");
}

TEST_CASE("keras: an archive without its parts") {
  CHECK_CONTAINS(parse_error_of(zip_file({{"model.weights.h5", "1234", 4}})), "damaged or truncated HDF5 file");
}

}  // namespace mmoe::converter::testing
