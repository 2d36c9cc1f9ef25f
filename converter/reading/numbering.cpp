#include "converter/reading/numbering.h"

#include <algorithm>
#include <map>
#include <set>

#include "converter/error.h"
#include "converter/reading/text.h"

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
void leave_out_shared(const TensorIndex& tensors, const Pattern& pattern, Placeholder placeholder,
                      std::set<std::string>& texts) {
  for (auto text = texts.begin(); text != texts.end();) {
    PlaceholderValues values;
    values[placeholder] = *text;
    const std::string module = pattern.leading_text() + *text;
    const std::string named = pattern.with(values).leading_text();
    const bool shared =
        parse_number(*text) && named.compare(0, module.size(), module) == 0 && tensors.is_named_as_shared(module);
    text = shared ? texts.erase(text) : std::next(text);
  }
}

bool has_all(const std::set<std::string>& texts, const std::vector<std::string>& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const std::string& text) { return texts.count(text) != 0; });
}

std::vector<std::string> chosen(const std::vector<std::string>& all, const std::vector<size_t>& tasks) {
  std::vector<std::string> some;
  for (size_t i = 0; i < tasks.size() && !all.empty(); ++i) some.push_back(all[tasks[i]]);
  return some;
}

// What stands for each of `tasks`, ascending.
std::vector<std::string> texts_of_tasks(TensorIndex& tensors, const Pattern& pattern, Placeholder placeholder,
                                        const std::vector<size_t>& tasks) {
  std::set<std::string> texts = texts_of(find_some(tensors, pattern), placeholder);
  const std::vector<std::string>& all = tensors.task_names();
  const std::vector<std::string> names = chosen(all, tasks), numbers = chosen(tensors.task_numbers(), tasks);
  if (!numbers.empty() && has_all(texts, numbers)) return numbers;
  if (texts.size() > all.size()) leave_out_shared(tensors, pattern, placeholder, texts);
  if (texts.empty()) fail(pattern, "every tensor that it finds is named elsewhere as one that is not a task's");
  if (has_all(texts, names)) return names;
  const bool numbered =
      std::all_of(texts.begin(), texts.end(), [](const std::string& text) { return parse_number(text).has_value(); });
  if (!numbered) {
    PlaceholderValues values;
    values[placeholder] =
        *std::find_if(names.begin(), names.end(), [&](const std::string& name) { return texts.count(name) == 0; });
    tensors.fail_missing(pattern.with(values));
  }
  const std::vector<std::string> ordered = gapless(pattern, texts, "task");
  if (ordered.size() == all.size()) return chosen(ordered, tasks);
  if (ordered.size() == tasks.size()) return ordered;
  const std::string expected = tasks.size() == all.size()
                                   ? ", as many as the description has tasks with a tower (" + join(all) + ")"
                                   : " or " + std::to_string(all.size()) + ", for " + join(names) + " or for all tasks";
  fail(pattern, "found " + counted(ordered.size(), "task") + " (" + join(ordered) + "), expected " +
                    std::to_string(tasks.size()) + expected + "; `number` of a task says which number is its own");
}

std::string task_text(TensorIndex& tensors, const Pattern& pattern, Placeholder placeholder, const Slot& slot) {
  std::vector<size_t> tasks = slot.tasks;
  for (size_t i = 0; i < tensors.task_names().size() && slot.tasks.empty(); ++i) tasks.push_back(i);
  const auto position = std::find(tasks.begin(), tasks.end(), *slot.task) - tasks.begin();
  if (placeholder == Placeholder::kPreviousTask) {
    if (tasks.front() == 0) fail(pattern, "has {previous_task}, but the first task has none before it");
    for (size_t& task : tasks) --task;
  }
  return texts_of_tasks(tensors, pattern, placeholder, tasks)[static_cast<size_t>(position)];
}

PlaceholderValues resolve_level_and_task(TensorIndex& tensors, const Pattern& pattern, const Slot& slot) {
  PlaceholderValues values;
  if (pattern.has(Placeholder::kLevel)) {
    if (!slot.level) fail(pattern, "{level} has no meaning outside `levels`");
    values[Placeholder::kLevel] = std::to_string(*slot.level);
  }
  for (const Placeholder placeholder : {Placeholder::kTask, Placeholder::kPreviousTask}) {
    if (!pattern.has(placeholder)) continue;
    if (!slot.task)
      fail(pattern,
           "has {task}, but what it belongs to is shared by the tasks: its `layers` or `logits` has no {task}");
    values[placeholder] = task_text(tensors, pattern.with(values), placeholder, slot);
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
