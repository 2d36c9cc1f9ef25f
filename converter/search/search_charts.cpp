#include "converter/search/search_charts.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "runtime/tools/page/chart.h"
#include "runtime/tools/page/html.h"

namespace mmoe::converter {
namespace {

using tools::at;
using tools::Plot;
using Kind = ChoicePoint::Kind;

constexpr double kWidth = 480, kHeight = 300, kLeft = 76, kTop = 26, kRight = 20, kBottom = 48;
constexpr double kZeroBelow = 0.55;  // of a power of ten: where 0 stands below the least power

struct Frame {
  Plot plot;  // of y, or its logarithm
  double right_value = 1, x_step = 1;
  bool log_y = true;
  double zero = 0;  // where a y of 0 stands on a logarithmic scale

  double x(double value) const { return plot.left + plot.width * value / right_value; }
  double y(double value) const {
    if (!log_y) return plot.y(value);
    return plot.y(value > 0 ? std::max(std::log10(value), zero) : zero);
  }
};

bool is_drawn(const ChoicePoint& point) { return std::isfinite(point.x) && std::isfinite(point.y); }

void set_log_scale(double least, double largest, Frame& frame) {
  frame.plot.low = least > 0 ? std::floor(std::log10(least)) : -1;
  frame.plot.high = least > 0 ? std::max(frame.plot.low + 1, std::ceil(std::log10(largest))) : 0;
  frame.zero = frame.plot.low - kZeroBelow;
  frame.plot.low = frame.zero;
}

void set_plain_scale(double least, double largest, Frame& frame) {
  const double low = std::min(0.0, least), high = std::max(0.0, largest);
  const double step = tools::nice_step(high > low ? high - low : 1);
  frame.plot.step = step;
  frame.plot.low = std::floor(low / step) * step;
  frame.plot.high = std::max(std::ceil(high / step) * step, frame.plot.low + step);
}

Frame frame_of(const std::vector<ChoicePoint>& points, const ChoiceAxes& axes) {
  Frame frame;
  frame.plot = {kLeft, kTop, kWidth - kLeft - kRight, kHeight - kTop - kBottom, 0, 1, 1};
  frame.log_y = axes.log_y;
  double right = 0, least = axes.limit > 0 ? axes.limit : INFINITY, largest = axes.limit > 0 ? axes.limit : -INFINITY;
  for (const ChoicePoint& point : points) {
    if (!is_drawn(point)) continue;
    right = std::max(right, point.x);
    if (axes.log_y && point.y <= 0) continue;
    least = std::min(least, point.y);
    largest = std::max(largest, point.y);
  }
  if (!std::isfinite(least)) least = 0, largest = 0;
  frame.x_step = tools::nice_step(right > 0 ? right : 1);
  frame.right_value = std::max(1.06 * right, frame.x_step);
  axes.log_y ? set_log_scale(least, largest, frame) : set_plain_scale(least, largest, frame);
  return frame;
}

std::string power_text(double exponent) {
  const auto whole = static_cast<int>(exponent);
  return whole >= -4 && whole <= 3 ? tools::fixed(std::pow(10, whole), std::max(0, -whole))
                                   : "1e" + std::to_string(whole);
}

void draw_y_line(double y, const std::string& text, const Frame& frame, std::string& out) {
  tools::svg_line(out, frame.plot.left, y, frame.plot.left + frame.plot.width, y, "grid");
  tools::svg_text(out, frame.plot.left - 6, y + 4, "end", text);
}

void draw_axes(const Frame& frame, const ChoiceAxes& axes, std::string& out) {
  const Plot& plot = frame.plot;
  if (!frame.log_y) tools::draw_grid(out, plot, false);
  const double least = std::round(frame.zero + kZeroBelow);  // a power of ten, but for the rounding of the sum
  if (frame.log_y) {
    draw_y_line(plot.y(frame.zero), "0", frame, out);
    const double step = std::max(1.0, std::ceil((plot.high - least) / 7));
    for (double power = least; power <= plot.high; power += step)
      draw_y_line(plot.y(power), power_text(power), frame, out);
  }
  const double bottom = plot.top + plot.height;
  for (double value = 0; value <= frame.right_value; value += frame.x_step) {
    tools::svg_line(out, frame.x(value), bottom, frame.x(value), bottom + 4, "axis");
    tools::svg_text(out, frame.x(value), bottom + 17, "middle", tools::tick_text(value, frame.x_step));
  }
  tools::svg_line(out, plot.left, bottom, plot.left + plot.width, bottom, "axis");
  tools::svg_text(out, plot.left + plot.width, bottom + 36, "end", axes.x);
  tools::svg_text(out, 2, 14, "value", axes.y);
  if (axes.limit <= 0) return;
  tools::svg_line(out, plot.left, frame.y(axes.limit), plot.left + plot.width, frame.y(axes.limit), "limit");
}

std::string class_of(const ChoicePoint& point) {
  const std::string colour = point.kind == Kind::kF32 ? "several" : point.keeps_budget ? "t2" : "t4 hollow";
  return point.kind == Kind::kOnePart ? colour + " faint" : colour;
}

void draw_point(const ChoicePoint& point, const Frame& frame, std::string& out) {
  const double radius = point.kind == Kind::kOnePart ? 3 : point.kind == Kind::kCombination ? 3.5 : 5;
  const auto circle = [&](double size, const std::string& classes) {
    out += "<circle cx=\"" + at(frame.x(point.x)) + "\" cy=\"" + at(frame.y(point.y)) + "\" r=\"" + at(size) +
           "\" class=\"" + classes + "\"><title>" + tools::escaped(point.text) + "</title></circle>\n";
  };
  circle(radius, class_of(point));
  if (point.kind == Kind::kChosen) circle(9, "t0 ring");
}

// Beside their points, where they cover neither another text nor a point; else left out.
class Labels {
 public:
  explicit Labels(const Frame& frame) : frame_(frame) {}

  void keep_free(const ChoicePoint& point) {
    taken_.push_back({frame_.x(point.x) - kRadius, frame_.y(point.y) + kRadius, 2 * kRadius});
  }

  void draw(const ChoicePoint& point, std::string& out) {
    const double width = kLetter * static_cast<double>(point.label.size());
    const double x = frame_.x(point.x), y = frame_.y(point.y);
    for (const bool left : {false, true}) {
      const double begin = left ? x - kBeside - width : x + kBeside;
      if (begin < kLeft || begin + width > kWidth) continue;
      for (const double dy : {4.0, -9.0, 17.0}) {
        const auto meets = [&](const Box& box) { return box.meets(begin, y + dy, width); };
        if (std::any_of(taken_.begin(), taken_.end(), meets)) continue;
        taken_.push_back({begin, y + dy, width});
        tools::svg_text(out, left ? x - kBeside : x + kBeside, y + dy, left ? "end value" : "value", point.label);
        return;
      }
    }
  }

 private:
  static constexpr double kRadius = 5, kBeside = 14;
  static constexpr double kLetter = 8.2;  // of the larger letters that narrow pages have
  struct Box {
    double x, y, width;
    bool meets(double other_x, double other_y, double other_width) const {
      return std::abs(other_y - y) < 12 && other_x < x + width + 4 && x < other_x + other_width + 4;
    }
  };

  const Frame& frame_;
  std::vector<Box> taken_;
};

// What is drawn last lies on top.
int layer_of(const ChoicePoint& point) {
  switch (point.kind) {
    case Kind::kOnePart: return 0;
    case Kind::kCombination: return 1;
    case Kind::kUniform: return 2;
    case Kind::kF32: return 3;
    case Kind::kChosen: return 4;
  }
  return 0;
}

}  // namespace

std::string choice_chart(const std::vector<ChoicePoint>& points, const ChoiceAxes& axes) {
  const Frame frame = frame_of(points, axes);
  std::string out = "<div class=\"fit\">" + tools::svg_open(kWidth, kHeight, axes.y + " against " + axes.x);
  draw_axes(frame, axes, out);
  std::vector<const ChoicePoint*> order;
  for (const ChoicePoint& point : points) {
    if (is_drawn(point)) order.push_back(&point);
  }
  std::stable_sort(order.begin(), order.end(),
                   [](const auto* a, const auto* b) { return layer_of(*a) < layer_of(*b); });
  for (const ChoicePoint* point : order) draw_point(*point, frame, out);
  Labels labels(frame);
  for (const ChoicePoint* point : order) {
    if (!point->label.empty()) labels.keep_free(*point);
  }
  for (auto point = order.rbegin(); point != order.rend(); ++point) {
    if (!(*point)->label.empty()) labels.draw(**point, out);
  }
  return out + "</svg></div>\n";
}

std::string choice_legend(bool has_limit) {
  return std::string("<p class=\"legend\"><span><i class=\"t2\"></i>keeps the budget</span> ") +
         "<span><i class=\"t4 hollow\"></i>does not</span> <span><i class=\"several\"></i>f32: nothing made "
         "smaller</span> " +
         "<span><i class=\"t0\"></i>ring: the chosen one</span> <span>faint: one part alone made smaller</span> " +
         (has_limit ? "<span>broken line: the limit</span>" : "") + "</p>\n";
}

}  // namespace mmoe::converter
