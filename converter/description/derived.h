// `derived`: tensors that the description makes out of those of the file, before any pattern looks for them:
// kernels of all experts in one tensor taken apart, factors of a tensor factorisation multiplied out, weights that are
// products or sums of others.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "converter/importers/weight_source.h"
#include "converter/reading/json_reader.h"
#include "converter/reading/pattern.h"

namespace mmoe::converter {

/// Elements [first, first + count) of a tensor.
using TensorReader = std::function<void(uint64_t first, uint64_t count, float* to)>;

/// The file's tensors without those that others are derived from, and the derived ones.
class DerivedWeights : public WeightSource {
 public:
  /// Throws ConvertError when `derived` names what does not exist or does not fit. Both must outlive this.
  DerivedWeights(const nlohmann::json& description, const WeightSource& source);

  const std::vector<TensorInfo>& tensors() const override { return tensors_; }
  using WeightSource::read;
  void read(size_t index, uint64_t first, uint64_t count, float* to) const override {
    known_[places_[index]].read(first, count, to);
  }
  std::string format() const override { return source_.format(); }
  const std::vector<KerasLayer>& keras_layers() const override { return source_.keras_layers(); }
  std::vector<TensorAlias> aliases() const override { return aliases_; }  ///< of those that were not derived from

  /// Whether the weights of some layers were given as factors of a tensor.
  bool has_factors() const { return has_factors_; }

 private:
  struct Known {
    TensorInfo info;
    TensorReader read;
    bool consumed = false;  // something is made of it
    bool hidden = false;    // consumed, and what was made has its name
    uint64_t reads = 1;     // of tensors of the file, when it is read, about
  };
  struct Match {
    size_t tensor;  // of known_
    PlaceholderValues values;
  };

  void add(const JsonReader& item);
  void hand_out(size_t known);
  void consume(const JsonReader& field, size_t known);
  void add_split(const JsonReader& item, const JsonReader& source);
  void add_chunks(const JsonReader& item, const JsonReader& source);
  void add_slice(const JsonReader& item, const JsonReader& source);
  void add_stack(const JsonReader& item, const JsonReader& source);
  void add_tucker(const JsonReader& item, const JsonReader& factors);
  void add_combined(const JsonReader& item, const JsonReader& operands, bool product);
  size_t find_operand(const JsonReader& field, const PlaceholderValues& values, const TensorInfo& like);

  std::vector<Match> find(const JsonReader& field);
  size_t find_one(const JsonReader& field, const PlaceholderValues& values);
  size_t read_axis(const JsonReader& item, const TensorInfo& info) const;
  void add_range(const std::string& name, size_t tensor, size_t axis, uint64_t first, uint64_t count, bool drop_axis);
  std::vector<float> multiplied(const std::vector<size_t>& factors, const std::vector<std::vector<uint64_t>>& shapes,
                                uint64_t task) const;
  std::vector<float> read_all(size_t known) const;
  void add_tensor(const std::string& name, std::vector<uint64_t> shape, TensorReader reader,
                  const std::vector<size_t>& sources);

  const WeightSource& source_;
  std::vector<std::string> prefixes_;      // of all tensors of the file, which the description may leave out
  std::string prefix_;                     // the one that it left out of the last source: derived tensors get it too
  std::deque<Known> known_;                // those of the file, then what was made; references stay good
  std::map<std::string, size_t> last_of_;  // by name, in known_
  std::vector<TensorInfo> tensors_;
  std::vector<size_t> places_;  // of tensors_ in known_
  std::vector<TensorAlias> aliases_;
  bool has_factors_ = false;
};

}  // namespace mmoe::converter
