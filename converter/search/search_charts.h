// Pictures of what a search has tried.
#pragma once

#include <string>
#include <vector>

namespace mmoe::converter {

/// A choice as a point. What is not finite is not drawn.
struct ChoicePoint {
  enum class Kind { kF32, kUniform, kOnePart, kCombination, kChosen };
  Kind kind = Kind::kCombination;
  std::string label;  ///< beside the point; empty: none
  std::string text;   ///< where a pointer rests on it
  double x = 0, y = 0;
  bool keeps_budget = false;
};

struct ChoiceAxes {
  std::string x, y;   ///< what they are of, with units
  bool log_y = true;  ///< powers of ten, with 0 below them; else a scale that includes 0
  double limit = -1;  ///< a line across at this y; negative: none
};

/// x begins at 0. Fits a page of any width.
std::string choice_chart(const std::vector<ChoicePoint>& points, const ChoiceAxes& axes);

/// What the marks mean.
std::string choice_legend(bool has_limit);

}  // namespace mmoe::converter
