// vocabularies: from a category to its id, by this runtime, by binary search and by std::unordered_map, in one run.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <functional>
#include <numeric>
#include <optional>
#include <random>
#include <stdexcept>
#include <string_view>
#include <unordered_map>

#include "converter/program/convert.h"
#include "mmoe/model.h"
#include "runtime/tools/bench/timing.h"
#include "runtime/tools/support/command_line.h"
#include "runtime/tools/support/text_table.h"
#include "tests/unit/models.h"

namespace mmoe::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kDescription =
    "Times look-ups of keys in vocabularies of strings (16 to 24 bytes) and of 64-bit integers: in a model file, by\n"
    "std::lower_bound in sorted keys, and by std::unordered_map. Keys are asked for in random order, and each look-up\n"
    "waits for the one before, so that no cache holds what it needs and nothing hides that. They take turns: one\n"
    "thread, medians. Before anything is timed, all must give the same ids.";

struct Options {
  std::size_t keys = 5000000;
  std::size_t lookups = 1000000;
  int rounds = 7;
  std::optional<int> cpu;
  bool quick = false;
};

void declare(tools::CommandLine& app, Options& options) {
  app.add_option("--keys", options.keys, "of each vocabulary [5000000]")->type_name("N")->range(1, 1 << 27);
  app.add_option("--lookups", options.lookups, "of a round [1000000]")->type_name("N")->range(1, 1 << 27);
  app.add_option("--rounds", options.rounds, "[7]")->type_name("N")->range(1, 10000);
  app.add_option("--cpu", options.cpu, "processor to stay on [wherever the system puts it]")
      ->type_name("N")
      ->take_last();
  app.add_flag("--quick", options.quick, "few keys: a test, not a measurement");
}

/// Keys of both kinds; those from size() on are in no vocabulary.
struct Keys {
  std::vector<std::string> strings;
  std::vector<std::int64_t> integers;

  explicit Keys(std::size_t size) {
    std::mt19937_64 random(1);
    for (std::size_t i = 0; i < 2 * size; ++i) {
      const std::uint64_t number = random() ^ i;
      integers.push_back(static_cast<std::int64_t>(number));
      strings.push_back("item_" + std::to_string(number % 100000000000) + "_" + std::to_string(i));
      if (strings.back().size() < 16) strings.back().resize(16, '0');
    }
  }
};

// Rows of one number, since no row is scored.
converter::TrainedModel model_of(const Keys& keys, std::size_t size) {
  converter::TrainedModel model = test::mmoe_description({2, 1, {16}, 1, {8}, 0, 0});
  converter::SparseFeature feature;
  feature.vocabulary.size = size;
  feature.vocabulary.ids.resize(size);
  std::iota(feature.vocabulary.ids.begin(), feature.vocabulary.ids.end(), 0u);
  model.embeddings.push_back({"table", {size, 1, std::vector<float>(size)}});
  const auto first = [size](const auto& all) {
    return std::decay_t<decltype(all)>(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(size));
  };
  feature.vocabulary.keys = first(keys.strings);
  model.features.push_back({"string", converter::Side::kContext, 1, feature});
  feature.vocabulary.keys = first(keys.integers);
  model.features.push_back({"integer", converter::Side::kContext, 1, feature});
  return model;
}

/// Keys that ascend, each with its id.
template <class Key>
class Sorted {
 public:
  template <class From>
  Sorted(const From& keys, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) entries_.push_back({Key(keys[i]), static_cast<std::int32_t>(i)});
    std::sort(entries_.begin(), entries_.end());
  }
  std::int32_t find(Key key) const {
    const auto less = [](const auto& entry, const Key& value) { return entry.first < value; };
    const auto found = std::lower_bound(entries_.begin(), entries_.end(), key, less);
    return found != entries_.end() && found->first == key ? found->second : Model::kUnknownId;
  }

 private:
  std::vector<std::pair<Key, std::int32_t>> entries_;
};

template <class Key>
class Hashed {
 public:
  template <class From>
  Hashed(const From& keys, std::size_t size) {
    ids_.reserve(size);
    for (std::size_t i = 0; i < size; ++i) ids_.emplace(keys[i], static_cast<std::int32_t>(i));
  }
  std::int32_t find(Key key) const {
    const auto found = ids_.find(key);
    return found == ids_.end() ? Model::kUnknownId : found->second;
  }

 private:
  std::unordered_map<Key, std::int32_t> ids_;
};

struct Entry {
  std::string name;
  std::function<double(const std::vector<std::size_t>&)> seconds;  ///< for these keys, one after the other
  std::vector<double> hits = {}, misses = {};
};

// The next key cannot be looked up before the id of this one is known: no id is so small.
template <class Keys, class Find>
double time_lookups(const Keys& keys, const std::vector<std::size_t>& order, const Find& find) {
  const Clock::time_point start = Clock::now();
  std::size_t wait = 0;
  for (const std::size_t index : order) wait = find(keys[index + wait]) == INT32_MIN ? 1 : 0;
  if (wait != 0) throw std::runtime_error("no id is as small as that");
  return std::chrono::duration<double>(Clock::now() - start).count();
}

template <class Keys, class Find>
Entry entry_of(const std::string& name, const Keys& keys, std::size_t size, Find find) {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (find(keys[i]) == (i < size ? static_cast<std::int32_t>(i) : Model::kUnknownId)) continue;
    throw std::runtime_error(name + ": a wrong id for key " + std::to_string(i));
  }
  return {name, [&keys, find](const std::vector<std::size_t>& order) { return time_lookups(keys, order, find); }};
}

std::vector<std::size_t> random_order(std::size_t first, const Options& options) {
  std::mt19937_64 random(first + 2);
  std::uniform_int_distribution<std::size_t> any(first, first + options.keys - 1);
  std::vector<std::size_t> order(options.lookups);
  for (std::size_t& index : order) index = any(random);
  return order;
}

void run_rounds(std::vector<Entry>& entries, const Options& options) {
  const std::vector<std::size_t> hits = random_order(0, options), misses = random_order(options.keys, options);
  for (int round = 0; round < options.rounds; ++round) {
    for (std::size_t i = 0; i < entries.size(); ++i) {
      Entry& entry = entries[(i + static_cast<std::size_t>(round)) % entries.size()];
      entry.hits.push_back(entry.seconds(hits) / static_cast<double>(options.lookups));
      entry.misses.push_back(entry.seconds(misses) / static_cast<double>(options.lookups));
    }
  }
}

std::string nanoseconds(double seconds) {
  char text[64];
  std::snprintf(text, sizeof text, "%.0f", seconds * 1e9);
  return text;
}

std::string report(const std::vector<Entry>& entries, const Options& options) {
  tools::TextTable table({"", "ns, found", "least", "ns, unknown", "least"});
  for (const Entry& entry : entries) {
    table.add({entry.name, nanoseconds(tools::quantile(entry.hits, 0.5)), nanoseconds(tools::quantile(entry.hits, 0)),
               nanoseconds(tools::quantile(entry.misses, 0.5)), nanoseconds(tools::quantile(entry.misses, 0))});
  }
  return std::to_string(options.keys) + " keys, medians of " + std::to_string(options.rounds) + " rounds of " +
         std::to_string(options.lookups) + " look-ups\n" + table.text("");
}

int run(Options& options) {
  if (options.cpu && !tools::pin_to_cpu(*options.cpu)) {
    throw tools::UsageError("--cpu: the system refuses processor " + std::to_string(*options.cpu));
  }
  if (options.quick) options.keys = 3000, options.lookups = 10000, options.rounds = 3;
  const Keys keys(options.keys);
  const test::AlignedBytes file(converter::convert(model_of(keys, options.keys), {"vocabularies", 0, 0}).file);
  const Model model = test::load(file);
  const std::size_t strings = model.find_feature("string"), integers = model.find_feature("integer");
  const auto of_strings = [&](const std::string& name, auto find) {
    return entry_of("strings, " + name, keys.strings, options.keys, find);
  };
  const auto of_integers = [&](const std::string& name, auto find) {
    return entry_of("integers, " + name, keys.integers, options.keys, find);
  };
  const Sorted<std::string_view> sorted_strings(keys.strings, options.keys);
  const Sorted<std::int64_t> sorted_integers(keys.integers, options.keys);
  const Hashed<std::string_view> hashed_strings(keys.strings, options.keys);
  const Hashed<std::int64_t> hashed_integers(keys.integers, options.keys);
  std::vector<Entry> entries;
  entries.push_back(of_strings("model file", [&](std::string_view key) { return model.find_id(strings, key); }));
  entries.push_back(of_strings("lower_bound", [&](std::string_view key) { return sorted_strings.find(key); }));
  entries.push_back(of_strings("unordered_map", [&](std::string_view key) { return hashed_strings.find(key); }));
  entries.push_back(of_integers("model file", [&](std::int64_t key) { return model.find_id(integers, key); }));
  entries.push_back(of_integers("lower_bound", [&](std::int64_t key) { return sorted_integers.find(key); }));
  entries.push_back(of_integers("unordered_map", [&](std::int64_t key) { return hashed_integers.find(key); }));
  run_rounds(entries, options);
  std::fputs(report(entries, options).c_str(), stdout);
  return tools::kExitOk;
}

}  // namespace
}  // namespace mmoe::bench

int main(int argc, char** argv) {
  mmoe::bench::Options options;
  mmoe::tools::CommandLine app(mmoe::bench::kDescription, "vocabularies");
  mmoe::bench::declare(app, options);
  return mmoe::tools::run_tool(app, argc, argv, [&options] { return mmoe::bench::run(options); });
}
