// The pass between lowering and packing: weights become the numbers that the file stores.
#pragma once

#include <string>
#include <vector>

#include "converter/lowering/lowered.h"
#include "converter/model/model.h"

namespace mmoe::converter {

/// How weights and tables are stored of which the description does not say it.
struct NumberOptions {
  WeightType weights = WeightType::kF32;
  TableType tables = TableType::kF32;
};

/// Gives a type to every layer and table that has none. Layers whose weights are codes already become w8a8 where the
/// options say that, and else i8.
void choose_types(const NumberOptions& options, TrainedModel& model);

/// All layers and tables in f32, whatever the description says.
void choose_f32(TrainedModel& model);

/// Whether all layers and tables are f32.
bool is_f32(const LoweredModel& model);

/// Replaces the weights of fused layers by numbers of their type: values of f16 and bf16; for i8 and w8a8 whole numbers
/// from -127 to 127 and a scale per output; those of i8 that lie on such a grid already may have -128. Returns a note
/// for each layer that stays in f32 because a weight is beyond the range of its type, or in i8 because it has too many
/// inputs for w8a8.
std::vector<std::string> quantise(LoweredModel& model);

}  // namespace mmoe::converter
