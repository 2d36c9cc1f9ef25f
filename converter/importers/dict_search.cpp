#include "converter/importers/dict_search.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <unordered_set>
#include <vector>

#include "converter/error.h"
#include "converter/importers/messages.h"

namespace mmoe::converter {
namespace {

constexpr std::string_view kPreferredKeys[] = {"state_dict", "model_state_dict", "model", "net", "weights"};

/// A dictionary inside the checkpoint, and the key it was reached by.
struct Found {
  PickleRef dict;
  std::string_view key;  // empty for the root
  size_t parent;         // in the list of what was found; its own index for the root
  size_t depth;
};

class Search {
 public:
  Search(const PickleValues& values, IsTensor* is_tensor, std::string_view expected)
      : values_(values), is_tensor_(is_tensor), expected_(expected) {}

  PickleRef choose(PickleRef root) {
    visit(root, {}, 0, 0);
    for (size_t i = 0; i < found_.size(); ++i) visit_children(i);  // breadth first; grows while it runs
    if (candidates_.empty()) {
      throw ConvertError("holds no tensors; " + expected_);
    }
    return candidates_.size() == 1 ? found_[candidates_[0]].dict : choose_preferred();
  }

 private:
  void visit(PickleRef dict, std::string_view key, size_t parent, size_t depth) {
    if (!visited_.insert(dict).second || is_optimizer(dict)) return;
    found_.push_back({dict, key, parent, depth});
    if (holds_tensors(dict)) candidates_.push_back(found_.size() - 1);
  }

  void visit_children(size_t index) {
    const PickleSpan items = values_.dict(found_[index].dict);
    for (size_t i = 0; i + 1 < items.count; i += 2) {
      if (values_.kind(items[i + 1]) != PickleKind::kDict) continue;
      const bool named = values_.kind(items[i]) == PickleKind::kText;
      visit(items[i + 1], named ? values_.text(items[i]) : "?", index, found_[index].depth + 1);
    }
  }

  bool holds_tensors(PickleRef dict) const {
    const PickleSpan items = values_.dict(dict);
    for (size_t i = 0; i + 1 < items.count; i += 2) {
      const bool named = values_.kind(items[i]) == PickleKind::kText;
      if (named && is_tensor_(values_, items[i + 1])) return true;
    }
    return false;
  }

  /// torch.optim.Optimizer.state_dict() is {"state": {0: {"exp_avg": tensor ...}}, "param_groups": [...]}.
  bool is_optimizer(PickleRef dict) const { return has_key(dict, "state") && has_key(dict, "param_groups"); }

  bool has_key(PickleRef dict, std::string_view key) const {
    const PickleSpan items = values_.dict(dict);
    for (size_t i = 0; i + 1 < items.count; i += 2) {
      if (values_.kind(items[i]) == PickleKind::kText && values_.text(items[i]) == key) return true;
    }
    return false;
  }

  PickleRef choose_preferred() const {
    std::vector<size_t> nearest;
    for (const size_t candidate : candidates_) {
      const Found& found = found_[candidate];
      const bool preferred =
          std::find(std::begin(kPreferredKeys), std::end(kPreferredKeys), found.key) != std::end(kPreferredKeys);
      if (preferred && (nearest.empty() || found_[nearest[0]].depth == found.depth)) nearest.push_back(candidate);
    }
    if (nearest.size() == 1) return found_[nearest[0]].dict;
    refuse_ambiguous(nearest.empty() ? candidates_ : nearest);
  }

  [[noreturn]] void refuse_ambiguous(const std::vector<size_t>& choices) const {
    constexpr size_t kShown = 8;
    std::string list;
    for (size_t i = 0; i < choices.size() && i < kShown; ++i) list += (i == 0 ? "" : ", ") + path(choices[i]);
    if (choices.size() > kShown) list += ", ...";
    throw ConvertError("holds " + std::to_string(choices.size()) + " dictionaries of tensors: " + list +
                       "; save the state_dict alone, or under the key 'state_dict'");
  }

  /// "checkpoint['ema']['net']"; only the last keys of a very deep one.
  std::string path(size_t index) const {
    constexpr size_t kShown = 4;
    std::string keys;
    for (size_t level = 0; found_[index].parent != index; index = found_[index].parent) {
      if (++level > kShown) return "..." + keys;
      keys = "[" + in_quotes(found_[index].key) + "]" + keys;
    }
    return "checkpoint" + keys;
  }

  const PickleValues& values_;
  IsTensor* is_tensor_;
  std::string expected_;
  std::unordered_set<PickleRef> visited_;
  std::vector<Found> found_;
  std::vector<size_t> candidates_;
};

}  // namespace

PickleRef find_dict_of(const PickleValues& values, PickleRef root, IsTensor* is_tensor, std::string_view expected) {
  if (values.kind(root) != PickleKind::kDict) throw ConvertError("holds no dictionary; " + std::string(expected));
  return Search(values, is_tensor, expected).choose(root);
}

}  // namespace mmoe::converter
