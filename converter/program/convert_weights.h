// A whole conversion without files: for programs that have the weights in memory, and want the model there.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "converter/program/convert.h"
#include "converter/proof/prove.h"

namespace mmoe::converter {

/// As the arguments of mmoe-convert by these names.
struct WeightsRequest {
  std::string path;        ///< of the weights; with `bytes`, the name by which errors call them
  std::string_view bytes;  ///< the weights file; null: it is read from `path`
  std::string name;        ///< of the model, where the description has none; empty: the path's
  std::string description, recipe, numbers;
  std::string rows;  ///< a file, for `quantize` and where numbers are smaller than f32
  std::vector<std::string> labels;
  bool quantize = false;  ///< --quantize auto
  std::vector<std::string> budget;
  ConvertOptions options;
};

struct ConvertedWeights {
  std::vector<uint8_t> file;
  std::string summary;  ///< the lines that mmoe-convert prints
  std::vector<std::string> warnings;
  ConvertReport report;
  bool has_graph = false;
  ProofReport proof;    ///< where it has
  std::string numbers;  ///< with `quantize`: JSON, that gives the same types without a search
};

/// Reads, interprets, converts and checks; proves the file against an ONNX model's graph. Memory: the file, and that
/// in f32 where it has smaller numbers. Throws ConvertError or ToolError.
ConvertedWeights convert_weights(const WeightsRequest& request);

/// The description that a recipe makes of the weights. Throws ConvertError, also where there is none to print.
std::string description_of(const WeightsRequest& request);

}  // namespace mmoe::converter
