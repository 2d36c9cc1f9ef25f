#include "converter/recipes/sequence.h"

#include <algorithm>
#include <functional>
#include <map>
#include <vector>

#include "converter/error.h"
#include "converter/model/limits.h"
#include "converter/reading/text.h"

namespace mmoe::converter {

using nlohmann::ordered_json;

namespace {

enum class ModuleKind { kLayer, kBatchNorm, kLayerNorm, kActivation };

const char* name_of(ModuleKind kind) {
  switch (kind) {
    case ModuleKind::kLayer: return "a linear layer";
    case ModuleKind::kBatchNorm: return "a batch norm";
    case ModuleKind::kLayerNorm: return "a layer norm";
    default: return "an activation";
  }
}

/// One stack of modules: the numbers of those that have tensors.
struct Stack {
  std::string example;  // a tensor of it, for messages
  std::map<size_t, ModuleKind> modules;

  size_t count(ModuleKind kind) const {
    return static_cast<size_t>(
        std::count_if(modules.begin(), modules.end(), [&](const auto& module) { return module.second == kind; }));
  }
};

using Stacks = std::map<std::string, Stack>;  // by the values of the placeholders other than {layer}

void add_modules(const std::string& pattern, const NameIndex& names, Stacks& stacks,
                 const std::function<ModuleKind(const NameIndex::Match&)>& kind_of) {
  for (const NameIndex::Match& match : names.find_all(pattern)) {
    const std::optional<size_t> number = parse_number(match.values[Placeholder::kLayer]);
    if (!number) continue;
    Stack& stack = stacks[match.values[Placeholder::kLevel] + '/' + match.values[Placeholder::kTask] + '/' +
                          match.values[Placeholder::kExpert]];
    if (stack.example.empty()) stack.example = names.name(match.tensor);
    stack.modules[*number] = kind_of(match);
  }
}

// All modules of one nn.Sequential have the same pattern; what they are, their tensors tell.
Stacks read_sequences(const std::string& module, const NameIndex& names) {
  Stacks stacks;
  add_modules(module + ".weight", names, stacks, [&](const NameIndex::Match& match) {
    return names.shape(match.tensor).size() == 2 ? ModuleKind::kLayer : ModuleKind::kActivation;
  });
  Stacks biased;
  const auto is_vector = [&](const NameIndex::Match&) { return ModuleKind::kLayerNorm; };
  add_modules(module + ".bias", names, biased, is_vector);
  for (const auto& [key, stack] : biased) {
    for (const auto& [number, kind] : stack.modules) {
      const auto found = stacks[key].modules.find(number);
      if (found != stacks[key].modules.end() && found->second == ModuleKind::kActivation) found->second = kind;
    }
  }
  add_modules(module + ".running_mean", names, stacks, [](const auto&) { return ModuleKind::kBatchNorm; });
  add_modules(module + ".alpha", names, stacks, [](const auto&) { return ModuleKind::kActivation; });
  return stacks;
}

/// Compares the numbers of a stack with a library's order of modules.
class Walk {
 public:
  Walk(const std::vector<std::string>& kinds, const Stack& stack, StackEnd end) : stack_(stack), end_(end) {
    for (const std::string& kind : kinds) {
      const bool optional = kind.back() == '?';
      elements_.push_back({optional ? kind.substr(0, kind.size() - 1) : kind, optional});
    }
  }

  bool fits() { return fits(0, 0) && norms_are_complete(); }

 private:
  struct Element {
    std::string kind;
    bool optional;
  };

  // From module `number` and element `next` of a block on.
  bool fits(size_t number, size_t next) const {
    if (stack_.modules.lower_bound(number) == stack_.modules.end()) return may_end(next);
    if (next == elements_.size()) return fits(number, 0);
    const Element& element = elements_[next];
    return (takes(element.kind, number) && fits(number + 1, next + 1)) || (element.optional && fits(number, next + 1));
  }

  bool takes(const std::string& kind, size_t number) const {
    const auto module = stack_.modules.find(number);
    const bool hidden = module == stack_.modules.end();  // a module without tensors
    if (kind == "dropout") return hidden;
    if (kind == "activation") return hidden || module->second == ModuleKind::kActivation;
    if (hidden) return false;
    return module->second == (kind == "layer" ? ModuleKind::kLayer : ModuleKind::kBatchNorm);
  }

  // Modules without tensors may follow, unseen.
  bool may_end(size_t next) const {
    if (next == 1 && end_ != StackEnd::kBlock) return true;
    return end_ != StackEnd::kOutput && std::all_of(elements_.begin() + static_cast<std::ptrdiff_t>(next),
                                                    elements_.end(), [](const Element& element) {
                                                      return element.optional || element.kind == "activation" ||
                                                             element.kind == "dropout";
                                                    });
  }

  // The library puts a norm behind every layer, or behind none; an output layer has none.
  bool norms_are_complete() const {
    const size_t norms = stack_.count(ModuleKind::kBatchNorm), layers = stack_.count(ModuleKind::kLayer);
    if (norms == 0 || (norms == layers && end_ != StackEnd::kOutput)) return true;
    return end_ != StackEnd::kBlock && norms + 1 == layers && stack_.modules.rbegin()->second == ModuleKind::kLayer;
  }

  const Stack& stack_;
  StackEnd end_;
  std::vector<Element> elements_;
};

std::string described(const Stack& stack) {
  constexpr size_t kMaxListed = 12;
  std::vector<std::string> modules;
  for (const auto& [number, kind] : stack.modules) {
    if (modules.size() == kMaxListed) break;
    modules.push_back(std::to_string(number) + " is " + name_of(kind));
  }
  return join(modules) + (stack.modules.size() > kMaxListed ? ", ..." : "");
}

[[noreturn]] void fail(const Stack& stack, const std::string& expected, const std::string& library) {
  throw ConvertError(
      stack.example + ": the numbers of the modules beside it are not those of " + library + ": found that " +
      described(stack) + "; expected " + expected +
      ". This is a different model with the same names of tensors: write a description (DESCRIPTION.md)");
}

void check_sequence(const std::vector<std::string>& kinds, const Stack& stack, StackEnd end,
                    const std::string& library) {
  constexpr size_t kMaxModules = 4 * kMaxLayers;
  if (stack.modules.size() <= kMaxModules && Walk(kinds, stack, end).fits()) return;
  fail(stack,
       "blocks of " + join(kinds) + (end == StackEnd::kOutput ? " and one linear layer more at the end" : "") +
           ", counted from 0 (? may be left out, but not of some blocks only)",
       library);
}

// Lists of layers and of norms beside each other: both count from 0, and no layer lacks its norm.
void check_lists(const ordered_json& layers, const NameIndex& names, const std::string& library) {
  const std::string module = layers["layers"].get<std::string>();
  Stacks stacks;
  add_modules(module + layers.value("weight", ".weight"), names, stacks,
              [](const auto&) { return ModuleKind::kLayer; });
  for (const auto& [key, stack] : stacks) {
    if (stack.modules.rbegin()->first + 1 != stack.modules.size())
      fail(stack, "linear layers 0, 1, ... without gaps", library);
  }
  if (!layers.contains("batch_norm")) return;
  Stacks norms;
  const std::string mean = layers.value("/batch_norm_tensors/mean"_json_pointer, ".running_mean");
  add_modules(layers["batch_norm"].get<std::string>() + mean, names, norms,
              [](const auto&) { return ModuleKind::kBatchNorm; });
  for (const auto& [key, stack] : norms) {
    const auto owner = stacks.find(key);
    const size_t expected = owner == stacks.end() ? 0 : owner->second.modules.size();
    if (stack.modules.size() != expected || stack.modules.rbegin()->first + 1 != expected) {
      fail(stack, counted(expected, "batch norm") + ", one per linear layer, numbered alike", library);
    }
  }
}

}  // namespace

void check_numbers(const ordered_json& sequence, const ordered_json& layers, const NameIndex& names, StackEnd end,
                   const std::string& library) {
  if (!layers.contains("layers") || !layers["layers"].is_string()) return;
  const std::string module = layers["layers"].get<std::string>();
  if ((module + layers.value("weight", ".weight")).find("{layer}") == module.npos) return;
  if (sequence.is_null()) return check_lists(layers, names, library);
  for (const auto& [key, stack] : read_sequences(module, names)) {
    check_sequence(sequence.get<std::vector<std::string>>(), stack, end, library);
  }
}

}  // namespace mmoe::converter
