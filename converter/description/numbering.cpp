#include "converter/description/numbering.h"

#include <algorithm>
#include <map>
#include <set>

#include "converter/description/text.h"
#include "converter/error.h"

namespace mmoe::converter {

namespace {

std::set<std::string> texts_of(const std::vector<TensorMatch>& matches, Placeholder placeholder) {
  std::set<std::string> texts;
  for (const TensorMatch& match : matches) texts.insert(match.values[placeholder]);
  return texts;
}

[[noreturn]] void fail(const Pattern& pattern, const std::string& message) {
  throw ConvertError(pattern.path() + ": " + pattern.text() + ": " + message);
}

std::map<size_t, std::string> by_number(const Pattern& pattern, const std::set<std::string>& texts) {
  std::map<size_t, std::string> numbers;
  for (const std::string& text : texts) {
    const std::optional<size_t> number = parse_number(text);
    if (!number) fail(pattern, "number " + text + " has too many digits");
    const auto added = numbers.emplace(*number, text);
    if (!added.second) fail(pattern, "\"" + added.first->second + "\" and \"" + text + "\" are the same number");
  }
  return numbers;
}

// The texts in the order of their numbers, which are 0, 1, ... or 1, 2, ...
std::vector<std::string> gapless(const Pattern& pattern, const std::set<std::string>& texts, const char* noun) {
  const std::map<size_t, std::string> numbers = by_number(pattern, texts);
  std::vector<std::string> ordered;
  size_t expected = numbers.begin()->first == 0 ? 0 : 1;
  for (const auto& [number, text] : numbers) {
    if (number != expected++) {
      fail(pattern, std::string(noun) + "s are counted from 0 or 1 without gaps, but there is " + noun + " " + text +
                        " and no " + noun + " " + std::to_string(expected - 1));
    }
    ordered.push_back(text);
  }
  return ordered;
}

std::vector<TensorMatch> find_some(TensorIndex& tensors, const Pattern& pattern) {
  std::vector<TensorMatch> matches = tensors.find_all(pattern);
  if (matches.empty()) tensors.fail_missing(pattern);
  return matches;
}

std::vector<std::string> expert_texts(TensorIndex& tensors, const Pattern& pattern) {
  return tensors.remember_experts(
      pattern, [&] { return gapless(pattern, texts_of(find_some(tensors, pattern), Placeholder::kExpert), "expert"); });
}

// Tasks' gates and a shared one may be numbered together. What the description names elsewhere, and not as a task's, is
// no task: "gates.2" beside "gates.{task}".
void leave_out_shared(const TensorIndex& tensors, const Pattern& pattern, std::set<std::string>& texts) {
  for (auto text = texts.begin(); text != texts.end();) {
    PlaceholderValues values;
    values[Placeholder::kTask] = *text;
    const std::string module = pattern.leading_text() + *text;
    const std::string named = pattern.with(values).leading_text();
    const bool shared =
        parse_number(*text) && named.compare(0, module.size(), module) == 0 && tensors.is_named_as_shared(module);
    text = shared ? texts.erase(text) : std::next(text);
  }
}

std::vector<std::string> task_texts(TensorIndex& tensors, const Pattern& pattern) {
  const std::vector<std::string>& names = tensors.task_names();
  std::set<std::string> texts = texts_of(find_some(tensors, pattern), Placeholder::kTask);
  const std::vector<std::string>& numbers = tensors.task_numbers();
  const bool given = !numbers.empty() && std::all_of(numbers.begin(), numbers.end(), [&](const std::string& number) {
    return texts.count(number) != 0;
  });
  if (given) return numbers;
  if (texts.size() > names.size()) leave_out_shared(tensors, pattern, texts);
  if (texts.empty()) fail(pattern, "every tensor that it finds is named elsewhere as one that is not a task's");
  const auto missing =
      std::find_if(names.begin(), names.end(), [&](const std::string& name) { return texts.count(name) == 0; });
  if (missing == names.end()) return names;
  const bool numbered =
      std::all_of(texts.begin(), texts.end(), [](const std::string& text) { return parse_number(text).has_value(); });
  if (!numbered) {
    PlaceholderValues values;
    values[Placeholder::kTask] = *missing;
    tensors.fail_missing(pattern.with(values));
  }
  const std::vector<std::string> ordered = gapless(pattern, texts, "task");
  if (ordered.size() != names.size()) {
    fail(pattern, "found " + counted(ordered.size(), "task") + " (" + join(ordered) + "), expected " +
                      std::to_string(names.size()) + ", as many as the description has tasks with a tower (" +
                      join(names) + "); `number` of a task says which number is its own");
  }
  return ordered;
}

PlaceholderValues resolve_level_and_task(TensorIndex& tensors, const Pattern& pattern, const Slot& slot) {
  PlaceholderValues values;
  if (pattern.has(Placeholder::kLevel)) {
    if (!slot.level) fail(pattern, "{level} has no meaning outside `levels`");
    values[Placeholder::kLevel] = std::to_string(*slot.level);
  }
  if (pattern.has(Placeholder::kTask)) {
    if (!slot.task)
      fail(pattern,
           "has {task}, but what it belongs to is shared by the tasks: its `layers` or `logits` has no {task}");
    values[Placeholder::kTask] = task_texts(tensors, pattern.with(values))[*slot.task];
  }
  return values;
}

}  // namespace

PlaceholderValues resolve(TensorIndex& tensors, const Pattern& pattern, const Slot& slot) {
  PlaceholderValues values = resolve_level_and_task(tensors, pattern, slot);
  if (!pattern.has(Placeholder::kExpert)) return values;
  if (!slot.expert) fail(pattern, "{expert} has no meaning outside a pool of several experts");
  const std::vector<std::string> experts = expert_texts(tensors, pattern.with(values));
  if (*slot.expert >= experts.size()) {
    fail(pattern, "found " + counted(experts.size(), "expert") + ", expected more: `layers` has expert " +
                      std::to_string(*slot.expert) + ", counted from 0");
  }
  values[Placeholder::kExpert] = experts[*slot.expert];
  return values;
}

size_t count_experts(TensorIndex& tensors, const Pattern& pattern, const Slot& slot) {
  return expert_texts(tensors, pattern.with(resolve_level_and_task(tensors, pattern, slot))).size();
}

std::vector<NumberedTensor> find_numbered(TensorIndex& tensors, const Pattern& pattern, const Slot& slot) {
  const PlaceholderValues values = resolve(tensors, pattern, slot);
  const Pattern resolved = pattern.with(values);
  std::vector<NumberedTensor> found;
  std::set<std::string> layers;
  for (const TensorMatch& match : find_some(tensors, resolved)) {
    NumberedTensor tensor{match.tensor, 0, values};
    const std::string& layer = match.values[Placeholder::kLayer];
    tensor.values[Placeholder::kLayer] = layer;
    tensor.layer = parse_number(layer).value_or(0);
    layers.insert(layer);
    found.push_back(tensor);
  }
  if (pattern.has(Placeholder::kLayer)) by_number(resolved, layers);  // refuses two spellings of one number
  std::sort(found.begin(), found.end(),
            [](const NumberedTensor& a, const NumberedTensor& b) { return a.layer < b.layer; });
  return found;
}

}  // namespace mmoe::converter
