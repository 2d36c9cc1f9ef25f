#include "runtime/tools/report/report_charts.h"

#include <algorithm>
#include <cmath>

#include "runtime/tools/page/chart.h"
#include "runtime/tools/page/html.h"

namespace mmoe::tools {
namespace {

constexpr std::size_t kNumColours = 6;
constexpr double kAxis = 54;     // left of the plot, for its numbers
constexpr double kHeight = 150;  // of the plot
constexpr double kBins = 34;     // of the histograms
constexpr double kLabels = 43;   // between the two: the expert's number, and how often it is first

void expert_bar(std::string& out, const Plot& plot, const ExpertUse& use, double x, double width,
                const std::string& colour) {
  const double middle = x + width / 2, half = width * 0.3;
  svg_rectangle(out, middle - half, plot.y(use.mean), 2 * half, plot.y(0) - plot.y(use.mean), colour);
  svg_line(out, middle, plot.y(use.low), middle, plot.y(use.high), "whisker");
  svg_line(out, middle - half / 2, plot.y(use.median), middle + half / 2, plot.y(use.median), "whisker");
  const double over = std::min(plot.y(use.mean), plot.y(use.high)) - 5;
  if (width >= 36) svg_text(out, middle, over, "middle value", fixed(100 * use.mean, 1) + " %");
  svg_text(out, middle, plot.y(0) + 20, "middle value", std::to_string(use.expert));
  if (width >= 36) svg_text(out, middle, plot.y(0) + 36, "middle", fixed(100 * use.first_choice, 1) + " %");
}

// To its own scale: that of its largest bin.
void expert_histogram(std::string& out, const ExpertUse& use, double x, double base, double width,
                      const std::string& colour) {
  const double largest = *std::max_element(use.histogram.begin(), use.histogram.end());
  const double step = width / static_cast<double>(use.histogram.size());
  for (std::size_t bin = 0; bin < use.histogram.size(); ++bin) {
    const double height = kBins * use.histogram[bin] / largest;
    if (height > 0) svg_rectangle(out, x + step * static_cast<double>(bin), base - height, step, height, colour);
  }
  svg_line(out, x, base, x + width, base, "axis");
}

// The y axis includes 0 and ends at its lines.
Plot fit(const std::vector<Series>& series, bool is_share) {
  double low = 0, high = 0;
  for (const Series& one : series) {
    for (const double value : one.values) {
      if (std::isnan(value)) continue;
      low = std::min(low, value);
      high = std::max(high, value);
    }
  }
  if (is_share) return {70, 12, 0, kHeight, 0, 1, 0.25};
  if (low == high) high = 1;
  const double step = nice_step(high - low);
  return {70, 12, 0, kHeight, std::floor(low / step) * step, std::ceil(high / step) * step, step};
}

void draw_series(std::string& out, const Plot& plot, const Series& series, double step) {
  std::string points, marks;
  for (std::size_t i = 0; i < series.values.size(); ++i) {
    if (std::isnan(series.values[i])) continue;
    const std::string x = at(plot.left + step * (static_cast<double>(i) + 0.5)), y = at(plot.y(series.values[i]));
    points += x + "," + y + " ";
    svg_element(marks, "circle", {{"cx", x}, {"cy", y}, {"r", "3.5"}, {"class", series.colour}});
  }
  svg_element(out, "polyline", {{"points", points}, {"class", "curve " + series.colour}});
  out += marks;
}

}  // namespace

std::string gate_chart(const GateReport& gate, double top, const std::string& colour) {
  const auto count = static_cast<double>(gate.experts.size());
  const double step = std::clamp(940 / count, 16.0, 117.0);
  const Plot plot{kAxis, 22, step * count, kHeight, 0, top, top / 4};
  const double bottom = plot.top + plot.height + kLabels + kBins;
  std::string out = svg_open(plot.left + plot.width + 4, bottom + 16, "Mean weights of " + gate.name);
  draw_grid(out, plot, true);
  for (std::size_t i = 0; i < gate.experts.size(); ++i) {
    const double x = plot.left + step * static_cast<double>(i), margin = step * 0.12;
    expert_bar(out, plot, gate.experts[i], x, step, colour);
    expert_histogram(out, gate.experts[i], x + margin, bottom, step - 2 * margin, colour);
    if (step >= 36) svg_text(out, x + margin, bottom + 12, "small", "0");
    if (step >= 36) svg_text(out, x + step - margin, bottom + 12, "small end", "1");
  }
  svg_text(out, plot.left - 6, plot.y(0) + 20, "end", "expert");
  if (step >= 36) svg_text(out, plot.left - 6, plot.y(0) + 36, "end", "first in");
  svg_text(out, plot.left - 6, bottom - kBins / 2 + 4, "end", "rows");
  return out + "</svg>\n";
}

std::string line_chart(const std::vector<std::string>& labels, const std::vector<Series>& series, bool is_share) {
  Plot plot = fit(series, is_share);
  const double step = std::clamp(400 / static_cast<double>(labels.size()), 24.0, 90.0);
  plot.width = step * static_cast<double>(labels.size());
  std::string out = svg_open(plot.left + plot.width + 8, plot.top + plot.height + 26, series[0].name + " by k");
  draw_grid(out, plot, is_share);
  svg_line(out, plot.left, plot.y(0), plot.left + plot.width, plot.y(0), "axis");
  for (std::size_t i = 0; i < labels.size(); ++i) {
    svg_text(out, plot.left + step * (static_cast<double>(i) + 0.5), plot.top + plot.height + 18, "middle", labels[i]);
  }
  for (const Series& one : series) draw_series(out, plot, one, step);
  out += "</svg>\n<p class=\"legend\">";
  for (const Series& one : series) {
    out += "<span><i class=\"" + one.colour + "\"></i>" + escaped(one.name) + "</span> ";
  }
  return out + "</p>\n";
}

double top_weight(const Report& report) {
  double largest = 0;
  for (const GateReport& gate : report.gates) {
    for (const ExpertUse& use : gate.experts) largest = std::max({largest, use.mean, use.high});
  }
  for (const double top : {0.1, 0.2, 0.4, 0.6, 0.8}) {
    if (largest <= top) return top;
  }
  return 1;
}

std::string colour_of(const Report& report, const GateReport& gate) {
  if (gate.tasks.size() != 1) return "several";
  std::size_t task = 0;
  while (report.tasks[task].name != gate.tasks[0]) ++task;
  return task_colour(task);
}

std::string task_colour(std::size_t task) { return "t" + std::to_string(task % kNumColours); }

}  // namespace mmoe::tools
