#include "converter/description/streams.h"

#include "converter/description/text.h"

namespace mmoe::converter {

void Streams::pass_trunk(size_t width) { widths_ = {width}; }

void Streams::pass_level(std::vector<StreamGroup> groups, std::vector<size_t> widths) {
  groups_ = std::move(groups);
  widths_ = std::move(widths);
  read_.assign(groups_.size(), false);
}

std::string Streams::names() const {
  std::vector<std::string> names;
  for (const StreamGroup& group : groups_) names.push_back("\"" + group.name + "\"");
  return join(names);
}

const StreamGroup& Streams::named_group(const JsonReader& reads) const {
  const std::string name = reads.string();
  for (const StreamGroup& group : groups_) {
    if (group.name == name) return group;
  }
  if (groups_.empty()) reads.fail_expected("\"input\": no level comes before");
  reads.fail_expected("\"input\" or a gates group of the level before: " + names());
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

StreamRef Streams::resolve(const JsonReader& reader, std::optional<size_t> task) {
  const auto reads = reader.find("reads");
  if (reads && reads->text() == "input") return {true, 0};
  if (!reads && groups_.empty()) return {false, 0};
  const StreamGroup& group = reads ? named_group(*reads) : default_group(reader, task.has_value());
  read_[static_cast<size_t>(&group - groups_.data())] = true;
  if (!group.per_task || group.count == 1) return {false, group.first};
  if (!task) {
    reader.fail("is not per task, but \"" + group.name + "\" of the level before gives one stream per task");
  }
  return {false, group.first + *task};
}

std::optional<size_t> Streams::width(const StreamRef& stream) const {
  if (is_input(stream)) return input_dim_;
  return widths_[stream.index];
}

void Streams::learn_width(const StreamRef& stream, size_t width) {
  if (is_input(stream)) input_dim_ = width;
}

std::vector<std::string> Streams::unread() const {
  std::vector<std::string> names;
  for (size_t i = 0; i < groups_.size(); ++i) {
    if (!read_[i]) names.push_back(groups_[i].name);
  }
  return names;
}

}  // namespace mmoe::converter
