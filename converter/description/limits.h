// What the .mmoe file format can hold. A description beyond it is refused by name before anything is written.
#pragma once

#include <cstddef>

namespace mmoe::converter {

constexpr size_t kMaxExpertsPerLevel = 256;
constexpr size_t kMaxGatesPerLevel = 64;
constexpr size_t kMaxLevels = 16;
constexpr size_t kMaxTasks = 64;
constexpr size_t kMaxLayers = 32;  ///< of one MLP
constexpr size_t kMaxFeatures = 4096;
constexpr size_t kMaxDim = size_t{1} << 20;               ///< inputs or outputs of a layer, width of x
constexpr size_t kMaxTableRows = (size_t{1} << 31) - 1;  ///< ids are int32

}  // namespace mmoe::converter
