#include <algorithm>
#include <cmath>
#include <limits>

#include "converter/check/evaluate.h"

namespace mmoe::converter {
namespace {

// splitmix64 (Steele, Lea and Flood 2014): the distributions of <random> differ between standard libraries.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t bits() {
    state_ += 0x9e3779b97f4a7c15u;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  double uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }
  size_t below(size_t bound) { return static_cast<size_t>(bits() % bound); }
  /// The sum of twelve uniform numbers: mean 0, variance 1, and no library function whose last bit may vary.
  double normal() {
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += uniform();
    return sum;
  }

 private:
  uint64_t state_;
};

constexpr size_t kOneInMissing = 16;

// A value of the function's domain, within the clipping range. Small ones are as likely as large ones, but of powers.
float random_argument(const Scaling& scaling, Random& random) {
  if (scaling.function == NumberFunction::kIsMissing) {
    return random.below(2) == 0 ? std::numeric_limits<float>::quiet_NaN() : 1.0f;
  }
  if (!scaling.points.empty()) {
    const double first = scaling.points.front().first, last = scaling.points.back().first;
    const double anywhere = first + (1.2 * random.uniform() - 0.1) * (last - first);
    const double at = scaling.points[random.below(scaling.points.size())].first;
    return static_cast<float>(random.below(4) == 0 ? at : anywhere);
  }
  const bool has_sign = scaling.function == NumberFunction::kYeoJohnson || scaling.function == NumberFunction::kAbs ||
                        scaling.function == NumberFunction::kSignedLog1p;
  const double uniform = random.uniform(), square = uniform * uniform;
  const bool is_power = scaling.function == NumberFunction::kPower || scaling.function == NumberFunction::kBoxCox ||
                        scaling.function == NumberFunction::kYeoJohnson;
  double value = is_power ? 0.5 + uniform : 0.001 + 100 * square * square;
  if (has_sign && random.below(2) == 0) value = -value;
  value = std::min<double>(std::max<double>(value, scaling.lower), scaling.upper);
  return static_cast<float>(value);
}

float random_value(const Scaling& scaling, Random& random) {
  if (!std::isnan(scaling.missing) && random.below(kOneInMissing) == 0) return std::numeric_limits<float>::quiet_NaN();
  if (scaling.function != NumberFunction::kIdentity) return random_argument(scaling, random);
  if (std::isfinite(scaling.lower) && std::isfinite(scaling.upper)) {
    const double lower = scaling.lower, upper = scaling.upper;
    return static_cast<float>(lower + random.uniform() * (upper - lower));
  }
  const double factor = scaling.factor != 0 ? static_cast<double>(scaling.factor) : 1;
  return static_cast<float>(static_cast<double>(scaling.offset) + random.normal() / factor);
}

// Some are 0, or less: an element that is left out of a mean.
float random_weight(Random& random) {
  const double uniform = random.uniform();
  return random.below(kOneInMissing) == 0 ? static_cast<float>(-uniform) : static_cast<float>(0.05 + 2 * uniform);
}

int32_t random_id(const Vocabulary& vocabulary, Random& random) {
  if (vocabulary.unknown != UnknownRule::kError && random.below(kOneInMissing) == 0) return -1;
  return static_cast<int32_t>(vocabulary.id_of(random.below(vocabulary.size)));
}

}  // namespace

RawRows random_rows(const TrainedModel& model, size_t num_rows, uint64_t seed) {
  Random random(seed);
  RawRows rows;
  rows.num_rows = num_rows;
  for (size_t row = 0; row < num_rows; ++row) {
    for (size_t i = 0; model.features.empty() && i < model.input_dim; ++i) {
      rows.values.push_back(static_cast<float>(random.normal()));
    }
    for (const Feature& feature : model.features) {
      if (const Vocabulary* vocabulary = feature.vocabulary()) {
        const bool sequence = std::holds_alternative<SequenceFeature>(feature.kind);
        const size_t count = sequence ? random.below(feature.num_ids() + 1) : 1;
        for (size_t i = 0; i < feature.num_ids(); ++i) {
          rows.ids.push_back(i < count ? random_id(*vocabulary, random) : kNoElement);
        }
        for (size_t i = 0; i < feature.num_values(); ++i) rows.values.push_back(random_weight(random));
        continue;
      }
      const Scaling& scaling = std::get<DenseFeature>(feature.kind).scaling;
      for (size_t i = 0; i < feature.num_values(); ++i) rows.values.push_back(random_value(scaling, random));
    }
  }
  return rows;
}

}  // namespace mmoe::converter
