// What pictures of a page are drawn of: SVG that takes its colours from the page.
#pragma once

#include <string>

namespace mmoe::tools {

/// A plot's place in its picture, and the values that it shows.
struct Plot {
  double left, top, width, height;
  double low, high, step;  ///< values at the lower and upper edge, and from line to line

  double y(double value) const { return top + height * (1 - (value - low) / (high - low)); }
};

/// The opening tag of a picture; "</svg>" closes it.
std::string svg_open(double width, double height, const std::string& label);
void svg_line(std::string& out, double x1, double y1, double x2, double y2, const std::string& classes);
void svg_rectangle(std::string& out, double x, double y, double width, double height, const std::string& classes);

/// A value beside a line, with the decimals that the step from line to line has.
std::string tick_text(double value, double step);
/// 1, 2 or 5 times a power of ten, so that at most five of them make the range.
double nice_step(double range);
/// Lines across the plot, and what they stand for.
void draw_grid(std::string& out, const Plot& plot, bool is_share);

}  // namespace mmoe::tools
