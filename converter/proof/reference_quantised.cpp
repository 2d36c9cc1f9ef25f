// Reference semantics of ONNX's operators on codes; and, with RefCall::real_codes, the same graph without the rounding
// of what depends on rows: codes of results are then the results themselves, cut at 0 where that is the end of the
// codes' range, with a dynamic scale of 1.
#include <algorithm>
#include <cmath>
#include <map>

#include "converter/error.h"
#include "converter/proof/reference_tensor.h"

namespace mmoe::converter {
namespace {

/// Of codes: by the type of the zero point, u8 without one.
struct CodeRange {
  int64_t lowest = 0, highest = 255;
};

CodeRange codes_of(const RefCall& call) {
  static const std::map<std::string, CodeRange> kRanges = {
      {"u8", {0, 255}}, {"i8", {-128, 127}}, {"u16", {0, 65535}}, {"i16", {-32768, 32767}}};
  if (!call.has(2)) return {};
  const auto found = kRanges.find(call.input(2).dtype);
  if (found == kRanges.end()) throw ConvertError("has a zero point of another type");
  return found->second;
}

/// Which scale an element has.
class Channels {
 public:
  Channels(const RefCall& call, const RefTensor& tensor) {
    count_ = call.input(1).size();
    if (count_ == 1) return;
    const size_t axis = axis_of(call.integer("axis", 1), tensor.shape.size());
    if (count_ != tensor.shape[axis] || call.integer("block_size", 0) != 0) {
      throw ConvertError("has scales that do not fit its axis");
    }
    inner_ = product(tensor.shape, axis + 1, tensor.shape.size());
  }
  size_t of(size_t element) const { return element / inner_ % count_; }

 private:
  size_t count_ = 1, inner_ = 1;
};

double point_of(const RefCall& call, size_t which, size_t channel) {
  if (!call.has(which)) return 0;
  const RefTensor& points = call.input(which);
  const size_t at = points.size() == 1 ? 0 : channel;
  if (at >= points.size()) throw ConvertError("has zero points that do not fit");
  return points.number(at);
}

RefResults quantise(const RefCall& call) {
  const RefTensor& x = call.input(0);
  const CodeRange range = codes_of(call);
  const Channels channels(call, x);
  if (call.real_codes && call.of_rows) {
    RefTensor same = make_reals(x.shape);
    const bool cut = point_of(call, 2, 0) == static_cast<double>(range.lowest);
    for (size_t i = 0; i < same.reals.size(); ++i) same.reals[i] = cut ? std::max(0.0, x.number(i)) : x.number(i);
    return single(std::move(same));
  }
  RefTensor codes = make_integers(x.shape);
  for (size_t i = 0; i < codes.integers.size(); ++i) {
    const size_t channel = channels.of(i);
    // As floats, in which ties are ties.
    const auto quotient = static_cast<float>(x.number(i)) / static_cast<float>(call.input(1).number(channel));
    const double code = static_cast<double>(std::nearbyint(quotient)) + point_of(call, 2, channel);
    if (std::isnan(code)) throw ConvertError("rounds what is no number");
    codes.integers[i] =
        static_cast<int64_t>(std::clamp(code, static_cast<double>(range.lowest), static_cast<double>(range.highest)));
  }
  return single(std::move(codes));
}

RefResults dequantise(const RefCall& call) {
  const RefTensor& codes = call.input(0);
  RefTensor x = make_reals(codes.shape);
  const Channels channels(call, codes);
  for (size_t i = 0; i < x.reals.size(); ++i) {
    const size_t channel = channels.of(i);
    const bool real = !codes.whole;  // the results themselves
    x.reals[i] =
        real ? codes.number(i) : (codes.number(i) - point_of(call, 2, channel)) * call.input(1).number(channel);
  }
  return single(std::move(x));
}

/// Of the whole tensor, whose range is made to have 0.
RefResults quantise_dynamically(const RefCall& call) {
  const RefTensor& x = call.input(0);
  RefTensor scale = make_reals({}), point = make_integers({});
  point.dtype = "u8";
  RefResults results;
  if (call.real_codes) {
    scale.reals[0] = 1;
    RefTensor same = make_reals(x.shape);
    for (size_t i = 0; i < same.reals.size(); ++i) same.reals[i] = x.number(i);
    results.push_back(std::move(same));
  } else {
    double low = 0, high = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      low = std::min(low, x.number(i));
      high = std::max(high, x.number(i));
    }
    const double step = static_cast<double>(static_cast<float>((high - low) / 255));
    scale.reals[0] = step;
    const auto in_steps = [step](double value) {  // in floats, in which ties are ties
      return static_cast<double>(std::nearbyint(static_cast<float>(value) / static_cast<float>(step)));
    };
    const double zero = step == 0 ? 0 : std::clamp(in_steps(-low), 0.0, 255.0);
    point.integers[0] = static_cast<int64_t>(zero);
    RefTensor codes = make_integers(x.shape);
    for (size_t i = 0; i < codes.integers.size(); ++i) {
      const double code = step == 0 ? zero : in_steps(x.number(i)) + zero;
      if (std::isnan(code)) throw ConvertError("rounds what is no number");
      codes.integers[i] = static_cast<int64_t>(std::clamp(code, 0.0, 255.0));
    }
    results.push_back(std::move(codes));
  }
  results.push_back(std::move(scale));
  results.push_back(std::move(point));
  return results;
}

/// The codes without their zero points: those of rows have one for all, or one per row; those of columns one per
/// column.
RefTensor without_zero_points(const RefCall& call, size_t which, bool per_column) {
  const RefTensor& codes = call.input(which);
  RefTensor differences = make_reals(codes.shape);
  const size_t columns = codes.shape.empty() ? 1 : codes.shape.back();
  for (size_t i = 0; i < differences.reals.size(); ++i) {
    differences.reals[i] = codes.number(i) - point_of(call, which + 2, per_column ? i % columns : i / columns);
  }
  return differences;
}

RefResults multiply_codes(const RefCall& call) {
  const RefTensor a = without_zero_points(call, 0, false), b = without_zero_points(call, 1, true);
  RefTensor product = multiply_matrices(call, a, b);
  if (call.real_codes) return single(std::move(product));
  RefTensor whole = make_integers(product.shape);
  for (size_t i = 0; i < whole.integers.size(); ++i) whole.integers[i] = whole_number(product.reals[i]);
  return single(std::move(whole));
}

}  // namespace

RefFunction find_reference_quantised(const std::string& operation) {
  static const std::map<std::string, RefFunction> kTable = {{"QuantizeLinear", quantise},
                                                            {"DequantizeLinear", dequantise},
                                                            {"DynamicQuantizeLinear", quantise_dynamically},
                                                            {"MatMulInteger", multiply_codes}};
  const auto found = kTable.find(operation);
  return found == kTable.end() ? nullptr : found->second;
}

}  // namespace mmoe::converter
