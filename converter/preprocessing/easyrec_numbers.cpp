#include "converter/preprocessing/easyrec_numbers.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "converter/preprocessing/easyrec_fields.h"

namespace mmoe::converter::easyrec {

namespace {

using nlohmann::json;

double number_of(const JsonReader& field, const std::string& text) {
  const std::optional<double> value = parsed<double>(text);
  if (!value || !std::isfinite(*value)) field.fail_expected("a number instead of \"" + text + "\"");
  return *value;
}

// "method=zscore,mean=0.0,standard_deviation=10.0"
class Parameters {
 public:
  explicit Parameters(const JsonReader& normalizer) : normalizer_(normalizer) {
    const std::string text = normalizer.text();
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = std::min(text.find(',', begin), text.size()), equal = text.find('=', begin);
      if (equal >= end) normalizer.fail_expected("method=..., and its parameters");
      parameters_[text.substr(begin, equal - begin)] = text.substr(equal + 1, end - equal - 1);
      begin = end + 1;
    }
  }

  std::string method() const {
    const auto found = parameters_.find("method");
    return found == parameters_.end() ? "" : found->second;
  }

  double get(const std::string& key, std::optional<double> otherwise = std::nullopt) const {
    const auto found = parameters_.find(key);
    if (found != parameters_.end()) return number_of(normalizer_, found->second);
    if (!otherwise) normalizer_.fail("missing: " + key);
    return *otherwise;
  }

 private:
  const JsonReader& normalizer_;
  std::map<std::string, std::string> parameters_;
};

/// y = (v - offset) * factor; or log10(v) of what is above `threshold`, and `low` of the rest.
struct Normalizer {
  double offset = 0, factor = 1;
  bool log10 = false;
  double threshold = 0, low = 0;

  double of(float v) const {
    if (log10) return v > threshold ? std::log10(static_cast<double>(v)) : low;
    return (v - offset) * factor;
  }
  double raw_of(double y) const { return log10 ? std::pow(10, y) : y / factor + offset; }

  // Then the rest is as if it were raised to the threshold.
  bool is_continuous() const { return std::abs(std::log10(threshold) - low) <= 1e-6 * std::abs(low); }
};

std::optional<JsonReader> normalizer_of(const JsonReader& feature) {
  const auto field = feature.find("normalizer");
  return field && !field->text().empty() ? field : std::nullopt;
}

Normalizer read_normalizer(const JsonReader& field) {
  const Parameters parameters(field);
  Normalizer out;
  if (const std::string method = parameters.method(); method == "zscore") {
    out.offset = parameters.get("mean");
    out.factor = 1 / parameters.get("standard_deviation");
  } else if (method == "minmax") {
    out.offset = parameters.get("min");
    out.factor = 1 / (parameters.get("max") - out.offset);
  } else if (method == "log10") {
    out.log10 = true;
    out.threshold = parameters.get("threshold", 1e-10);
    out.low = parameters.get("default", -10);
    if (!(out.threshold > 0)) field.fail("`threshold` is not above 0");
  } else {
    field.fail("method=" + method + " is not supported: log10, zscore and minmax are");
  }
  if (!std::isfinite(out.factor)) field.fail("its range is 0");
  return out;
}

void add_normalizer(const JsonReader& field, const Normalizer& normalizer, json& out) {
  if (!normalizer.log10) {
    out["scale"] = {{"offset", normalizer.offset}, {"factor", normalizer.factor}};
    return;
  }
  if (!normalizer.is_continuous()) {
    field.fail("`default` is not the logarithm of `threshold`, which is not supported without boundaries");
  }
  out["clip"] = {normalizer.threshold, nullptr};
  out["function"] = "log10";
}

/// Bounds of raw numbers, and what each bin is of those of the normalised ones.
struct RawBins {
  std::vector<float> bounds;
  std::vector<size_t> ids;
};

constexpr float kAlways = -std::numeric_limits<float>::infinity();

// The least float whose normalised number is not below `bound`: what pow() and the rounding to float may miss is a
// step of floats.
float raw_bound(const JsonReader& bound, const Normalizer& normalizer) {
  const float wanted = bound.real();
  if (normalizer.log10 && wanted <= normalizer.low) return kAlways;
  float raw = static_cast<float>(normalizer.raw_of(wanted));
  if (normalizer.log10) raw = std::max(raw, std::nextafter(static_cast<float>(normalizer.threshold), kAlways));
  for (int step = 0; step < 4 && normalizer.of(raw) < wanted; ++step) raw = std::nextafter(raw, -kAlways);
  for (int step = 0; step < 4 && normalizer.of(std::nextafter(raw, kAlways)) >= wanted; ++step) {
    raw = std::nextafter(raw, kAlways);
  }
  if (!std::isfinite(raw)) bound.fail("no number reaches it behind the normalizer");
  return raw;
}

// In the order of the normalised numbers, so a normalizer may not turn them round.
RawBins raw_bins(const JsonReader& field, const JsonReader& bounds) {
  const Normalizer normalizer = read_normalizer(field);
  const double first = normalizer.log10 ? std::log10(normalizer.threshold) : 0;
  const bool ascends = normalizer.log10 ? normalizer.low <= first || normalizer.is_continuous() : normalizer.factor > 0;
  if (!ascends) field.fail("does not ascend, which is not supported with boundaries");
  RawBins bins;
  size_t below = 0;  // boundaries that no number is below, or fewer numbers than another bound
  for (const JsonReader& bound : bounds.items()) {
    const float raw = raw_bound(bound, normalizer);
    ++below;
    if (raw == kAlways) {
      bins.ids.assign(1, below);
    } else if (!bins.bounds.empty() && !(bins.bounds.back() < raw)) {
      bins.ids.back() = below;
    } else {
      if (bins.ids.empty()) bins.ids.push_back(0);
      bins.bounds.push_back(raw);
      bins.ids.push_back(below);
    }
  }
  if (!bins.bounds.empty()) return bins;
  bins.bounds.push_back(static_cast<float>(normalizer.threshold));  // one bin for all, of which a list has two
  bins.ids.assign(2, below);
  return bins;
}

}  // namespace

json describe_number(const JsonReader& feature, bool encoded) {
  json out = {{"kind", "dense"}};
  if (const size_t width = count_at(feature, "value_dim", 1); width != 1) out["width"] = width;
  const auto field = encoded ? std::nullopt : normalizer_of(feature);
  const Normalizer normalizer = field ? read_normalizer(*field) : Normalizer();
  if (field) add_normalizer(*field, normalizer, out);
  // A default value is that of the normalised number: what becomes it is its place among raw ones.
  const std::string missing = text_at(feature, encoded ? "fg_encoded_default_value" : "default_value", "0");
  if (missing.empty()) return out;
  const JsonReader place = feature.find("default_value").value_or(feature);
  const double raw = normalizer.raw_of(number_of(place, missing));
  if (normalizer.log10 && raw < normalizer.threshold) {
    place.fail("is below the normalizer's default, which is not supported");
  }
  out["missing"] = raw;
  return out;
}

// A value that equals a boundary is in the bin above it. The default value is not normalised.
json describe_bins(const JsonReader& feature) {
  if (count_at(feature, "value_dim", 1) != 1) feature.get("value_dim", "").fail("with boundaries only 1 is supported");
  const JsonReader bounds = feature.get("boundaries", "");
  json out = {{"kind", "categorical"}, {"unknown", "zero"}};
  out["vocabulary"] = {{"bounds", bounds.copy()}, {"side", "right"}};
  if (const auto field = normalizer_of(feature)) {
    const RawBins bins = raw_bins(*field, bounds);
    out["vocabulary"]["bounds"] = bins.bounds;
    out["ids"] = bins.ids;
  }
  const std::string missing = text_at(feature, "default_value", "0");
  if (missing.empty()) return out;
  const auto value = static_cast<float>(number_of(feature.find("default_value").value_or(feature), missing));
  size_t id = 0;
  for (const JsonReader& bound : bounds.items()) id += bound.real() <= value ? 1 : 0;
  out["unknown"] = {{"id", id}};
  return out;
}

}  // namespace mmoe::converter::easyrec
