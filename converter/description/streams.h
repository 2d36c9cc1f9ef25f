// What an expert, a gate, a tower or a node reads, and how wide it is: x, an output stream of the level before, what a
// node gives, or parts of these side by side.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "converter/description/constant_columns.h"
#include "converter/description/input_parts.h"
#include "converter/model/model.h"
#include "converter/reading/json_reader.h"

namespace mmoe::converter {

/// The streams of one entry of `gates`: one per task, or one.
struct StreamGroup {
  std::string name;
  bool per_task = false;
  size_t first = 0;
  size_t count = 1;
};

/// What the next level can read. Starts at x, and moves on past the trunk and each level.
class Streams {
 public:
  /// `input_dim`: width of x where it is known; else the first layer that reads x tells it. `task_names`: of tasks with
  /// a tower.
  Streams(std::optional<size_t> input_dim, InputParts parts, std::vector<std::string> task_names)
      : input_dim_(input_dim), parts_(std::move(parts)), task_names_(std::move(task_names)) {}

  void pass_trunk(size_t width);
  void pass_level(std::vector<StreamGroup> groups, std::vector<size_t> widths);
  /// A node that what comes later can read; `name` is the description's field.
  void add_node(const JsonReader& name, const std::string& text, size_t width);
  /// The node added last, as what reads it.
  StreamRef last_node();

  /// Numbers that are the same for every row, which layers can read.
  void add_constant(const JsonReader& name, const std::string& text, std::vector<float> values);

  /// The stream that `reads` of `reader` (or its absence) means, for the parts of a task or for shared ones. What of it
  /// is constant is added to `constants`; null: nothing may be.
  StreamRef resolve(const JsonReader& reader, std::optional<size_t> task, ConstantColumns* constants = nullptr);
  /// The stream that a name or a list of parts means.
  StreamRef operand(const JsonReader& reads, std::optional<size_t> task);

  std::optional<size_t> width(const StreamRef& stream) const;
  /// Of a sequence feature that is kept; nothing where the stream is none.
  std::optional<size_t> length_of_sequence(const StreamRef& stream) const;
  /// Of a categorical feature whose rows the description has; null where the stream is none.
  const Table* constant_rows(const StreamRef& stream) const;
  /// What reads the stream takes this many inputs, as has been checked where the width was known.
  void learn_width(const StreamRef& stream, size_t width);
  std::optional<size_t> input_dim() const { return input_dim_; }

  /// Groups of the level before that nothing has read.
  std::vector<std::string> unread() const;
  std::vector<std::string> unread_nodes() const;

 private:
  StreamRef side_by_side(const JsonReader& reads, std::optional<size_t> task, ConstantColumns* constants);
  bool add_constant_part(const JsonReader& item, std::optional<size_t> task, const StreamRef& before,
                         ConstantColumns* constants);
  void check_new_name(const JsonReader& name, const std::string& text) const;
  std::vector<StreamPart> parts_of(const JsonReader& item, std::optional<size_t> task);
  std::vector<StreamPart> parts_of_name(const JsonReader& name, std::optional<size_t> task);
  std::vector<StreamPart> parts_of_tasks(const JsonReader& object);
  StreamPart output_part(size_t index) const { return {StreamSource::kPrevious, index, {0, widths_[index]}}; }
  StreamPart node_part(size_t index);
  StreamPart part_of_node(const JsonReader& object, std::optional<size_t> task);
  StreamPart part_of_feature(const JsonReader& object, std::optional<size_t> task) const;
  std::optional<size_t> find_node(const std::string& name) const;
  struct Constant {
    std::string name;
    std::vector<float> values;
    bool read;
  };
  bool is_constant(const std::string& name) const;
  bool is_whole(const StreamPart& part) const;
  std::string name_for_task(const JsonReader& name, std::optional<size_t> task) const;
  size_t known_input_dim(const JsonReader& item) const;
  const StreamGroup* find_group(const std::string& name) const;
  size_t output_of(const StreamGroup& group, const JsonReader& reader, std::optional<size_t> task);
  bool is_input(const StreamRef& stream) const {
    return stream.is_input() || (stream.source == StreamSource::kPrevious && widths_.empty());
  }
  const StreamGroup& named_group(const JsonReader& reads) const;
  const StreamGroup& default_group(const JsonReader& reader, bool for_task) const;
  std::string names() const;

  std::optional<size_t> input_dim_;
  InputParts parts_;
  std::vector<std::string> task_names_;
  std::vector<size_t> widths_;       // empty: the only stream is x
  std::vector<StreamGroup> groups_;  // empty before the first level
  std::vector<bool> read_;           // of groups_

  struct NodeEntry {
    std::string name;
    size_t width;
    bool read;
  };
  std::vector<NodeEntry> nodes_;
  std::vector<Constant> constants_;
};

}  // namespace mmoe::converter
