// What reads what in a model, for a picture of it. GateInfo (mmoe/plan.h) says what a gate mixes.
#pragma once

#include <cstddef>

#include "mmoe/model.h"

namespace mmoe {
inline namespace v0_1 {

/// Whether an expert reads what a gate of the level before gives: alone, or as a part of what stands side by side. What
/// a node between them gives is not followed. Levels, and a level's experts and gates, count from 0 as in GateInfo;
/// false where there is none of that number, and in the first level.
bool expert_reads(const Model& model, std::size_t level, std::size_t expert, std::size_t gate);

}  // namespace v0_1
}  // namespace mmoe
