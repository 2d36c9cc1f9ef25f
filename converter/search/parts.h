// What a search gives a type to: layers that are multiplied together, and tables.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "converter/model/model.h"

namespace mmoe::converter {

/// Layers, or tables, that get one type together. Layers of a part stand in one packed tensor, or have their weights
/// from one tensor of the training framework.
struct Part {
  std::string name;             ///< for people
  bool is_table = false;        ///< types are TableType's, else WeightType's
  std::vector<size_t> members;  ///< layers, as for_each_layer() counts them; or tables
  uint64_t numbers = 0;         ///< weights or elements
  std::vector<uint8_t> types;   ///< smaller than f32, to be tried; as the enumerations number them
};

/// The type of each part: 0 is f32 of both kinds.
using Choice = std::vector<uint8_t>;

/// The parts of which the description does not say the type. `most`: how many layers' parts there should be; beyond it,
/// layers of the same place in different experts, gates or towers are one part. Reads the tables, for what types can
/// hold their elements. Throws ConvertError where a part's weights are not finite.
std::vector<Part> find_parts(const TrainedModel& model, size_t most = 64);

/// Gives their types to the parts' layers and tables, and f32 to what else has none.
void apply(const std::vector<Part>& parts, const Choice& choice, TrainedModel& model);

/// "f16".
const std::string& type_name(const Part& part, uint8_t type);

}  // namespace mmoe::converter
