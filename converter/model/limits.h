// What the .mmoe file format can hold. A description beyond it is refused by name before anything is written.
#pragma once

#include <cstddef>

#include "schema/format.h"

namespace mmoe::converter {

constexpr size_t kMaxExpertsPerLevel = schema::kMaxExperts;
constexpr size_t kMaxGatesPerLevel = schema::kMaxGates;
using schema::kMaxCrossed;  ///< columns of a cross
using schema::kMaxDim;      ///< inputs or outputs of a layer, width of x
using schema::kMaxFeatures;
using schema::kMaxJoined;  ///< bytes of a joined text
using schema::kMaxLayers;  ///< of one MLP
using schema::kMaxLevels;
using schema::kMaxNodeInputs;
using schema::kMaxNodes;
using schema::kMaxParts;      ///< that lie apart, in one stream
using schema::kMaxSelectors;  ///< of a gate of smooth steps
using schema::kMaxStreams;    ///< different lists of parts
using schema::kMaxTasks;
constexpr size_t kMaxAttended = (size_t{1} << 16) - 1;  ///< elements of a sequence; with a softmax: kMaxExpertsPerLevel
constexpr size_t kMaxTableRows = (size_t{1} << 31) - 1;  ///< ids are int32
/// In all tables that the description itself has: a short one would else make a large file.
constexpr size_t kMaxConstants = size_t{1} << 24;

}  // namespace mmoe::converter
