// `nodes` of a recipe, completed by what the file has.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "converter/recipes/layers_writer.h"

namespace mmoe::converter {

/// A task by its text in the tensors' names, such as "0", and by its name in the description.
struct RecipeTask {
  std::string text;
  std::string name;
};

/// What is not in the file is left out, and whoever reads it gets what the recipe says `else`.
class NodesWriter {
 public:
  NodesWriter(LayersWriter& layers, const NameIndex& names, const Settings& settings, std::vector<RecipeTask> tasks)
      : layers_(layers), names_(names), settings_(settings), tasks_(std::move(tasks)) {}

  nlohmann::ordered_json write(const nlohmann::ordered_json& list);
  /// The stream that is read in the place of `name`, a level or a node.
  void replace(const std::string& name, const nlohmann::ordered_json& stream);
  /// The same streams with those put in that are there: a name, or a list of operands.
  nlohmann::ordered_json streams(const nlohmann::ordered_json& streams) const;
  /// The same of parts side by side, one list.
  nlohmann::ordered_json parts(const nlohmann::ordered_json& parts) const;

 private:
  void add_item(const nlohmann::ordered_json& item, nlohmann::ordered_json& list);
  void add_node(nlohmann::ordered_json node, nlohmann::ordered_json& list);
  void add_each(const nlohmann::ordered_json& group, nlohmann::ordered_json& list);
  nlohmann::ordered_json number_of(const nlohmann::ordered_json& rule) const;
  void add_softmax(nlohmann::ordered_json& attention) const;
  void leave_out_norm(nlohmann::ordered_json& node) const;
  void add_each_within(const nlohmann::ordered_json& group, nlohmann::ordered_json& list);
  void add_each_of_tasks(const nlohmann::ordered_json& group, nlohmann::ordered_json& list);
  std::vector<std::string> numbers_of(const nlohmann::ordered_json& group) const;
  void add_related(const nlohmann::ordered_json& node, nlohmann::ordered_json& list);
  void add_missing(const nlohmann::ordered_json& node, const std::vector<std::string>& missing,
                   nlohmann::ordered_json& list);
  std::vector<std::string> tasks_without(const nlohmann::ordered_json& node) const;
  bool is_absent(const nlohmann::ordered_json& node) const;
  std::string first_layer(const nlohmann::ordered_json& node) const;
  std::vector<std::string> relations_of(const nlohmann::ordered_json& node, const std::string& task) const;

  LayersWriter& layers_;
  const NameIndex& names_;
  const Settings& settings_;
  std::vector<RecipeTask> tasks_;
  std::map<std::string, nlohmann::ordered_json> replaced_;  // by the name of what is not there
};

}  // namespace mmoe::converter
