#include "converter/description/norms.h"

#include "converter/reading/keys.h"

namespace mmoe::converter {

namespace {

constexpr double kDiceBatchEpsilon = 1e-8;  // DeepCTR-Torch, FuxiCTR
constexpr double kDiceRowEpsilon = 1e-3;    // torch-rechub

void read_form(const JsonReader& field, NormForm& form) {
  form.torch = false;
  field.allow_keys(norm_tensors_keys());
  const auto read = [&](const char* key, std::string& suffix) {
    if (const auto text = field.find(key)) suffix = text->string();
  };
  read("gamma", form.gamma);
  read("beta", form.beta);
  read("mean", form.mean);
  read("variance", form.variance);
}

JsonReader dice_object(const JsonReader& layers) {
  const auto dice = layers.find("dice");
  if (!dice) return layers;
  dice->allow_keys(dice_keys());
  return *dice;
}

}  // namespace

NormFields::NormFields(const JsonReader& object, const std::string& key, bool with_position)
    : path(object.path() + "." + key) {
  const auto named = object.find(key);
  every_layer = named && key == "layer_norm" && named->is_true();
  if (named && !every_layer) module = named->string();
  const auto find = [&](const std::string& name) {
    const auto field = object.find(name);
    if (field && !given()) field->fail("has no meaning without `" + key + "`");
    return field;
  };
  if (const auto field = find(key + "_epsilon")) {
    epsilon = field->number();
    epsilon_given = true;
    if (epsilon < 0) field->fail_expected("0 or more");
  }
  if (const auto field = find(key + "_tensors")) read_form(*field, form);
  if (!with_position) return;
  if (const auto field = find(key + "_position")) {
    after_activation = field->choice({"before_activation", "after_activation"}) == 1;
    position_given = true;
  }
}

DiceFields::DiceFields(const JsonReader& layers)
    : path(layers.path() + ".dice"), norm(dice_object(layers), "batch_norm", false) {
  const auto dice = layers.find("dice");
  if (!dice) {
    norm.module.clear();
    return;
  }
  alpha = dice->get("alpha", "the pattern of the tensors with one slope per output, or one").string();
  norm.epsilon = norm.module.empty() ? kDiceRowEpsilon : kDiceBatchEpsilon;
  if (const auto field = dice->find("divide_by")) {
    if (!norm.module.empty()) field->fail("has no meaning with `batch_norm`, which divides by the deviation");
    deviation = field->choice({"sum_of_squares", "deviation"}) == 1;
  }
  if (const auto field = dice->find("epsilon")) {
    norm.epsilon = field->number();
    norm.epsilon_given = true;
    if (norm.epsilon < 0) field->fail_expected("0 or more");
  }
}

}  // namespace mmoe::converter
