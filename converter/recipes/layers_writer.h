// Layers objects of a recipe, completed by what the file has.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "converter/recipes/name_index.h"
#include "converter/recipes/sequence.h"
#include "converter/recipes/settings.h"

namespace mmoe::converter {

class LayersWriter {
 public:
  /// `ignored`: takes the names of tensors that the library makes and does not read.
  LayersWriter(const nlohmann::ordered_json& library, const NameIndex& names, const Settings& settings,
               nlohmann::ordered_json& ignored)
      : library_(library), names_(names), settings_(settings), ignored_(ignored) {}

  /// What {level} stands for from now on; "{level}": nothing.
  void set_level(const std::string& level) { level_ = level; }
  std::string here(const std::string& pattern) const;
  /// A pattern of tensors that the description makes; `count`: so many, by their numbers.
  void add_derived(const std::string& pattern, size_t count);
  /// What {layer} of a pattern stands for, in the file and in what the description makes.
  std::vector<std::string> numbers_of(const std::string& pattern) const;

  bool has(const std::string& pattern) const;
  bool has(const nlohmann::ordered_json& object, const char* key, const std::string& suffix) const;
  std::string weight_suffix(const nlohmann::ordered_json& layers) const;

  /// Experts and towers: `part`, whose activation the settings say.
  void finish(nlohmann::ordered_json& layers, const std::string& part);
  /// A node that is an MLP or attends.
  void finish_node(nlohmann::ordered_json& node);

  void expand_mlp(nlohmann::ordered_json& layers) const;
  void check_stack(const nlohmann::ordered_json& layers, StackEnd end) const;
  void add_form(nlohmann::ordered_json& object, bool with_norm) const;

 private:
  void finish_stack(nlohmann::ordered_json& layers, const std::string& part, StackEnd end, bool checked);
  void choose(nlohmann::ordered_json& layers, const char* key, const std::string& suffix) const;
  void add_last_activation(nlohmann::ordered_json& layers) const;
  void choose_output(nlohmann::ordered_json& layers, const std::string& weight, const std::string& output_weight) const;
  void leave_out_absent(nlohmann::ordered_json& layers) const;
  size_t experts_left(const nlohmann::ordered_json& rule) const;
  void set_num_experts(nlohmann::ordered_json& layers);
  void finish_dice(nlohmann::ordered_json& dice) const;

  const nlohmann::ordered_json& library_;
  const NameIndex& names_;
  const Settings& settings_;
  nlohmann::ordered_json& ignored_;
  std::vector<std::string> derived_;
  std::map<std::string, size_t> counts_;  // by the pattern of what is made of one tensor
  std::string level_ = "{level}";
};

}  // namespace mmoe::converter
