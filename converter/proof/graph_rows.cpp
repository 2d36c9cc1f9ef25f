#include "converter/proof/graph_rows.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "converter/importers/messages.h"

namespace mmoe::converter {

// splitmix64 (Steele, Lea and Flood 2014): the same rows on every platform.
class GraphRows::Random {
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
  size_t below(size_t bound) { return static_cast<size_t>(bits() % std::max<size_t>(1, bound)); }

 private:
  uint64_t state_;
};

namespace {

/// Most rows are of the size that trained models see; some are small, some so large that they reach bounds which are
/// far away, and some values are 0.
float random_value(size_t row, bool whole, GraphRows::Random& random) {
  constexpr double kSizes[] = {1, 0.125, 2, 1, 8, 0.5, 1, 3, 1, 0.125, 2, 1, 64, 0.5, 1, 1024};
  const double value = (2 * random.uniform() - 1) * 1.75 * kSizes[row % 16];
  if (whole) return static_cast<float>(std::nearbyint(value * 3));
  return random.below(32) == 0 ? 0.0f : static_cast<float>(value);
}

bool is_unscaled(const DenseFeature& dense) {
  const Scaling& scaling = dense.scaling;
  return scaling.function == NumberFunction::kIdentity && scaling.offset == 0 && scaling.factor == 1 &&
         std::isinf(scaling.lower) && std::isinf(scaling.upper);
}

/// Whole numbers by themselves in the graph: ids may be compared with them.
void find_single_numbers(const OnnxGraph& graph, std::set<size_t>& found) {
  constexpr size_t kMost = 64;
  const auto add = [&](const OnnxTensor& tensor) {
    const bool single = tensor.integers.size() == 1 && tensor.integers[0] >= 0 && found.size() < kMost;
    if (single) found.insert(static_cast<size_t>(tensor.integers[0]));
  };
  for (const auto& entry : graph.initializers) add(*entry.second);
  for (const OnnxNode& node : graph.nodes) {
    for (const auto& entry : node.attributes) {
      if (entry.second.tensor) add(*entry.second.tensor);
      if (entry.second.branch) find_single_numbers(*entry.second.branch, found);
    }
  }
}

std::vector<size_t> single_numbers(const OnnxGraph& graph) {
  std::set<size_t> found;
  find_single_numbers(graph, found);
  return {found.begin(), found.end()};
}

}  // namespace

GraphRows::GraphRows(const OnnxGraph& graph, const TrainedModel& description, const Reference& reference, bool computed)
    : graph_(graph), single_numbers_(single_numbers(graph)) {
  for (const OnnxValue& input : graph.inputs) {
    if (input.shape.empty()) throw NotEvaluated("input " + in_quotes(input.name) + " has no batch");
    if (input.shape[0] != 0) fixed_batch_ = input.shape[0];
    if (std::count(input.shape.begin() + 1, input.shape.end(), uint64_t{0}) != 0 && reference.needs(input.name)) {
      throw NotEvaluated("the shape of input " + in_quotes(input.name) + " is not fixed");
    }
  }
  if (description.features.empty()) place_x(reference);
  for (const Feature& feature : description.features) place(feature, computed);
  for (const Place& first : places_) {
    if (first.width == 0) throw NotEvaluated("a feature has no columns");
  }
  if (description.features.empty() && places_[0].width != description.input_dim) {
    throw NotEvaluated("x has another number of columns than the graph's input");
  }
}

size_t GraphRows::columns(size_t input) const {
  size_t count = 1;
  for (size_t axis = 1; axis < graph_.inputs[input].shape.size(); ++axis) {
    const uint64_t size = graph_.inputs[input].shape[axis];
    if (size > (uint64_t{1} << 24) / count)
      throw NotEvaluated("input " + in_quotes(graph_.inputs[input].name) + " is too wide");
    count *= std::max<size_t>(1, static_cast<size_t>(size));
  }
  return count;
}

std::optional<size_t> GraphRows::find_input(const std::string& name) const {
  for (size_t i = 0; i < graph_.inputs.size(); ++i) {
    if (graph_.inputs[i].name == name) return i;
  }
  return std::nullopt;
}

void GraphRows::place_x(const Reference& reference) {
  std::vector<size_t> read;
  for (size_t i = 0; i < graph_.inputs.size(); ++i) {
    if (reference.needs(graph_.inputs[i].name)) read.push_back(i);
  }
  if (read.size() != 1) throw NotEvaluated("the graph reads several inputs, and the description has no features");
  Place x;
  x.input = read[0];
  x.width = columns(read[0]);
  places_.push_back(x);
}

void GraphRows::place_number(const Scaling& scaling, Place& place) const {
  place.missing = !std::isnan(scaling.missing);
  const NumberFunction function = scaling.function;
  place.above_zero = function == NumberFunction::kLog1p || function == NumberFunction::kSqrt;
  place.always_above = function == NumberFunction::kLog || function == NumberFunction::kLog10;
}

void GraphRows::place(const Feature& feature, bool computed) {
  Place place;
  const Vocabulary* vocabulary = feature.vocabulary();
  place.ids = vocabulary != nullptr;
  place.sequence = std::holds_alternative<SequenceFeature>(feature.kind);
  place.width = place.ids ? feature.num_ids() : feature.num_values();
  if (place.ids && !vocabulary->identity)
    throw NotEvaluated("feature " + in_quotes(feature.name) + " has a vocabulary");
  if (place.ids) place.size = place.table = vocabulary->size;
  if (place.ids) place.open = vocabulary->unknown == UnknownRule::kZero;
  if (place.sequence) place.padding = std::get<SequenceFeature>(feature.kind).padding_id.value_or(0);
  if (!place.ids) place_number(std::get<DenseFeature>(feature.kind).scaling, place);
  if (!place.ids && !computed && !is_unscaled(std::get<DenseFeature>(feature.kind))) {
    throw NotEvaluated("feature " + in_quotes(feature.name) + " is scaled before the graph gets it");
  }
  if (!find_columns(feature.name, place) && (feature.source.empty() || !find_columns(feature.source, place))) {
    throw NotEvaluated("feature " + in_quotes(feature.name) + " is no input of the graph");
  }
  share(place);
  places_.push_back(place);
}

bool GraphRows::find_columns(const std::string& name, Place& place) const {
  if (const auto whole = find_input(name)) {
    place.input = *whole;
    if (columns(*whole) != place.width) throw NotEvaluated("feature " + in_quotes(name) + " has another width");
    place.column = 0;
    return true;
  }
  const size_t dot = name.rfind('.');
  if (dot == std::string::npos) return false;
  const auto input = find_input(name.substr(0, dot));
  const char *begin = name.data() + dot + 1, *end = name.data() + name.size();
  size_t column = 0;
  if (!input || begin == end) return false;
  const auto [stop, error] = std::from_chars(begin, end, column);
  if (stop != end || error != std::errc() || column > columns(*input)) return false;
  if (place.width > columns(*input) - column) return false;
  place.input = *input;
  place.column = column;
  return true;
}

/// Ids that are looked up in several tables lie within all that refuse others, and reach beyond all that do not. A
/// number that is read in several ways is one.
void GraphRows::share(Place& place) {
  for (size_t i = 0; i < places_.size(); ++i) {
    Place& other = places_[i];
    if (other.input != place.input || other.column != place.column || other.width != place.width) continue;
    if (!other.ids && place.ids) continue;
    places_[other.same_as.value_or(i)].missing = other.missing && place.missing;
    places_[other.same_as.value_or(i)].above_zero = other.above_zero || place.above_zero;
    places_[other.same_as.value_or(i)].always_above = other.always_above || place.always_above;
    place.same_as = other.same_as.value_or(i);
    if (place.ids) share_ids(place, places_[*place.same_as]);
    return;
  }
}

void GraphRows::share_ids(const Place& place, Place& first) {
  const bool both_open = place.open && first.open;
  if (place.open == first.open) {
    first.table = both_open ? std::max(first.table, place.table) : std::min(first.table, place.table);
  } else if (first.open) {
    first.table = place.table;
  }
  first.open = both_open;
}

size_t GraphRows::width() const {
  size_t width = 0;
  for (const Place& place : places_) width += place.width;
  return width;
}

/// The first, the last, the padding, and numbers that stand in the graph.
size_t GraphRows::special_id(const Place& place, uint64_t choice) const {
  const size_t which = static_cast<size_t>(choice % (3 + single_numbers_.size()));
  const size_t id = which == 0   ? 0
                    : which == 1 ? place.table - 1
                    : which == 2 ? place.padding
                                 : single_numbers_[which - 3];
  constexpr size_t kMost = size_t{1} << 24;  // a float, and an id of the file, holds it
  return std::min(id, place.open ? kMost : place.table - 1);
}

RawRows GraphRows::make(size_t num_rows, uint64_t seed) const {
  Random random(seed);
  RawRows rows;
  rows.num_rows = num_rows;
  for (size_t row = 0; row < num_rows; ++row) {
    std::vector<size_t> firsts;  // of each place, among ids or values
    for (const Place& place : places_) {
      firsts.push_back(place.ids ? rows.ids.size() : rows.values.size());
      if (!place.same_as) make(place, row, random, rows);
      for (size_t i = 0; place.same_as && i < place.width; ++i) {
        const size_t at = firsts[*place.same_as] + i;
        const bool of_ids = places_[*place.same_as].ids;
        if (place.ids) rows.ids.push_back(rows.ids[at]);
        if (!place.ids) rows.values.push_back(of_ids ? static_cast<float>(rows.ids[at]) : rows.values[at]);
      }
    }
  }
  return rows;
}

float GraphRows::make_number(const Place& place, size_t row, Random& random) const {
  const float value = random_value(row, graph_.inputs[place.input].is_integer, random);
  if (place.missing && random.below(8) == 0) return std::numeric_limits<float>::quiet_NaN();
  if (place.always_above) return value == 0 ? 1 : std::fabs(value);
  // Some stay below 0, where a graph may keep them from being that.
  return place.above_zero && row % 4 != 0 ? std::fabs(value) : value;
}

/// Some sequences repeat an element, some begin or end in padding, one is of padding alone. Ids that a graph may treat
/// in a way of their own come in tables of every size.
void GraphRows::make(const Place& place, size_t row, Random& random, RawRows& rows) const {
  const size_t bound = place.table + (place.open ? 2 : 0);
  const size_t repeated = random.below(bound);
  constexpr size_t kEmpty = 4, kBegins = 6;  // rows: a sequence of padding alone, and those that begin with padding
  constexpr size_t kAlike = 7;  // all ids are one of the numbers that a graph may treat in a way of their own
  const bool alike = row % 8 == kAlike && place.ids;
  const size_t padding_from = row == kEmpty ? 0 : row % 3 == 1 ? random.below(place.width + 1) : place.width;
  const size_t padding_until = row % 8 == kBegins ? place.width - 1 - row / 8 % place.width : 0;
  for (size_t i = 0; i < place.width; ++i) {
    if (!place.ids) {
      rows.values.push_back(make_number(place, row, random));
      continue;
    }
    const bool repeats = place.sequence && random.below(4) == 0;
    size_t id = repeats ? repeated : random.below(bound);
    if (random.below(8) == 0) id = special_id(place, random.bits());
    if (place.sequence && (i >= padding_from || i < padding_until)) id = place.padding;
    if (alike) id = special_id(place, row / 8);
    rows.ids.push_back(static_cast<int32_t>(id));
  }
}

void GraphRows::hide_unknown_ids(RawRows& rows) const {
  int32_t* id = rows.ids.data();
  for (size_t row = 0; row < rows.num_rows; ++row) {
    for (const Place& place : places_) {
      for (size_t i = 0; place.ids && i < place.width; ++i, ++id) {
        if (static_cast<size_t>(*id) >= place.size) *id = -1;
      }
    }
  }
}

std::map<std::string, RefTensor> GraphRows::inputs(const RawRows& rows, size_t first, size_t count) const {
  std::map<std::string, RefTensor> inputs;
  std::vector<RefTensor*> tensors;
  for (size_t i = 0; i < graph_.inputs.size(); ++i) {
    const OnnxValue& input = graph_.inputs[i];
    Shape shape(input.shape.begin(), input.shape.end());
    shape[0] = count;
    for (size_t& size : shape) size = std::max<size_t>(1, size);
    tensors.push_back(&(inputs[input.name] = input.is_integer ? make_integers(shape) : make_reals(shape)));
  }
  const size_t num_values = rows.values.size() / rows.num_rows, num_ids = rows.ids.size() / rows.num_rows;
  for (size_t row = 0; row < count; ++row) {
    const float* values = rows.values.data() + (first + row) * num_values;
    const int32_t* ids = rows.ids.data() + (first + row) * num_ids;
    for (const Place& place : places_) {
      RefTensor& tensor = *tensors[place.input];
      const size_t at = row * columns(place.input) + place.column;
      for (size_t i = 0; i < place.width; ++i) {
        const double value = place.ids ? static_cast<double>(*ids++) : static_cast<double>(*values++);
        if (tensor.whole) tensor.integers[at + i] = static_cast<int64_t>(value);
        if (!tensor.whole) tensor.reals[at + i] = value;
      }
    }
  }
  return inputs;
}

}  // namespace mmoe::converter
