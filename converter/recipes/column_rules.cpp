#include "converter/recipes/column_rules.h"

#include <string>
#include <vector>

#include "converter/error.h"
#include "converter/recipes/layers_rules.h"

namespace mmoe::converter {

namespace {

// One for each text that {task} stands for.
void check_block_of_texts(const JsonReader& item) {
  item.allow_keys({"name", "count"});
  const JsonReader count = item.get("count", "");
  if (!count.is_object()) count.fail_expected("one dimension, whose pattern has {task}");
  check_has(count.get(count.keys().front(), ""), "{task}");
}

// Features of a kind.
void check_block_of_kind(const JsonReader& item, const JsonReader& kind) {
  const size_t in_order = 7;
  const size_t chosen =
      kind.choice({"all", "embedded", "dense", "second", "history", "queried", "others", "in_order", "masks"});
  if (chosen != in_order) item.allow_keys({"name", "of"});
  if (chosen == in_order) (void)item.get("attended", "the node in the place of a history").string();
}

// `before`: the names of the blocks in front of it.
void check_counted_block(const JsonReader& item, const std::string& name, const std::vector<std::string>& before) {
  const JsonReader count = item.get("count", "what tells the number of columns");
  for (const JsonReader& rule : count.is_array() ? some_items(count) : count.items_or_self())
    check_shape(rule, {"outputs_of", "inputs_of"});
  if (name.find("{task}") != std::string::npos) check_block_of_texts(item);
  const auto less = item.find("less");
  if (less && less->is_object()) check_shape(*less, {"outputs_of", "inputs_of"});
  if (less && !less->is_object()) less->choice(before);
}

}  // namespace

// Blocks of x, in its order.
void check_columns(const JsonReader& model) {
  const auto list = model.find("columns");
  if (!list) return;
  std::vector<std::string> before;
  for (const JsonReader& item : some_items(*list)) {
    item.allow_keys({"name", "count", "less", "rest", "of", "attended"});
    const std::string name = item.get("name", "by which nodes read them").string();
    const auto kind = item.find("of"), rest = item.find("rest");
    if (kind.has_value() != list->items().front().find("of").has_value())
      item.fail("expected `of` in each block, or in none");
    if (kind) {
      check_block_of_kind(item, *kind);
    } else if (rest) {
      check_true(*rest);
      item.allow_keys({"name", "rest"});
      if (item.path() != list->items().back().path()) rest->fail("is for the last block");
    } else {
      check_counted_block(item, name, before);
    }
    before.push_back(name);
  }
}

}  // namespace mmoe::converter
