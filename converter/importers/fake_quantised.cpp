#include "converter/importers/fake_quantised.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "converter/error.h"
#include "converter/importers/keras_config.h"
#include "converter/importers/messages.h"
#include "converter/shape_text.h"

namespace mmoe::converter {
namespace {

constexpr std::string_view kWeight = "weight", kFakeQuant = "weight_fake_quant.";
// Of torch.qint8; quint8 has the same differences from its zero point, 128. The range is not in the file: torch's
// default for mobile processors ends at -127, but chooses scales with which no weight comes to -128.
constexpr float kLowest = -128, kHighest = 127;

struct Rounding {
  std::vector<float> scale;  ///< one, or one per index of the first axis
  uint64_t inner = 1;        ///< elements of one index
};

class FakeQuantised : public WeightSource {
 public:
  FakeQuantised(std::unique_ptr<WeightSource> source) : source_(std::move(source)) {
    const std::vector<TensorInfo>& all = source_->tensors();
    std::map<std::string_view, size_t> by_name;
    for (size_t i = 0; i < all.size(); ++i) by_name.emplace(all[i].name, i);
    for (size_t i = 0; i < all.size(); ++i) {
      const size_t found = all[i].name.find(kFakeQuant);
      if (found != std::string::npos && by_name.count(all[i].name.substr(0, found) + std::string(kWeight)) != 0)
        continue;
      place_.push_back(i);
      tensors_.push_back(all[i]);
      rounding_.push_back(rounding_of(all[i], by_name));
      tensors_.back().coded = tensors_.back().coded || rounding_.back().has_value();
    }
  }

  const std::vector<TensorInfo>& tensors() const override { return tensors_; }
  std::string format() const override { return source_->format(); }
  const std::vector<KerasLayer>& keras_layers() const override { return source_->keras_layers(); }
  std::vector<TensorAlias> aliases() const override { return {}; }  // of Keras alone, which has no such tensors

  void read(size_t index, uint64_t first, uint64_t count, float* to) const override {
    source_->read(place_.at(index), first, count, to);
    if (!rounding_[index]) return;
    const Rounding& rounding = *rounding_[index];
    for (uint64_t i = 0; i < count; ++i) {
      const size_t at = rounding.scale.size() == 1 ? 0 : static_cast<size_t>((first + i) / rounding.inner);
      to[i] = rounded(to[i], rounding.scale[at]);
    }
  }

 private:
  /// As torch.fake_quantize_per_channel_affine: by the reciprocal of the scale, in floats.
  static float rounded(float value, float scale) {
    if (std::isnan(value)) return value;
    return std::clamp(std::nearbyint(value * (1 / scale)), kLowest, kHighest) * scale;
  }

  std::optional<Rounding> rounding_of(const TensorInfo& weight,
                                      const std::map<std::string_view, size_t>& by_name) const {
    const std::string& name = weight.name;
    const bool ends = name.size() >= kWeight.size() && name.substr(name.size() - kWeight.size()) == kWeight;
    const std::string start = name + "_fake_quant.";
    const auto scale = by_name.find(start + "scale");
    if (!ends || scale == by_name.end()) return std::nullopt;
    const auto enabled = by_name.find(start + "fake_quant_enabled");
    if (enabled != by_name.end() && numbers(enabled->second, {1}) == std::vector<float>{0}) return std::nullopt;
    const uint64_t channels = weight.shape.empty() ? 1 : weight.shape[0];
    Rounding rounding;
    rounding.scale = numbers(scale->second, {1, channels});
    check_zero_points(start + "zero_point", by_name, rounding.scale.size());
    if (by_name.count(name.substr(0, name.size() - kWeight.size()) + "bn.running_var") != 0) {
      throw ConvertError("tensor " + in_quotes(name) +
                         " is rounded in training after its batch norm was multiplied into it; save the model that "
                         "torch.ao.quantization.convert makes of it");
    }
    if (rounding.scale.size() > 1) rounding.inner = std::max<uint64_t>(1, weight.num_elements() / channels);
    for (const float number : rounding.scale) {
      if (std::isnormal(number) && number > 0) continue;
      throw ConvertError("tensor " + in_quotes(scale->first) + " has the element " + std::to_string(number) +
                         "; expected scales above 0");
    }
    return rounding;
  }

  /// Others belong to ranges that the file does not tell.
  void check_zero_points(const std::string& name, const std::map<std::string_view, size_t>& by_name,
                         uint64_t count) const {
    const auto found = by_name.find(name);
    if (found == by_name.end()) return;
    for (const float zero_point : numbers(found->second, {count})) {
      if (zero_point == 0 || zero_point == 128) continue;
      throw ConvertError("tensor " + in_quotes(name) + " has the element " + std::to_string(zero_point) +
                         "; expected 0, or 128 of unsigned codes: weights that are rounded symmetrically");
    }
  }

  /// The elements, of which there are as many as one of `sizes`.
  std::vector<float> numbers(size_t tensor, std::initializer_list<uint64_t> sizes) const {
    const TensorInfo& info = source_->tensors()[tensor];
    const uint64_t found = info.num_elements();
    if (std::find(sizes.begin(), sizes.end(), found) == sizes.end()) {
      throw ConvertError("tensor " + in_quotes(info.name) + ": " + shape_text(info.shape) +
                         ", expected one element or one per output of the weight");
    }
    return source_->read(tensor);
  }

  std::unique_ptr<WeightSource> source_;
  std::vector<TensorInfo> tensors_;
  std::vector<size_t> place_;  // of source_->tensors()
  std::vector<std::optional<Rounding>> rounding_;
};

}  // namespace

std::unique_ptr<WeightSource> with_fake_quantised(const std::string& name, std::unique_ptr<WeightSource> source) {
  const std::vector<TensorInfo>& tensors = source->tensors();
  const bool any = std::any_of(tensors.begin(), tensors.end(), [](const TensorInfo& tensor) {
    return tensor.name.find(kFakeQuant) != std::string::npos;
  });
  if (!any) return source;
  try {
    return std::make_unique<FakeQuantised>(std::move(source));
  } catch (const ConvertError& error) {
    throw ConvertError(name + ": " + error.what());
  }
}

}  // namespace mmoe::converter
