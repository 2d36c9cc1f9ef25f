#include "converter/description/streams.h"

#include <algorithm>

#include "converter/model/limits.h"
#include "converter/reading/pattern.h"
#include "converter/reading/text.h"

namespace mmoe::converter {

void Streams::pass_trunk(size_t width) { widths_ = {width}; }

void Streams::pass_level(std::vector<StreamGroup> groups, std::vector<size_t> widths) {
  groups_ = std::move(groups);
  widths_ = std::move(widths);
  read_.assign(groups_.size(), false);
}

void Streams::check_new_name(const JsonReader& name, const std::string& text) const {
  if (text == "input" || text == "trunk") name.fail_expected("another name: \"" + text + "\" is a stream's");
  if (parts_.feature(text)) name.fail("is the name of a feature too");
  if (find_node(text) || is_constant(text)) name.fail("two nodes are named \"" + text + "\"");
}

void Streams::add_node(const JsonReader& name, const std::string& text, size_t width) {
  check_new_name(name, text);
  nodes_.push_back({text, width, false});
}

StreamRef Streams::last_node() {
  nodes_.back().read = true;
  return {StreamSource::kNode, nodes_.size() - 1};
}

void Streams::add_constant(const JsonReader& name, const std::string& text, std::vector<float> values) {
  check_new_name(name, text);
  constants_.push_back({text, std::move(values), false});
}

bool Streams::is_constant(const std::string& name) const {
  return std::any_of(constants_.begin(), constants_.end(), [&](const Constant& each) { return each.name == name; });
}

std::optional<size_t> Streams::find_node(const std::string& name) const {
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (nodes_[i].name == name) return i;
  }
  return std::nullopt;
}

StreamPart Streams::node_part(size_t index) {
  nodes_[index].read = true;
  return {StreamSource::kNode, index, {0, nodes_[index].width}};
}

std::string Streams::names() const {
  std::vector<std::string> names;
  for (const StreamGroup& group : groups_) names.push_back("\"" + group.name + "\"");
  return join(names);
}

const StreamGroup* Streams::find_group(const std::string& name) const {
  for (const StreamGroup& group : groups_) {
    if (group.name == name) return &group;
  }
  return nullptr;
}

const StreamGroup& Streams::named_group(const JsonReader& reads) const {
  if (const StreamGroup* group = find_group(reads.string())) return *group;
  if (groups_.empty()) reads.fail_expected("\"input\", a node, or a list of parts: no level comes before");
  reads.fail_expected("\"input\", a node, a list of parts, or a gates group of the level before: " + names());
}

// The only group; or, of several, the only one that is per task as the reader is, or shared as the reader is.
const StreamGroup& Streams::default_group(const JsonReader& reader, bool for_task) const {
  const StreamGroup* found = nullptr;
  size_t num_found = 0;
  for (const StreamGroup& group : groups_) {
    if (groups_.size() > 1 && group.per_task != for_task) continue;
    found = &group;
    ++num_found;
  }
  if (num_found == 1) return *found;
  reader.fail("say with `reads` which of the level before it reads: " + names());
}

// Its stream for a task, or the only one.
size_t Streams::output_of(const StreamGroup& group, const JsonReader& reader, std::optional<size_t> task) {
  read_[static_cast<size_t>(&group - groups_.data())] = true;
  if (!group.per_task || group.count == 1) return group.first;
  if (!task) {
    reader.fail("is not per task, but \"" + group.name + "\" of the level before gives one stream per task");
  }
  return group.first + *task;
}

StreamRef Streams::resolve(const JsonReader& reader, std::optional<size_t> task, ConstantColumns* constants) {
  const auto reads = reader.find("reads");
  if (reads && !reads->is_string()) return side_by_side(*reads, task, constants);
  if (reads && reads->text() == "input") return input_stream();
  const std::string name = reads ? name_for_task(*reads, task) : "";
  const bool part = find_node(name) || is_constant(name) || (parts_.feature(name) && find_group(name) == nullptr);
  if (reads && part) return side_by_side(*reads, task, constants);
  if (!reads && groups_.empty()) return {};
  const StreamGroup& group = reads ? named_group(*reads) : default_group(reader, task.has_value());
  return output_of(group, reader, task);
}

StreamRef Streams::operand(const JsonReader& reads, std::optional<size_t> task) {
  if (reads.is_string() && reads.text() == "input") {
    known_input_dim(reads);
    return input_stream();
  }
  return side_by_side(reads, task, nullptr);
}

bool Streams::is_whole(const StreamPart& part) const {
  if (part.is_input() || part.columns.first != 0) return false;
  const bool node = part.source == StreamSource::kNode;
  return part.columns.width == (node ? nodes_[part.index].width : widths_[part.index]);
}

// Whether it was one: its values then stand behind what has been read so far.
bool Streams::add_constant_part(const JsonReader& item, std::optional<size_t> task, const StreamRef& before,
                                ConstantColumns* constants) {
  if (!item.is_string()) return false;
  const std::string name = name_for_task(item, task);
  const auto found = std::find_if(constants_.begin(), constants_.end(),
                                  [&](const Constant& constant) { return constant.name == name; });
  if (found == constants_.end()) return false;
  if (constants == nullptr) item.fail("is constant: only layers can read it");
  found->read = true;
  constants->add(before.width_of_parts() + constants->width(), found->values);
  return true;
}

StreamRef Streams::side_by_side(const JsonReader& reads, std::optional<size_t> task, ConstantColumns* constants) {
  StreamRef stream;
  std::vector<bool> read(input_dim_.value_or(0));  // columns of x
  for (const JsonReader& item : reads.items_or_self()) {
    if (add_constant_part(item, task, stream, constants)) continue;
    for (const StreamPart& part : parts_of(item, task)) {
      stream.parts.push_back(part);
      for (size_t i = 0; part.is_input() && i < part.columns.width; ++i) {
        const size_t column = part.columns.first + i;
        if (read[column]) item.fail("column " + std::to_string(column) + " of x is read twice");
        read[column] = true;
      }
    }
  }
  if (stream.parts.empty()) reads.fail_expected("at least one part that is not constant");
  if (stream.width_of_parts() > kMaxDim) reads.fail_expected("at most " + std::to_string(kMaxDim) + " columns");
  const StreamPart& first = stream.parts.front();
  return stream.parts.size() == 1 && is_whole(first) ? StreamRef(first.source, first.index) : stream;
}

std::vector<StreamPart> Streams::parts_of(const JsonReader& item, std::optional<size_t> task) {
  if (item.is_string()) return parts_of_name(item, task);
  if (!item.is_object())
    item.fail_expected(
        "the name of a part, or an object with `first` and `count`, or with `gates`, `node` or `feature`");
  if (item.find("gates")) return parts_of_tasks(item);
  if (item.find("node")) return {part_of_node(item, task)};
  if (item.find("feature")) return {part_of_feature(item, task)};
  if (parts_.has_features()) item.fail("with `features`, their names say what of x is read");
  return {{StreamSource::kModelInput, 0, InputParts::columns(item, task, known_input_dim(item))}};
}

// Itself; or with the name of the task in the place of {task}, or with its number from 0 or from 1. The same for
// {previous_task}.
std::string Streams::name_for_task(const JsonReader& name, std::optional<size_t> task) const {
  const std::string text = name.string();
  const auto is_known = [&](const std::string& each) {
    return find_group(each) != nullptr || parts_.feature(each) || find_node(each) || is_constant(each);
  };
  if (is_known(text) || text.find("task}") == text.npos) return text;
  const Pattern pattern(text, name.path());
  if (!pattern.has(Placeholder::kTask) && !pattern.has(Placeholder::kPreviousTask)) return text;
  if (!task) name.fail("has {task}, but what reads it is not per task");
  const bool previous = pattern.has(Placeholder::kPreviousTask);
  if (previous && *task == 0) name.fail("has {previous_task}, but the first task has none before it");
  const auto with = [&](const std::string& before, const std::string& value) {
    PlaceholderValues values;
    values[Placeholder::kPreviousTask] = before;
    values[Placeholder::kTask] = value;
    return pattern.with(values).text();
  };
  const auto numbered = [&](size_t number) { return with(std::to_string(number - previous), std::to_string(number)); };
  const std::string by_name = with(previous ? task_names_[*task - 1] : "", task_names_[*task]);
  if (is_known(by_name)) return by_name;
  return numbered(*task + (is_known(numbered(previous)) ? 0 : 1));
}

// Columns of what a node gives: {"node": name, "first": n, "count": n}.
StreamPart Streams::part_of_node(const JsonReader& object, std::optional<size_t> task) {
  object.allow_keys({"node", "first", "count"});
  const JsonReader name = object.get("node", "");
  const std::optional<size_t> node = find_node(name_for_task(name, task));
  if (!node) name.fail_expected("the name of a node that comes before");
  StreamPart part = node_part(*node);
  const size_t width = part.columns.width;
  part.columns.first = object.get("first", "the first of its columns, from 0").count(width - 1);
  part.columns.width = object.get("count", "the number of columns").count(width - part.columns.first);
  if (part.columns.width == 0) object.get("count", "").fail_expected("1 or more");
  return part;
}

// What a sequence that is kept consists of: {"feature": name, "part": "elements"} or "mask".
StreamPart Streams::part_of_feature(const JsonReader& object, std::optional<size_t> task) const {
  object.allow_keys({"feature", "part"});
  const JsonReader name = object.get("feature", "");
  const std::optional<ColumnRange> columns = parts_.feature(name_for_task(name, task));
  const std::optional<size_t> length = columns ? parts_.length_of_sequence(*columns) : std::nullopt;
  if (!length) name.fail_expected("a sequence feature with \"pooling\": \"none\"");
  const bool mask = object.get("part", "\"elements\" or \"mask\"").choice({"elements", "mask"}) == 1;
  const size_t elements = columns->width - *length;
  return {StreamSource::kModelInput, 0, {columns->first + (mask ? elements : 0), mask ? *length : elements}};
}

// x, the trunk's output, a node, a feature, or a gates group of the level before.
std::vector<StreamPart> Streams::parts_of_name(const JsonReader& name, std::optional<size_t> task) {
  const std::string text = name_for_task(name, task);
  const StreamGroup* group = find_group(text);
  const std::optional<ColumnRange> feature = parts_.feature(text);
  const bool is_trunk = text == "trunk" && groups_.empty() && !widths_.empty();
  if ((text == "input" || is_trunk) && (group != nullptr || feature)) {
    name.fail("is all of the input or the trunk's output, and the name of a feature or a gates group too");
  }
  if (text == "input") return {{StreamSource::kModelInput, 0, {0, known_input_dim(name)}}};
  if (is_trunk) return {output_part(0)};
  if (group != nullptr && feature) name.fail("is the name of a feature and of a gates group of the level before");
  if (const auto node = find_node(text)) {
    if (group != nullptr) name.fail("is the name of a node and of a gates group of the level before");
    return {node_part(*node)};
  }
  if (feature) return {{StreamSource::kModelInput, 0, *feature}};
  if (group != nullptr) return {output_part(output_of(*group, name, task))};
  std::vector<std::string> known = parts_.feature_names();
  for (const StreamGroup& other : groups_) known.push_back(other.name);
  for (const NodeEntry& node : nodes_) known.push_back(node.name);
  known.push_back("input");
  name.fail_expected("a feature, a node or a gates group of the level before, such as " +
                     join(nearest(text, known, 3)));
}

// {"gates": name} with "tasks": "all" or "task": name.
std::vector<StreamPart> Streams::parts_of_tasks(const JsonReader& object) {
  object.allow_keys({"gates", "tasks", "task"});
  const StreamGroup& group = named_group(object.get("gates", ""));
  if (!group.per_task) object.fail("\"" + group.name + "\" has one stream for all tasks: its name is enough");
  read_[static_cast<size_t>(&group - groups_.data())] = true;
  if (const auto tasks = object.find("tasks")) {
    tasks->choice({"all"});
    if (object.find("task")) object.fail("has `tasks` and `task`");
    std::vector<StreamPart> parts;
    for (size_t i = 0; i < group.count; ++i) parts.push_back(output_part(group.first + i));
    return parts;
  }
  const JsonReader task = object.get("task", "the name of a task, or \"tasks\": \"all\"");
  return {output_part(group.first + task.choice(task_names_))};
}

size_t Streams::known_input_dim(const JsonReader& item) const {
  if (!input_dim_) item.fail("columns of x need `input_dim`, its width");
  return *input_dim_;
}

std::optional<size_t> Streams::width(const StreamRef& stream) const {
  if (!stream.parts.empty()) return stream.width_of_parts();
  if (is_input(stream)) return input_dim_;
  return stream.source == StreamSource::kNode ? nodes_[stream.index].width : widths_[stream.index];
}

std::optional<size_t> Streams::length_of_sequence(const StreamRef& stream) const {
  if (stream.parts.size() != 1 || !stream.parts.front().is_input()) return std::nullopt;
  return parts_.length_of_sequence(stream.parts.front().columns);
}

const Table* Streams::constant_rows(const StreamRef& stream) const {
  if (stream.parts.size() != 1 || !stream.parts.front().is_input()) return nullptr;
  return parts_.constant_rows(stream.parts.front().columns);
}

void Streams::learn_width(const StreamRef& stream, size_t width) {
  if (is_input(stream) && stream.parts.empty()) input_dim_ = width;
}

std::vector<std::string> Streams::unread_nodes() const {
  std::vector<std::string> names;
  for (const NodeEntry& node : nodes_) {
    if (!node.read) names.push_back(node.name);
  }
  for (const Constant& constant : constants_) {
    if (!constant.read) names.push_back(constant.name);
  }
  return names;
}

std::vector<std::string> Streams::unread() const {
  std::vector<std::string> names;
  for (size_t i = 0; i < groups_.size(); ++i) {
    if (!read_[i]) names.push_back(groups_[i].name);
  }
  return names;
}

}  // namespace mmoe::converter
