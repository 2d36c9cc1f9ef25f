// scikit-learn's QuantileTransformer: a function of lines between points for each column.
#include <algorithm>
#include <utility>
#include <vector>

#include "converter/preprocessing/sklearn_encoders.h"
#include "converter/preprocessing/sklearn_numbers.h"

namespace mmoe::converter {

namespace {

using nlohmann::json;
using Points = std::vector<std::pair<double, double>>;

// Of points in ascending order, between the first and the last.
double between(const Points& points, double v) {
  const auto behind = std::upper_bound(points.begin() + 1, points.end() - 1, v,
                                       [](double value, const auto& point) { return value < point.first; });
  const auto& before = *(behind - 1);
  return before.second + (behind->second - before.second) * (v - before.first) / (behind->first - before.first);
}

// Where the output is normal, scikit-learn takes what is within 1e-7 of a bound for beyond it.
Points with_margins(const JsonReader& transformer, const Points& points) {
  constexpr double kMargin = 1e-7;
  const double low = points.front().first, high = points.back().first;
  const double first = static_cast<float>(low + kMargin), last = static_cast<float>(high - kMargin);
  if (!(first < last)) transformer.fail("its quantiles lie within 2e-7, which is not supported");
  Points out = {points.front()};
  if (first > low) out.insert(out.end(), {{first, 0}, {first, between(points, first)}});
  for (const auto& point : points) {
    if (point.first > first && point.first < last) out.push_back(point);
  }
  if (last < high) out.insert(out.end(), {{last, between(points, last)}, {last, 1}});
  out.push_back(points.back());
  return out;
}

}  // namespace

// Lines between the quantiles; several that are equal are a step, at whose place is the mean of its ends.
PreprocessedColumns transform_quantiles(const JsonReader& transformer, PreprocessedColumns columns) {
  const bool normal = transformer.get("output_distribution", "uniform or normal").choice({"uniform", "normal"}) == 1;
  const std::vector<JsonReader> references = transformer.get("references_", "").items();
  const std::vector<JsonReader> rows = one_per_column(transformer, "quantiles_", references.size());
  if (rows.size() != references.size()) transformer.fail("its quantiles and references differ in number");
  if (rows.size() < 2) transformer.fail("it has fewer than two quantiles, which is not supported");
  std::vector<Points> points(columns.size());
  for (size_t row = 0; row < rows.size(); ++row) {
    const std::vector<JsonReader> cells = rows[row].items();
    if (cells.size() != columns.size()) rows[row].fail_expected(std::to_string(columns.size()) + " numbers");
    for (size_t i = 0; i < cells.size(); ++i) {
      points[i].emplace_back(static_cast<double>(cells[i].real()), references[row].number());
    }
  }
  for (size_t i = 0; i < columns.size(); ++i) {
    json function = {{"points", normal ? with_margins(transformer, points[i]) : points[i]}};
    if (normal) function["normal"] = true;
    apply_to_number(transformer, function, columns[i]);
  }
  return columns;
}

}  // namespace mmoe::converter
