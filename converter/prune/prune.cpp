#include "converter/prune/prune.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <numeric>
#include <optional>
#include <utility>

#include "converter/error.h"
#include "converter/prune/selected_rows.h"

namespace mmoe::converter {
namespace {

// Of a categorical feature or a sequence.
Vocabulary& vocabulary_of(Feature& feature) {
  auto* sequence = std::get_if<SequenceFeature>(&feature.kind);
  return sequence != nullptr ? sequence->vocabulary : std::get<SparseFeature>(feature.kind).vocabulary;
}

// Null also where the table, a part of a tensor, has no such row: then no element has that id.
std::optional<uint32_t>* padding_of(Feature& feature, size_t num_rows) {
  auto* sequence = std::get_if<SequenceFeature>(&feature.kind);
  const bool has = sequence != nullptr && sequence->padding_id && *sequence->padding_id < num_rows;
  return has ? &sequence->padding_id : nullptr;
}

std::optional<uint32_t>* empty_of(Feature& feature) {
  auto* sequence = std::get_if<SequenceFeature>(&feature.kind);
  return sequence != nullptr && sequence->empty_id ? &sequence->empty_id : nullptr;
}

// Buckets of hashes, bins and parts of dates are none that could be dropped.
bool has_keys(const Vocabulary& vocabulary) { return vocabulary.identity || vocabulary.has_keys(); }

// Of values that are no keys.
size_t buckets_of(const Vocabulary& vocabulary) { return vocabulary.others ? vocabulary.others->buckets : 0; }

StringList selected(const StringList& keys, const std::vector<uint32_t>& kept) {
  auto bytes = std::make_shared<std::string>();
  std::vector<uint64_t> starts{0};
  for (const uint32_t key : kept) {
    bytes->append(keys[key]);
    starts.push_back(bytes->size());
  }
  const std::string_view view = *bytes;
  return StringList({std::move(bytes), view}, std::move(starts), 0);
}

std::vector<int64_t> selected(const std::vector<int64_t>& keys, const std::vector<uint32_t>& kept) {
  std::vector<int64_t> result;
  for (const uint32_t key : kept) result.push_back(keys[key]);
  return result;
}

class Pruner {
 public:
  Pruner(const IdCounts& counts, uint32_t least, TrainedModel& model) : counts_(counts), least_(least), model_(model) {}

  PruneReport run() {
    report_.num_rows = counts_.num_rows;
    for (size_t table = 0; table < model_.embeddings.size(); ++table) {
      // A row of one that the description has says which column, or which way, an id is.
      if (!model_.embeddings[table].made) prune_table(table);
    }
    return std::move(report_);
  }

 private:
  static constexpr uint32_t kGone = std::numeric_limits<uint32_t>::max();

  void prune_table(size_t table) {
    const size_t num_rows = model_.embeddings[table].table.rows;
    readers_.clear();
    for (size_t i = 0; i < model_.features.size(); ++i) {
      if (embedding_of(model_.features[i]) == table) readers_.push_back(i);
    }
    find_frequent(num_rows);
    std::vector<std::vector<uint32_t>> kept;
    reached_.assign(num_rows, false);
    for (const size_t feature : readers_) kept.push_back(kept_keys(feature));
    const std::vector<uint32_t> rows = number_rows();
    for (size_t i = 0; i < readers_.size(); ++i) renumber(model_.features[readers_[i]], kept[i]);
    report_.tables.push_back({model_.embeddings[table].name, num_rows, rows.size()});
    if (rows.size() < num_rows) select_rows(rows, model_.embeddings[table].table);
  }

  // Ids that enough values have; and padding, which unknown values would not be.
  void find_frequent(size_t num_rows) {
    frequent_.assign(num_rows, false);
    for (size_t id = 0; id < num_rows; ++id) {
      uint64_t count = 0;
      for (const size_t feature : readers_) count += counts_.of(feature, id);
      frequent_[id] = count >= least_;
    }
    for (const size_t feature : readers_) {
      if (const auto* padding = padding_of(model_.features[feature], num_rows)) frequent_[**padding] = true;
    }
  }

  // The keys that a feature keeps; their rows, and those that it takes else, are reached.
  std::vector<uint32_t> kept_keys(size_t index) {
    Feature& feature = model_.features[index];
    const Vocabulary& vocabulary = vocabulary_of(feature);
    PrunedFeature pruned{feature.name, vocabulary.size};
    pruned.refuses_unknown = vocabulary.unknown == UnknownRule::kError && buckets_of(vocabulary) == 0;
    std::vector<uint32_t> kept;
    std::vector<bool> counted(reached_.size(), false);
    for (size_t key = 0; key < vocabulary.size; ++key) {
      const size_t id = vocabulary.id_of(key);
      const bool keeps = frequent_[id] || pruned.refuses_unknown || !has_keys(vocabulary);
      const uint64_t count = counted[id] ? 0 : counts_.of(index, id);  // several keys may have one id
      counted[id] = true;
      pruned.num_values += count;
      pruned.num_dropped_values += keeps ? 0 : count;
      if (!keeps) continue;
      kept.push_back(static_cast<uint32_t>(key));
      reached_[id] = true;
    }
    if (vocabulary.unknown == UnknownRule::kId) reached_[vocabulary.unknown_id] = true;
    for (size_t i = 0; i < buckets_of(vocabulary); ++i) reached_[vocabulary.others->first_id + i] = true;
    if (const auto* padding = padding_of(feature, reached_.size())) reached_[**padding] = true;
    if (const auto* empty = empty_of(feature)) reached_[**empty] = true;
    pruned.num_dropped = vocabulary.size - kept.size();
    if (kept.empty()) {
      throw ConvertError("feature \"" + feature.name + "\": every id is in the rows fewer than " +
                         std::to_string(least_) + " times, so that none would be kept");
    }
    report_.features.push_back(std::move(pruned));
    return kept;
  }

  // The rows that stay, and the new number of each.
  std::vector<uint32_t> number_rows() {
    std::vector<uint32_t> rows;
    new_ids_.assign(reached_.size(), kGone);
    for (size_t row = 0; row < reached_.size(); ++row) {
      if (!reached_[row]) continue;
      new_ids_[row] = static_cast<uint32_t>(rows.size());
      rows.push_back(static_cast<uint32_t>(row));
    }
    return rows;
  }

  void renumber(Feature& feature, const std::vector<uint32_t>& kept) {
    if (auto* padding = padding_of(feature, reached_.size())) *padding = new_ids_[**padding];
    if (auto* empty = empty_of(feature)) *empty = new_ids_[**empty];
    Vocabulary& vocabulary = vocabulary_of(feature);
    if (vocabulary.unknown == UnknownRule::kId) vocabulary.unknown_id = new_ids_[vocabulary.unknown_id];
    if (vocabulary.hashing) {  // its ids are all kept, and so still follow each other
      vocabulary.hashing->first_id = new_ids_[vocabulary.hashing->first_id];
      return;
    }
    if (vocabulary.dates) {
      vocabulary.dates->first_id = new_ids_[vocabulary.dates->first_id];
      return;
    }
    if (buckets_of(vocabulary) != 0) vocabulary.others->first_id = new_ids_[vocabulary.others->first_id];
    std::vector<uint32_t> ids;
    for (const uint32_t key : kept) ids.push_back(new_ids_[vocabulary.id_of(key)]);
    vocabulary.size = kept.size();
    if (vocabulary.bins) {
      vocabulary.ids = std::move(ids);
      return;
    }
    if (vocabulary.identity) {
      vocabulary.identity = kept.back() + size_t{1} == kept.size() && ids.back() == kept.back();  // the first ones
      if (vocabulary.identity) return;
      vocabulary.keys = std::vector<int64_t>(kept.begin(), kept.end());
    } else {
      using Keys = decltype(Vocabulary::keys);
      vocabulary.keys = std::visit([&kept](const auto& keys) -> Keys { return selected(keys, kept); }, vocabulary.keys);
    }
    vocabulary.ids = std::move(ids);
  }

  static void select_rows(const std::vector<uint32_t>& rows, Table& table) {
    const size_t cols = table.cols;
    table = Table::of(rows.size(), cols, std::make_shared<SelectedRows>(std::move(table), rows));
  }

  const IdCounts& counts_;
  uint32_t least_;
  TrainedModel& model_;
  PruneReport report_;
  // Of the table in turn: the features that read it, and of its rows which enough values have, which stay, and as what.
  std::vector<size_t> readers_;
  std::vector<bool> frequent_, reached_;
  std::vector<uint32_t> new_ids_;
};

}  // namespace

PruneReport prune(const IdCounts& counts, uint32_t least, TrainedModel& model) {
  return Pruner(counts, least, model).run();
}

}  // namespace mmoe::converter
