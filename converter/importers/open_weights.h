// Opens a weights file of any format. The only room that knows all formats.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "converter/importers/weight_source.h"

namespace mmoe::converter {

class MappedFile;
struct OnnxGraph;

/// An opened file: its tensors, used like a pointer to a WeightSource, and what it says the model computes.
class OpenedWeights {
 public:
  OpenedWeights(std::unique_ptr<WeightSource> source, std::shared_ptr<const OnnxGraph> graph);
  OpenedWeights(OpenedWeights&&) noexcept;
  ~OpenedWeights();

  const WeightSource& operator*() const { return *source_; }
  const WeightSource* operator->() const { return source_.get(); }

  /// Null where the format has no graph: of all but ONNX.
  const OnnxGraph* graph() const { return graph_.get(); }

 private:
  friend OpenedWeights open_weights(const std::filesystem::path& path);

  std::unique_ptr<MappedFile> file_;  // outlives source_, which reads from it; null: the bytes are the caller's
  std::unique_ptr<WeightSource> source_;
  std::shared_ptr<const OnnxGraph> graph_;
};

/// Opens a weights file; its first bytes, not its name, decide the format.
/// Throws ConvertError naming the file when it cannot be read, is of no known format, or is damaged.
/// The file is mapped and must not be changed while the result is used.
OpenedWeights open_weights(const std::filesystem::path& path);

/// The same for a file in memory; errors begin with `name`. `bytes` must outlive the result.
OpenedWeights parse_weights(std::string name, std::string_view bytes);

}  // namespace mmoe::converter
