// Names of Keras's tensors that do not depend on how many layers were made before.
#include "converter/importers/keras_names.h"

#include <doctest/doctest.h>

#include <map>

namespace mmoe::converter {
namespace {

// The path of the dataset that an alias means.
std::map<std::string, std::string> aliases_of(const KerasFile& file) {
  const KerasNames names = name_keras_tensors(file);
  std::map<std::string, std::string> aliases;
  for (const TensorAlias& alias : names.aliases) {
    aliases[alias.name] = file.paths[names.tensors[alias.tensor].dataset];
  }
  return aliases;
}

// As DeepCTR writes it: members are numbered through the whole program, and not in the order of their text.
TEST_CASE("what nobody named inside a layer goes by its place there") {
  KerasFile file;
  for (const char* member :
       {"batch_normalization_9/gamma:0", "batch_normalization_10/gamma:0", "kernel0:0", "dice_4/dice_alpha:0",
        "dice_4/batch_normalization_11/moving_mean:0", "dice/batch_normalization_12/moving_mean:0"}) {
    file.paths.push_back(std::string("dnn_2/dnn_2/") + member);
    file.shapes.push_back({4});
  }
  file.paths.push_back("expert_0/expert_0/batch_normalization/gamma:0");
  file.shapes.push_back({4});
  file.layer_names = {"dnn_2", "expert_0"};
  std::map<std::string, std::string> aliases = aliases_of(file);
  for (const std::string layer : {"dnn_2", "dnn#0"}) {
    CAPTURE(layer);
    CHECK(aliases[layer + "/batch_normalization#0/gamma"] == file.paths[0]);
    CHECK(aliases[layer + "/batch_normalization#1/gamma"] == file.paths[1]);
    CHECK(aliases[layer + "/dice#1/dice_alpha"] == file.paths[3]);
    CHECK(aliases[layer + "/dice#1/batch_normalization#0/moving_mean"] == file.paths[4]);
    CHECK(aliases[layer + "/dice#0/batch_normalization#0/moving_mean"] == file.paths[5]);
  }
  CHECK(aliases["dnn#0/kernel0"] == file.paths[2]);
  CHECK(aliases["expert_0/batch_normalization#0/gamma"] == file.paths[6]);
  CHECK(aliases.count("expert#0/batch_normalization#0/gamma") == 0);  // somebody named expert_0
}

}  // namespace
}  // namespace mmoe::converter
