#include "converter/recipes/recipe.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "converter/error.h"
#include "converter/model/limits.h"
#include "converter/reading/names.h"
#include "converter/reading/text.h"
#include "converter/recipes/columns.h"
#include "converter/recipes/copies.h"
#include "converter/recipes/features.h"
#include "converter/recipes/fuxictr.h"
#include "converter/recipes/library.h"
#include "converter/recipes/network.h"
#include "converter/recipes/nodes.h"
#include "converter/recipes/shape_rules.h"
#include "converter/shape_text.h"

namespace mmoe::converter {

using nlohmann::json;
using nlohmann::ordered_json;

namespace {

struct Library {
  std::string name;
  ordered_json text;
};

std::vector<Library> read_libraries(const std::string& name) {
  std::vector<Library> libraries;
  for (const LibraryText& text : library_texts()) {
    if (name.empty() || name == text.name)
      libraries.push_back({std::string(text.name), ordered_json::parse(text.text)});
  }
  if (libraries.empty()) {
    throw ConvertError("--recipe: there is no recipe \"" + name + "\"; there are " + join(recipe_names()));
  }
  return libraries;
}

// `names` of a model: what the file calls the modules whose names its users choose. {"mmoe": "*/expert_kernel"} puts
// what stands before the fixed end of the first such name in the place of every "$mmoe". Nothing if there is no such
// name.
std::optional<ordered_json> with_names(const ordered_json& model, const NameIndex& names) {
  std::string text = model.dump();
  std::set<std::string> taken;
  const ordered_json variables = model.value("names", ordered_json::object());
  for (const auto& [variable, glob] : variables.items()) {
    const std::string pattern = glob.get<std::string>();
    const std::string end = pattern.substr(pattern.find('*') + 1);
    const auto module = names.first_like(pattern, end, taken);
    if (!module) return std::nullopt;
    taken.insert(*module);
    const std::string quoted = json(*module).dump(), wanted = "$" + variable;
    for (size_t at = text.find(wanted); at != text.npos; at = text.find(wanted, at + quoted.size() - 2)) {
      text.replace(at, wanted.size(), quoted, 1, quoted.size() - 2);
    }
  }
  return ordered_json::parse(text);
}

// `tasks` or `input` of a model: of several patterns the first that fits.
std::string first_pattern(const ordered_json& patterns, const NameIndex& names) {
  if (!patterns.is_array()) return patterns.get<std::string>();
  for (const ordered_json& pattern : patterns) {
    if (names.has(pattern.get<std::string>())) return pattern.get<std::string>();
  }
  return patterns.back().get<std::string>();
}

// Whether the file has the tensors that identify the tasks, levels and input of the model.
// A tensor of the name, and all such of the dimension where the recipe says one.
bool has_required(const ordered_json& required, const NameIndex& names) {
  if (!required.is_object()) return names.has(required.get<std::string>());
  const bool outputs = required.contains("outputs_of");
  const auto found = names.find_all(required[outputs ? "outputs_of" : "inputs_of"].get<std::string>());
  return !found.empty() && std::all_of(found.begin(), found.end(), [&](const NameIndex::Match& match) {
    const std::vector<uint64_t>& shape = names.shape(match.tensor);
    return !shape.empty() && (outputs ? shape.front() : shape.back()) == required["is"].get<uint64_t>();
  });
}

bool fits(const ordered_json& model, const NameIndex& names) {
  const auto has = [&](const char* key) { return !model.contains(key) || names.has(first_pattern(model[key], names)); };
  if (!has("tasks") || !has("levels") || !has("input")) return false;
  const ordered_json required = model.value("requires", ordered_json::array());
  return std::all_of(required.begin(), required.end(),
                     [&](const ordered_json& item) { return has_required(item, names); });
}

struct Choice {
  Library library;
  ordered_json model;
  NameIndex names;
};

std::optional<Choice> find_choice(const std::vector<Library>& libraries, const std::string& model_name,
                                  const NameIndex& names) {
  for (const Library& library : libraries) {
    for (const ordered_json& model : library.text["models"]) {
      const bool named_so = model_name == model["model"].get<std::string>();
      if (!named_so && (!model_name.empty() || model.contains("only_by_name"))) continue;
      const std::optional<ordered_json> named = with_names(model, names);
      if (named && fits(*named, names)) return Choice{library, *named, names};
    }
  }
  return std::nullopt;
}

std::vector<std::string> model_names(const std::vector<Library>& libraries, const std::string& model_name) {
  std::vector<std::string> names;
  for (const Library& library : libraries) {
    for (const ordered_json& model : library.text["models"]) {
      const std::string name = model["model"].get<std::string>();
      if (model_name.empty() || name == model_name)
        names.push_back(library.text["library"].get<std::string>() + " " + name);
    }
  }
  return names;
}

// Models whose tensors have these names, of which the settings have to name one.
std::vector<std::string> models_by_name(const std::vector<Library>& libraries, const WeightSource& weights) {
  std::vector<std::string> found;
  for (const std::string& prefix : shared_prefixes(weights.tensors())) {
    const NameIndex names(weights, prefix);
    for (const Library& library : libraries) {
      for (const ordered_json& model : library.text["models"]) {
        const std::string name = model["model"].get<std::string>();
        const bool fitting = model.contains("only_by_name") && fits(model, names);
        if (fitting) found.push_back(name + " (" + library.text["library"].get<std::string>() + ")");
      }
    }
    if (!found.empty()) return found;
  }
  return found;
}

Choice choose(const std::string& recipe, const Settings& settings, const WeightSource& weights) {
  const auto wanted = settings.reader().find("model");
  const std::string model = wanted ? wanted->string() : "";
  const std::vector<Library> libraries = read_libraries(recipe);
  const std::vector<std::string> tried = model_names(libraries, model);
  if (tried.empty()) wanted->fail_expected("one of " + join(model_names(libraries, "")));
  for (const std::string& prefix : shared_prefixes(weights.tensors())) {
    if (auto choice = find_choice(libraries, model, NameIndex(weights, prefix))) return std::move(*choice);
  }
  const std::vector<std::string> candidates =
      model.empty() ? models_by_name(libraries, weights) : std::vector<std::string>();
  if (!candidates.empty()) {
    throw ConvertError(
        "model: missing: the tensors' names are those of several models; say which it is: " + join(candidates) +
        R"(. For example {"model": ")" + candidates.front().substr(0, candidates.front().find(" (")) + R"("})");
  }
  const std::vector<TensorInfo>& tensors = weights.tensors();
  throw ConvertError("the tensors' names are not those of " +
                     (recipe.empty() ? "a model that a recipe is for" : join(tried)) +
                     (tensors.empty() ? "" : " (the file's first is " + tensors.front().name + ")") +
                     ": write a description (DESCRIPTION.md)" +
                     (settings.json.empty() ? "" : R"(. Is this one? Then "mmoe_description": 1 is missing in it)"));
}

// Width of x: the inputs of the first layer that reads it.
size_t read_input_dim(const ordered_json& library, const ordered_json& model, const NameIndex& names) {
  const std::string pattern = first_pattern(model["input"], names);
  const auto number = [](const NameIndex::Match& match, Placeholder placeholder) {
    return parse_number(match.values[placeholder]).value_or(0);
  };
  const std::vector<NameIndex::Match> matches = names.find_all(pattern);
  const auto first = std::min_element(matches.begin(), matches.end(), [&](const auto& a, const auto& b) {
    return std::make_pair(number(a, Placeholder::kLevel), number(a, Placeholder::kLayer)) <
           std::make_pair(number(b, Placeholder::kLevel), number(b, Placeholder::kLayer));
  });
  if (first == matches.end()) throw ConvertError("no tensor is named " + pattern);
  const std::vector<uint64_t>& shape = names.shape(first->tensor);
  if (shape.size() < 2)
    throw ConvertError(names.name(first->tensor) + ": " + shape_text(shape) + ", expected a matrix");
  const bool in_out = library.value("/form/orientation"_json_pointer, "") == "in_out";
  return static_cast<size_t>(in_out ? shape.front() : shape.back());
}

// A part of the library's model that has no place here: named, with what is missing.
void refuse(const Choice& choice) {
  for (const ordered_json& item : choice.model.value("refused", ordered_json::array())) {
    const std::string tensors = item["tensors"].get<std::string>();
    for (size_t i = 0; i < choice.names.size(); ++i) {
      if (!matches_glob(tensors, choice.names.name(i))) continue;
      throw ConvertError(choice.names.name(i) + ": " + item["why"].get<std::string>() + ", in the " +
                         choice.model["model"].get<std::string>() + " of " +
                         choice.library.text["library"].get<std::string>());
    }
  }
}

// {task} stands for the names of the settings too: a library may number some modules of the tasks and name others.
void set_tasks(NameIndex& names, std::vector<std::string> texts, const ordered_json& tasks) {
  for (const ordered_json& task : tasks) {
    const std::string name = task["name"].get<std::string>();
    if (std::count(texts.begin(), texts.end(), name) == 0) texts.push_back(name);
  }
  names.set_tasks(std::move(texts));
}

// Those that have a tower.
std::vector<RecipeTask> recipe_tasks(const ordered_json& tasks, const std::vector<std::string>& texts) {
  std::vector<RecipeTask> with_tower;
  for (size_t i = 0; i < tasks.size(); ++i) {
    const ordered_json& link = tasks[i]["link"];
    if (link.contains("product") || link.contains("tower")) continue;
    const std::string name = tasks[i]["name"].get<std::string>();
    with_tower.push_back({i < texts.size() ? texts[i] : name, name});
  }
  return with_tower;
}

ordered_json describe_tasks(const Choice& choice, Settings& settings, NameIndex& names, std::vector<std::string>& texts,
                            std::vector<std::string>& notes) {
  const ordered_json& model = choice.model;
  if (model.contains("fixed_tasks")) {
    const auto given = settings.reader().find("tasks");
    const bool one = model["fixed_tasks"].size() == 1;
    if (given && !one) given->fail("the tasks of this model are fixed: leave it out");
    const ordered_json tasks = given ? tasks_of(settings, choice.library.text, {"0"}, notes) : model["fixed_tasks"];
    for (const ordered_json& task : tasks) texts.push_back(task["name"].get<std::string>());
    names.set_tasks(texts);
    return tasks;
  }
  texts = names.texts_of(first_pattern(model["tasks"], names), Placeholder::kTask);
  if (texts.size() > kMaxTasks) {
    throw ConvertError("by the names of the tensors there are " + counted(texts.size(), "task") +
                       ", and a model has at most " + std::to_string(kMaxTasks));
  }
  names.set_tasks(texts);
  if (settings.find("tasks") == nullptr && settings.find("feature_map") != nullptr) {
    settings.json["tasks"] = fuxictr_labels(settings);
  }
  ordered_json tasks = tasks_of(settings, choice.library.text, texts, notes);
  for (size_t i = 0; i < texts.size() && model.contains("numbered_tasks"); ++i)
    tasks[i]["number"] = parse_number(texts[i]).value_or(i);
  set_tasks(names, texts, tasks);
  return tasks;
}

// {num_tasks} stands for the number of tasks, where a library numbers something behind them.
ordered_json with_num_tasks(const ordered_json& model, size_t num_tasks) {
  const std::string placeholder = "{num_tasks}";
  std::string text = model.dump();
  for (size_t at = text.find(placeholder); at != text.npos; at = text.find(placeholder, at))
    text.replace(at, placeholder.size(), std::to_string(num_tasks));
  return ordered_json::parse(text);
}

std::string in_last_level(std::string tensors, size_t level) {
  const std::string placeholder = "{last_level}";
  const size_t position = tensors.find(placeholder);
  return position == tensors.npos ? tensors : tensors.replace(position, placeholder.size(), std::to_string(level));
}

// A second name of a module: `tensors` and `copy_of` end in the same tensors.
void check_copies(const ordered_json& item, const WeightSource& weights, const NameIndex& names) {
  if (!item.contains("copy_of")) return;
  const std::string glob = item["tensors"].get<std::string>(), before = glob.substr(0, glob.find('*'));
  const std::string original = item["copy_of"].get<std::string>();
  for (size_t i = 0; i < names.size(); ++i) {
    if (!matches_glob(glob, names.name(i))) continue;
    const std::string other = original.substr(0, original.find('*')) + names.name(i).substr(before.size());
    const auto found = names.find_all(other);
    if (!found.empty() && are_copies(weights, names, i, found.front().tensor)) continue;
    throw ConvertError(names.name(i) + ": the library has it as a second name of " + other + ", which " +
                       (found.empty() ? "is not there" : "has other numbers") +
                       ". This is a different model with the same names of tensors: write a description "
                       "(DESCRIPTION.md)");
  }
}

// What the library saves and its own prediction does not read: noted here with the reason, so that nobody has to
// wonder.
void add_left_over(const ordered_json& owner, const WeightSource& weights, const NameIndex& names, size_t last_level,
                   ordered_json& ignored, std::vector<std::string>& notes) {
  for (const ordered_json& item : owner.value("left_over", ordered_json::array())) {
    check_copies(item, weights, names);
    const ordered_json& globs = item["tensors"];
    for (const ordered_json& glob : globs.is_array() ? globs : ordered_json::array({globs})) {
      const std::string tensors = in_last_level(glob.get<std::string>(), last_level);
      if (!names.has_like(tensors)) continue;
      ignored.push_back(names.prefix() + tensors);
      notes.push_back("left out " + tensors + ": " + item["why"].get<std::string>());
    }
  }
}

}  // namespace

std::vector<std::string> recipe_names() {
  std::vector<std::string> names;
  for (const LibraryText& text : library_texts()) names.emplace_back(text.name);
  return names;
}

bool is_recipe_settings(std::string_view text) {
  const json value = parse_json(text);
  if (!value.is_object()) {
    JsonReader(value).fail_expected("an object: a description (DESCRIPTION.md), or a recipe's settings (RECIPES.md)");
  }
  const auto describes = [&value](const char* key) { return value.contains(key); };
  const auto keys = {"mmoe_description", "architecture", "derived", "numbers", "input_dim", "trunk", "nodes", "levels"};
  return std::none_of(keys.begin(), keys.end(), describes);
}

namespace {

RecipeResult describe(const WeightSource& weights, const std::string& recipe, std::string_view text,
                      const std::filesystem::path& folder) {
  Settings settings(text, folder);
  const auto in_settings = settings.reader().find("recipe");
  const std::string claimed = recipe.empty() && in_settings ? in_settings->string() : recipe;
  Choice choice = choose(claimed, settings, weights);
  refuse(choice);
  NameIndex& names = choice.names;
  const auto last = settings.reader().find("last_activation");
  if (last && !choice.library.text.contains("own_layers"))
    last->fail("is for libraries whose users write the encoder; the recipe knows what stands there");
  RecipeResult result{choice.library.name, choice.library.text["library"], choice.model["model"], "", {},
                      !claimed.empty()};

  ordered_json description = {{"mmoe_description", 1}};
  if (const json* name = settings.find("name")) description["name"] = *name;
  std::vector<std::string> texts;
  ordered_json tasks = describe_tasks(choice, settings, names, texts, result.notes);
  const ordered_json model = with_num_tasks(choice.model, texts.size());
  if (model.contains("own_order")) choice.library.text["features"].erase("order");
  for (const char* key : {"table", "second_table"}) {
    if (model.contains(key)) choice.library.text["features"][key] = model[key];
  }
  ordered_json ignored = ordered_json::array();
  const auto features = describe_features(weights, choice.library.text, names, settings,
                                          read_input_dim(choice.library.text, model, names), ignored, result.notes);
  if (features) description["features"] = *features;
  if (const json* shared_dim = settings.find("shared_dim")) description["shared_dim"] = *shared_dim;
  const RecipeColumns columns =
      read_columns(choice.library.text, model, names, description.value("features", ordered_json()));
  if (columns.input_dim) description["input_dim"] = *columns.input_dim;
  description.update(
      describe_network(choice.library.text, model, names, settings, recipe_tasks(tasks, texts), columns, ignored));
  description["tasks"] = std::move(tasks);
  if (model.contains("note")) result.notes.push_back(model["note"]);
  const size_t last_level = description.contains("levels") ? description["levels"].size() - 1 : 0;
  add_left_over(choice.library.text, weights, names, last_level, ignored, result.notes);
  add_left_over(model, weights, names, last_level, ignored, result.notes);
  if (const json* more = settings.find("ignore")) {
    for (const json& item : *more) ignored.push_back(ordered_json(item));
  }
  if (!ignored.empty()) description["ignore"] = std::move(ignored);
  result.description = description.dump(2);
  return result;
}

}  // namespace

RecipeResult describe_by_recipe(const WeightSource& weights, const std::string& recipe, std::string_view settings,
                                const std::filesystem::path& folder) {
  try {
    return describe(weights, recipe, settings, folder);
  } catch (const json::exception& error) {
    const std::string message = error.what();  // "[json.exception.type_error.302] type must be string, but is number"
    throw ConvertError("a value of the settings is of another type than expected: " +
                       message.substr(message.find(']') + 2));
  }
}

}  // namespace mmoe::converter
