#include "converter/description/derived.h"

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "converter/error.h"
#include "converter/model/limits.h"
#include "converter/reading/names.h"
#include "converter/reading/text.h"
#include "converter/shape_text.h"

namespace mmoe::converter {

namespace {

const char* const kSourceMeaning =
    "what it is made of: `split`, `chunks`, `slice`, `stack`, `tucker`, `product` or `sum`";

std::string name_of(const JsonReader& item, const PlaceholderValues& values) {
  const JsonReader field = item.get("name", "the name of the derived tensors");
  return Pattern(field.string(), field.path()).with(values).text();
}

// The name of part `index` of several: the one placeholder that the source did not fill.
std::string part_name(const JsonReader& item, PlaceholderValues values, size_t index) {
  const JsonReader field = item.get("name", "the name of the derived tensors");
  const Pattern pattern = Pattern(field.string(), field.path()).with(values);
  size_t open = 0;
  for (size_t i = 0; i < kNumPlaceholders; ++i) {
    if (!pattern.has(static_cast<Placeholder>(i))) continue;
    values[static_cast<Placeholder>(i)] = std::to_string(index);
    ++open;
  }
  if (open != 1) field.fail_expected("one placeholder that the source does not have: it numbers the parts");
  return pattern.with(values).text();
}

/// The indices [first, first + count) of an axis of `length`, for all indices of the axes before it and of the `inner`
/// elements behind it.
struct AxisRange {
  uint64_t length, inner, first, count;

  /// Elements that lie behind each other in both tensors.
  uint64_t run() const { return count * inner; }
  /// Where run `index` begins in the whole tensor.
  uint64_t begin(uint64_t index) const { return (index * length + first) * inner; }
};

/// Elements [first, first + count) of the tensor that the range makes of the one that `read_whole` reads.
void read_range(const TensorReader& read_whole, const AxisRange& range, uint64_t first, uint64_t count, float* to) {
  // Short runs are picked out of a block: a read costs more than the elements between them.
  if (count == 0) return;
  constexpr uint64_t kShortRun = 64, kBlockElements = uint64_t{1} << 16;
  const uint64_t stride = range.length * range.inner, run = range.run();
  const uint64_t runs_at_once = run < kShortRun ? std::max<uint64_t>(1, kBlockElements / stride) : 1;
  std::vector<float> block;
  while (count > 0) {
    const uint64_t index = first / run, skipped = first % run;
    if (runs_at_once == 1) {
      const uint64_t taken = std::min(count, run - skipped);
      read_whole(range.begin(index) + skipped, taken, to);
      to += taken, first += taken, count -= taken;
      continue;
    }
    const uint64_t runs = std::min(runs_at_once, (skipped + count + run - 1) / run);
    block.resize((runs - 1) * stride + run);
    read_whole(range.begin(index), block.size(), block.data());
    for (uint64_t i = 0; i < runs; ++i) {
      const uint64_t from = i == 0 ? skipped : 0, taken = std::min(count, run - from);
      to = std::copy_n(block.data() + i * stride + from, taken, to);
      first += taken, count -= taken;
    }
  }
}

// W[i, j] = sum over a, b, c of core[a, b, c] u[i, a] v[j, b] w[task, c], in double.
std::vector<float> multiply_out(const std::vector<std::vector<float>>& data,
                                const std::vector<std::vector<uint64_t>>& shapes, size_t task) {
  const std::vector<float>&core = data[0], &u = data[1], &v = data[2], &w = data[3];
  const uint64_t r1 = shapes[0][0], r2 = shapes[0][1], r3 = shapes[0][2];
  std::vector<double> contracted(r1 * r2);
  for (uint64_t ab = 0; ab < r1 * r2; ++ab) {
    for (uint64_t c = 0; c < r3; ++c) contracted[ab] += double{core[ab * r3 + c]} * w[task * r3 + c];
  }
  const uint64_t rows = shapes[1][0], cols = shapes[2][0];
  std::vector<float> result;
  std::vector<double> half(r2);
  for (uint64_t i = 0; i < rows; ++i) {
    std::fill(half.begin(), half.end(), 0.0);
    for (uint64_t a = 0; a < r1; ++a) {
      for (uint64_t b = 0; b < r2; ++b) half[b] += u[i * r1 + a] * contracted[a * r2 + b];
    }
    for (uint64_t j = 0; j < cols; ++j) {
      double sum = 0;
      for (uint64_t b = 0; b < r2; ++b) sum += half[b] * v[j * r2 + b];
      result.push_back(static_cast<float>(sum));
    }
  }
  return result;
}

void check_shape_like(const JsonReader& field, const TensorInfo& info, const TensorInfo& like) {
  if (info.shape == like.shape) return;
  field.fail(info.name + " is " + shape_text(info.shape) + ", expected " + shape_text(like.shape) + " like " +
             like.name);
}

// The names under which the description may know a tensor: see TensorIndex. Each with the prefix that it leaves out.
std::vector<std::pair<std::string, std::string>> names_of(const std::string& name,
                                                          const std::vector<std::string>& prefixes) {
  std::vector<std::pair<std::string, std::string>> names;
  for (const std::string& prefix : prefixes) {
    if (name.compare(0, prefix.size(), prefix) == 0) names.emplace_back(name.substr(prefix.size()), prefix);
  }
  for (const std::string& prefix : prefixes) {
    const std::string plain = uncompiled_name(name), plain_prefix = uncompiled_name(prefix);
    if (plain.compare(0, plain_prefix.size(), plain_prefix) == 0)
      names.emplace_back(plain.substr(plain_prefix.size()), prefix);
  }
  return names;
}

}  // namespace

DerivedWeights::DerivedWeights(const nlohmann::json& description, const WeightSource& source) : source_(source) {
  const JsonReader root(description);
  const auto list = root.is_object() ? root.find("derived") : std::nullopt;
  prefixes_ = shared_prefixes(source.tensors());
  const size_t count = source.tensors().size();
  for (size_t i = 0; i < count; ++i) {
    const auto read = [&source, i](uint64_t first, uint64_t elements, float* to) {
      source.read(i, first, elements, to);
    };
    known_.push_back({source.tensors()[i], read});
    last_of_[source.tensors()[i].name] = i;
  }
  if (list) {
    for (const JsonReader& item : list->items()) add(item);
  }
  for (size_t i = count; i < known_.size(); ++i) hand_out(i);
  for (size_t i = 0; i < count; ++i) hand_out(i);
}

void DerivedWeights::hand_out(size_t known) {
  if (known_[known].consumed) return;
  for (const TensorAlias& alias : source_.aliases()) {
    if (alias.tensor == known) aliases_.push_back({alias.name, tensors_.size()});
  }
  tensors_.push_back(known_[known].info);
  places_.push_back(known);
}

void DerivedWeights::add(const JsonReader& item) {
  item.allow_keys({"name", "split", "chunks", "slice", "stack", "tucker", "product", "sum", "axis", "first", "count"});
  const auto split = item.find("split"), chunks = item.find("chunks"), slice = item.find("slice");
  const auto stack = item.find("stack");
  const auto tucker = item.find("tucker"), product = item.find("product"), sum = item.find("sum");
  const int sources = split.has_value() + chunks.has_value() + slice.has_value() + stack.has_value() +
                      tucker.has_value() + product.has_value() + sum.has_value();
  if (sources != 1) item.fail(std::string("expected one of ") + kSourceMeaning);
  if (split) return add_split(item, *split);
  if (chunks) return add_chunks(item, *chunks);
  if (slice) return add_slice(item, *slice);
  if (stack) return add_stack(item, *stack);
  if (product) return add_combined(item, *product, true);
  if (sum) return add_combined(item, *sum, false);
  add_tucker(item, *tucker);
}

// One tensor per index of the axis, which goes.
void DerivedWeights::add_split(const JsonReader& item, const JsonReader& source) {
  item.allow_keys({"name", "split", "axis"});
  for (const Match& match : find(source)) {
    const TensorInfo& info = known_[match.tensor].info;
    const size_t axis = read_axis(item, info);
    for (uint64_t i = 0; i < info.shape[axis]; ++i) {
      add_range(part_name(item, match.values, i), match.tensor, axis, i, 1, true);
    }
  }
}

// `count` tensors of equal length along the axis.
void DerivedWeights::add_chunks(const JsonReader& item, const JsonReader& source) {
  item.allow_keys({"name", "chunks", "axis", "count"});
  const JsonReader field = item.get("count", "the number of chunks");
  const size_t count = field.count(kMaxDim);
  for (const Match& match : find(source)) {
    const TensorInfo& info = known_[match.tensor].info;
    const size_t axis = read_axis(item, info);
    if (count == 0 || info.shape[axis] % count != 0) {
      field.fail_expected("a divisor of " + std::to_string(info.shape[axis]) + ": " + info.name + " is " +
                          shape_text(info.shape));
    }
    const uint64_t length = info.shape[axis] / count;
    for (uint64_t i = 0; i < count; ++i) {
      add_range(part_name(item, match.values, i), match.tensor, axis, i * length, length, false);
    }
  }
}

void DerivedWeights::add_slice(const JsonReader& item, const JsonReader& source) {
  item.allow_keys({"name", "slice", "axis", "first", "count"});
  const auto first = item.find("first"), count = item.find("count");
  for (const Match& match : find(source)) {
    const TensorInfo& info = known_[match.tensor].info;
    const size_t axis = read_axis(item, info);
    const size_t begin = first ? first->count(kMaxTableRows) : 0;
    const size_t rest = info.shape[axis] > begin ? static_cast<size_t>(info.shape[axis]) - begin : 0;
    const size_t length = count ? count->count(kMaxTableRows) : rest;
    if (length == 0 || begin + length > info.shape[axis]) {
      item.fail(std::to_string(length) + " from " + std::to_string(begin) + " on, of " + info.name + ", " +
                shape_text(info.shape));
    }
    add_range(name_of(item, match.values), match.tensor, axis, begin, length, false);
  }
}

// The values of the pattern's only placeholder are the first index.
void DerivedWeights::add_stack(const JsonReader& item, const JsonReader& source) {
  item.allow_keys({"name", "stack"});
  const Pattern pattern(source.string(), source.path());
  std::optional<Placeholder> placeholder;
  for (size_t i = 0; i < kNumPlaceholders; ++i) {
    if (!pattern.has(static_cast<Placeholder>(i))) continue;
    if (placeholder) source.fail_expected("one placeholder, which numbers the tensors");
    placeholder = static_cast<Placeholder>(i);
  }
  if (!placeholder) source.fail_expected("one placeholder, which numbers the tensors");
  std::map<size_t, size_t> parts;  // tensors by their numbers
  for (const Match& match : find(source)) parts[parse_number(match.values[*placeholder]).value_or(0)] = match.tensor;
  std::vector<size_t> tensors;
  for (const auto& [number, tensor] : parts) {
    if (number != parts.begin()->first + tensors.size() || parts.begin()->first > 1)
      source.fail_expected("numbers from 0 or 1 on, without gaps");
    tensors.push_back(tensor);
  }
  std::vector<uint64_t> shape = known_[tensors.front()].info.shape;
  uint64_t size = 1;
  for (const uint64_t length : shape) size *= length;
  for (const size_t tensor : tensors) check_shape_like(source, known_[tensor].info, known_[tensors.front()].info);
  const auto reader = [this, tensors, size](uint64_t first, uint64_t count, float* to) {
    while (count > 0) {
      const uint64_t begin = first % size, taken = std::min(count, size - begin);
      known_[tensors[static_cast<size_t>(first / size)]].read(begin, taken, to);
      to += taken, first += taken, count -= taken;
    }
  };
  shape.insert(shape.begin(), tensors.size());
  add_tensor(name_of(item, {}), std::move(shape), reader, tensors);
}

// Tucker's decomposition (Tensor-Factorization of the MMoE paper, section 5): a matrix per row of the last factor.
void DerivedWeights::add_tucker(const JsonReader& item, const JsonReader& factors) {
  item.allow_keys({"name", "tucker"});
  factors.allow_keys({"core", "factors"});
  const std::vector<JsonReader> names = factors.get("factors", "three factors: rows, columns, tasks").items();
  if (names.size() != 3) factors.get("factors", "").fail_expected("three: rows, columns, tasks");
  for (const Match& match : find(factors.get("core", "the core tensor, of three dimensions"))) {
    std::vector<size_t> indices = {match.tensor};
    std::vector<std::vector<uint64_t>> shapes = {known_[match.tensor].info.shape};
    if (shapes[0].size() != 3) factors.get("core", "").fail(shape_text(shapes[0]) + ", expected three dimensions");
    for (size_t f = 0; f < 3; ++f) {
      indices.push_back(find_one(names[f], match.values));
      shapes.push_back(known_[indices.back()].info.shape);
      if (shapes.back().size() == 2 && shapes.back()[1] == shapes[0][f] && shapes.back()[0] <= kMaxDim) continue;
      names[f].fail(known_[indices.back()].info.name + " is " + shape_text(shapes.back()) + ", expected [n, " +
                    std::to_string(shapes[0][f]) + "]: the core is " + shape_text(shapes[0]));
    }
    for (uint64_t task = 0; task < shapes[3][0]; ++task) {
      const auto product = std::make_shared<std::vector<float>>();  // made by the first read
      const auto reader = [this, indices, shapes, task, product](uint64_t first, uint64_t count, float* to) {
        if (product->empty()) *product = multiplied(indices, shapes, task);
        std::copy_n(product->data() + first, count, to);
      };
      add_tensor(part_name(item, match.values, task), {shapes[1][0], shapes[2][0]}, reader, indices);
    }
  }
  has_factors_ = true;
}

// The operand with the most placeholders says which there are; the others have a part of its placeholders.
void DerivedWeights::add_combined(const JsonReader& item, const JsonReader& operands, bool product) {
  item.allow_keys({"name", product ? "product" : "sum"});
  const std::vector<JsonReader> fields = operands.items();
  if (fields.size() < 2) operands.fail_expected("two tensors or more");
  const auto num_placeholders = [](const JsonReader& field) {
    const Pattern pattern(field.string(), field.path());
    size_t count = 0;
    for (size_t i = 0; i < kNumPlaceholders; ++i) count += pattern.has(static_cast<Placeholder>(i));
    return count;
  };
  const auto fewer = [&](const JsonReader& a, const JsonReader& b) {
    return num_placeholders(a) < num_placeholders(b);
  };
  for (const Match& match : find(*std::max_element(fields.begin(), fields.end(), fewer))) {
    const TensorInfo info = known_[match.tensor].info;
    std::vector<size_t> factors;
    for (const JsonReader& field : fields) factors.push_back(find_operand(field, match.values, info));
    const auto reader = [this, factors, product](uint64_t first, uint64_t count, float* to) {
      known_[factors[0]].read(first, count, to);
      std::vector<float> next(count);
      for (size_t f = 1; f < factors.size(); ++f) {
        known_[factors[f]].read(first, count, next.data());
        for (uint64_t i = 0; i < count; ++i) to[i] = product ? to[i] * next[i] : to[i] + next[i];
      }
    };
    add_tensor(name_of(item, match.values), info.shape, reader, factors);
  }
}

size_t DerivedWeights::find_operand(const JsonReader& field, const PlaceholderValues& values, const TensorInfo& like) {
  const size_t found = find_one(field, values);
  check_shape_like(field, known_[found].info, like);
  return found;
}

std::vector<float> DerivedWeights::read_all(size_t known) const {
  uint64_t count = 1;
  for (const uint64_t length : known_[known].info.shape) count *= length;
  std::vector<float> data(count);
  known_[known].read(0, count, data.data());
  return data;
}

// Tensors of the file, and what entries before have made. One that was made under the name of another hides that.
std::vector<DerivedWeights::Match> DerivedWeights::find(const JsonReader& field) {
  const Pattern pattern(field.string(), field.path());
  std::vector<Match> matches;
  for (size_t i = 0; i < known_.size(); ++i) {
    if (known_[i].hidden) continue;
    for (const auto& [name, prefix] : names_of(known_[i].info.name, prefixes_)) {
      const auto values = pattern.match(name, {});
      if (!values) continue;
      prefix_ = prefix;
      matches.push_back({i, *values});
      consume(field, i);
      break;
    }
  }
  if (matches.empty()) field.fail("no tensor is named " + pattern.text());
  return matches;
}

size_t DerivedWeights::find_one(const JsonReader& field, const PlaceholderValues& values) {
  const std::string name = Pattern(field.string(), field.path()).with(values).text();
  for (size_t i = 0; i < known_.size(); ++i) {
    if (known_[i].hidden) continue;
    const auto known = names_of(known_[i].info.name, prefixes_);
    if (std::none_of(known.begin(), known.end(), [&](const auto& one) { return one.first == name; })) continue;
    consume(field, i);
    return i;
  }
  field.fail("no tensor is named " + name);
}

// Reading what is made reads all that it is made of: few lines could else mean years.
void DerivedWeights::consume(const JsonReader& field, size_t known) {
  constexpr uint64_t kMostReads = 1024;
  known_[known].consumed = true;
  if (known_[known].reads <= kMostReads) return;
  field.fail(known_[known].info.name + " is made of more than " + std::to_string(kMostReads) + " tensors");
}

size_t DerivedWeights::read_axis(const JsonReader& item, const TensorInfo& info) const {
  const auto field = item.find("axis");
  const size_t axis = field ? field->count() : 0;
  if (axis < info.shape.size()) return axis;
  if (field)
    field->fail_expected("less than " + std::to_string(info.shape.size()) + ", the dimensions of " + info.name);
  item.fail(info.name + " is a scalar");
}

void DerivedWeights::add_range(const std::string& name, size_t tensor, size_t axis, uint64_t first, uint64_t count,
                               bool drop_axis) {
  std::vector<uint64_t> shape = known_[tensor].info.shape;
  AxisRange range{shape[axis], 1, first, count};
  for (size_t i = axis + 1; i < shape.size(); ++i) range.inner *= shape[i];
  if (drop_axis) {
    shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(axis));
  } else {
    shape[axis] = count;
  }
  add_tensor(name, std::move(shape),
             [this, tensor, range](uint64_t begin, uint64_t elements, float* to) {
               read_range(known_[tensor].read, range, begin, elements, to);
             },
             {tensor});
}

std::vector<float> DerivedWeights::multiplied(const std::vector<size_t>& factors,
                                              const std::vector<std::vector<uint64_t>>& shapes, uint64_t task) const {
  std::vector<std::vector<float>> data;
  for (const size_t factor : factors) data.push_back(read_all(factor));
  return multiply_out(data, shapes, task);
}

void DerivedWeights::add_tensor(const std::string& text, std::vector<uint64_t> shape, TensorReader reader,
                                const std::vector<size_t>& sources) {
  const bool full = !prefix_.empty() && text.compare(0, prefix_.size(), prefix_) == 0;
  const std::string name = full ? text : prefix_ + text;
  const auto [last, is_new] = last_of_.emplace(name, known_.size());
  if (!is_new) {
    known_[last->second].hidden = known_[last->second].consumed;
    last->second = known_.size();
  }
  known_.push_back({{name, std::move(shape), "f32"}, std::move(reader)});
  for (const size_t source : sources) known_.back().reads += known_[source].reads;
}

}  // namespace mmoe::converter
