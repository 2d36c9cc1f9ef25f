// Trained weights and what describes them, taken from a fixture and then changed by a fuzzer's bytes.
#pragma once

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "converter/error.h"
#include "converter/importers/weight_source.h"
#include "tests/fuzz/byte_source.h"

namespace mmoe::fuzz {

/// A fixture in memory: what is changed begins as a copy of one.
struct Fixture {
  std::string name;
  std::filesystem::path folder;  ///< in which settings name further files
  std::vector<converter::TensorInfo> tensors;
  std::vector<std::vector<float>> data;
  nlohmann::ordered_json description;  ///< or settings of a recipe
  /// JSON that the description names, by the names.
  std::map<std::string, nlohmann::ordered_json> files;

  /// Renames, drops, doubles, reshapes, reorders and adds tensors.
  void mutate_tensors(ByteSource& bytes);
  /// Removes, replaces, moves and doubles values of the JSON, and of the files.
  void mutate_description(ByteSource& bytes);
};

/// Of every folder: NAME.json with NAME.safetensors or NAME.pt, and NAME.preprocessing.json if it is there; and
/// NAME/settings.json with weights beside it.
std::vector<Fixture> read_fixtures(const std::vector<std::filesystem::path>& folders);

/// Remembers which tensors were read.
class WatchedWeights : public converter::WeightSource {
 public:
  explicit WatchedWeights(Fixture fixture) : fixture_(std::move(fixture)) {}

  const std::vector<converter::TensorInfo>& tensors() const override { return fixture_.tensors; }
  using WeightSource::read;
  void read(size_t index, uint64_t first, uint64_t count, float* to) const override {
    read_.insert(index);
    const std::vector<float>& data = fixture_.data[index];
    if (first > data.size() || count > data.size() - first) throw converter::ConvertError("too few elements");
    std::copy_n(data.data() + first, count, to);
  }
  std::string format() const override { return "memory"; }

  bool was_read(size_t index) const { return read_.count(index) != 0; }

 private:
  Fixture fixture_;
  mutable std::set<size_t> read_;
};

}  // namespace mmoe::fuzz
