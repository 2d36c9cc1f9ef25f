// Whether a written model file computes what the ONNX graph does that it was made of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "converter/importers/onnx_graph.h"
#include "converter/model/model.h"

namespace mmoe::converter {

struct ProofReport {
  size_t num_rows = 0;            ///< of each task at least; 0: nothing was compared
  double largest_difference = 0;  ///< |file - graph| / max(1, |graph|), over these rows and tasks
  double largest_of_others = 0;   ///< the same where rounding may change a score by more than a hundredth
  /// The same of the graph as it stands, where it rounds results to 8 bits; `largest_difference` is then of the graph
  /// without that rounding.
  std::optional<double> rounded_difference;
  std::string why_not;     ///< nothing was compared: for what reason
  std::string matched_by;  ///< "name" or "order": how tasks found the graph's outputs
};

/// Features of a model that was recognised in the graph make of the raw data what the graph itself does; those of a
/// description make of it what the graph then gets.
enum class Features { kOfDescription, kOfGraph };

/// Scores random rows with the file's bytes, evaluates the graph on the same rows by ONNX's reference semantics, and
/// compares. A description whose features are not the graph's inputs, or whose tasks are not its outputs, and a graph
/// that cannot be evaluated, are not compared (`why_not`). Throws ConvertError naming task and row where a score
/// differs by more than twice what float rounding allows the file: once for the file's own, once for weights that were
/// rounded when operations of the graph were joined to a layer. Where the graph rounds results to codes of 8 bits, that
/// is the graph without this rounding, which the file does not do either.
ProofReport prove(const OnnxGraph& graph, const TrainedModel& description, std::string_view file, uint64_t seed,
                  Features features);

/// The same for a file in memory.
inline ProofReport prove(const OnnxGraph& graph, const TrainedModel& description, const std::vector<uint8_t>& file,
                         uint64_t seed, Features features = Features::kOfGraph) {
  return prove(graph, description, {reinterpret_cast<const char*>(file.data()), file.size()}, seed, features);
}

}  // namespace mmoe::converter
