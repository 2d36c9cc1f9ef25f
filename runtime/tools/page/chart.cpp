#include "runtime/tools/page/chart.h"

#include <algorithm>
#include <cmath>

#include "runtime/tools/page/html.h"

namespace mmoe::tools {

std::string svg_open(double width, double height, const std::string& label) {
  return "<svg viewBox=\"0 0 " + at(width) + " " + at(height) + "\" width=\"" + at(width) + "\" height=\"" +
         at(height) + "\" role=\"img\" aria-label=\"" + escaped(label) + "\">\n";
}

void svg_line(std::string& out, double x1, double y1, double x2, double y2, const std::string& classes) {
  svg_element(out, "line", {{"x1", at(x1)}, {"y1", at(y1)}, {"x2", at(x2)}, {"y2", at(y2)}, {"class", classes}});
}

void svg_rectangle(std::string& out, double x, double y, double width, double height, const std::string& classes) {
  svg_element(out, "rect",
              {{"x", at(x)}, {"y", at(y)}, {"width", at(width)}, {"height", at(height)}, {"class", classes}});
}

std::string tick_text(double value, double step) {
  const int places = static_cast<int>(std::ceil(-std::log10(step) - 1e-9));
  const int decimals = step < 5 && std::fmod(step, 1) != 0 ? std::max(places, 1) : 0;
  return decimals > 6 ? short_number(value) : fixed(value, decimals);
}

double nice_step(double range) {
  const double power = std::pow(10, std::floor(std::log10(range)) - 1);
  for (const double factor : {1.0, 2.0, 5.0, 10.0, 20.0}) {
    if (range <= 5 * factor * power) return factor * power;
  }
  return 50 * power;
}

void draw_grid(std::string& out, const Plot& plot, bool is_share) {
  const auto num_steps = static_cast<int>(std::lround((plot.high - plot.low) / plot.step));
  for (int i = 0; i <= num_steps; ++i) {
    const double value = plot.low + plot.step * i;
    svg_line(out, plot.left, plot.y(value), plot.left + plot.width, plot.y(value), "grid");
    const std::string text = is_share ? tick_text(100 * value, 100 * plot.step) + " %" : tick_text(value, plot.step);
    svg_text(out, plot.left - 6, plot.y(value) + 4, "end", text);
  }
}

}  // namespace mmoe::tools
