#include "converter/reading/tensor_index.h"

#include <algorithm>
#include <cmath>

#include "converter/error.h"
#include "converter/reading/text.h"
#include "converter/shape_text.h"

namespace mmoe::converter {

namespace {

bool starts_with(const std::string& text, const std::string& prefix) {
  return text.compare(0, prefix.size(), prefix) == 0;
}

// "[3, 7]" of the element at `offset` of a row-major tensor.
std::string element_text(const std::vector<uint64_t>& shape, uint64_t offset) {
  std::vector<uint64_t> position(shape.size());
  for (size_t axis = shape.size(); axis-- > 0;) {
    position[axis] = offset % shape[axis];
    offset /= shape[axis];
  }
  return shape_text(position);
}

/// Whole numbers are codes, whose meaning another tensor or the description has.
void require_numbers(const TensorInfo& info) {
  for (const char* type : {"u8", "i8", "i32", "i64"}) {
    if (info.dtype == type) throw ConvertError(info.name + ": is of type " + type + ", expected f64, f32, f16 or bf16");
  }
}

/// `data`: the tensor's elements from `first` on.
void require_finite(const TensorInfo& info, uint64_t first, const float* data, size_t count) {
  const float* const bad = std::find_if(data, data + count, [](float value) { return !std::isfinite(value); });
  if (bad == data + count) return;
  const std::string position = element_text(info.shape, first + static_cast<size_t>(bad - data));
  throw ConvertError(info.name + ": element " + position + " is " + (std::isnan(*bad) ? "nan" : "infinite") +
                     ", expected a finite number");
}

/// Rows of a matrix of the file, from one on.
class TensorRows : public TableRows {
 public:
  TensorRows(std::shared_ptr<const WeightSource> source, size_t tensor, size_t first)
      : source_(std::move(source)), tensor_(tensor), first_(first) {}

  void read(size_t first, size_t count, float* to) const override {
    const TensorInfo& info = source_->tensors()[tensor_];
    const uint64_t cols = info.shape[1], begin = (first_ + first) * cols;
    source_->read(tensor_, begin, count * cols, to);
    require_finite(info, begin, to, static_cast<size_t>(count * cols));
  }

 private:
  std::shared_ptr<const WeightSource> source_;
  size_t tensor_;
  size_t first_;
};

}  // namespace

TensorIndex::TensorIndex(const WeightSource& source, std::vector<std::string> task_names)
    : TensorIndex(std::shared_ptr<const WeightSource>(std::shared_ptr<void>(), &source), std::move(task_names)) {}

TensorIndex::TensorIndex(std::shared_ptr<const WeightSource> source, std::vector<std::string> task_names)
    : source_(std::move(source)), task_names_(std::move(task_names)), used_(source_->tensors().size()) {
  for (size_t i = 0; i < source_->tensors().size(); ++i) {
    const std::string& name = source_->tensors()[i].name;
    if (!by_name_.emplace(name, i).second) throw ConvertError(name + ": the weights file has two tensors of this name");
  }
  prefixes_ = shared_prefixes(source_->tensors());
  for (TensorAlias& alias : source_->aliases()) by_name_.emplace(std::move(alias.name), alias.tensor);
  for (size_t i = 0; i < source_->tensors().size(); ++i)
    by_name_.emplace(uncompiled_name(source_->tensors()[i].name), i);
  longest_first_ = task_names_;
  std::stable_sort(longest_first_.begin(), longest_first_.end(),
                   [](const std::string& a, const std::string& b) { return a.size() > b.size(); });
}

std::optional<size_t> TensorIndex::find(const std::string& name) {
  for (const std::string& prefix : prefixes_) {
    const auto found = by_name_.find(prefix + name);
    if (found == by_name_.end()) continue;
    if (!prefix.empty()) used_prefix_ = prefix;
    return found->second;
  }
  return std::nullopt;
}

std::vector<TensorMatch> TensorIndex::find_all(const Pattern& pattern) {
  std::vector<TensorMatch> matches;
  for (const std::string& prefix : prefixes_) {
    const std::string start = prefix + pattern.leading_text();
    for (auto it = by_name_.lower_bound(start); it != by_name_.end() && starts_with(it->first, start); ++it) {
      const auto values = pattern.match(it->first.substr(prefix.size()), longest_first_);
      if (values) matches.push_back({it->second, *values});
    }
    if (matches.empty()) continue;
    if (!prefix.empty()) used_prefix_ = prefix;
    break;
  }
  return matches;
}

std::shared_ptr<const WeightSource> TensorIndex::use(size_t tensor) {
  used_[tensor] = true;
  return source_;
}

std::vector<float> TensorIndex::read(size_t tensor) {
  used_[tensor] = true;
  require_numbers(info(tensor));
  std::vector<float> data = source_->read(tensor);
  require_finite(info(tensor), 0, data.data(), data.size());
  return data;
}

Table TensorIndex::read_rows(size_t tensor, size_t first, size_t count) {
  used_[tensor] = true;
  require_numbers(info(tensor));
  const auto cols = static_cast<size_t>(info(tensor).shape[1]);
  return Table::of(count, cols, std::make_shared<TensorRows>(source_, tensor, first));
}

std::vector<float> TensorIndex::read_vector(size_t tensor, size_t length, const std::string& meaning) {
  const std::vector<uint64_t>& shape = info(tensor).shape;
  const bool fits = shape.empty() ? length == 1 : shape.size() == 1 && shape[0] == length;
  if (!fits) {
    throw ConvertError(info(tensor).name + ": " + shape_text(shape) + ", expected [" + std::to_string(length) + "] (" +
                       meaning + ")");
  }
  return read(tensor);
}

size_t TensorIndex::ignore(const std::string& names) {
  size_t count = 0;
  for (const auto& entry : by_name_) {
    const bool named = std::any_of(prefixes_.begin(), prefixes_.end(), [&](const std::string& prefix) {
      return starts_with(entry.first, prefix) && matches_glob(names, entry.first.substr(prefix.size()));
    });
    if (used_[entry.second] || !named) continue;
    used_[entry.second] = true;
    ++count;
  }
  return count;
}

std::vector<size_t> TensorIndex::unused() const {
  std::vector<size_t> tensors;
  for (size_t i = 0; i < used_.size(); ++i) {
    if (!used_[i] && !is_training_state(info(i).name)) tensors.push_back(i);
  }
  return tensors;
}

const std::vector<std::string>& TensorIndex::remember_experts(const Pattern& pattern,
                                                              const std::function<std::vector<std::string>()>& find) {
  const std::string text = pattern.text();
  const auto known = experts_.find(text);
  return known != experts_.end() ? known->second : experts_.emplace(text, find()).first->second;
}

bool TensorIndex::is_named_as_shared(const std::string& module) const {
  const auto inside = [&](const std::string& name) {
    return starts_with(name, module) &&
           (name.size() == module.size() || name[module.size()] == '.' || name[module.size()] == '/');
  };
  for (auto name = shared_names_.lower_bound(module); name != shared_names_.end() && starts_with(*name, module);
       ++name) {
    if (inside(*name)) return true;
  }
  return false;
}

std::vector<std::string> TensorIndex::names_that_end(const std::string& ending) const {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : by_name_) {
    const bool longer = name.size() >= ending.size();
    if (longer && name.compare(name.size() - ending.size(), ending.size(), ending) == 0) names.push_back(name);
  }
  return names;
}

void TensorIndex::fail_missing(const Pattern& pattern) const {
  // A parameter of its own (nn.Parameter, nn.ParameterList) is named as a module would be.
  const std::string text = pattern.text(), weight = ".weight";
  if (text.size() > weight.size() && text.compare(text.size() - weight.size(), weight.size(), weight) == 0) {
    const Pattern bare(text.substr(0, text.size() - weight.size()), pattern.path());
    for (const auto& [name, tensor] : by_name_) {
      if (!bare.match(name, longest_first_)) continue;
      throw ConvertError(pattern.path() + ": no tensor is named " + text + ", but there is " + name + " " +
                         shape_text(info(tensor).shape) +
                         ": where the tensor itself has the layer's name, say \"weight\": \"\"");
    }
  }
  std::vector<std::string> names;
  for (const auto& entry : by_name_) names.push_back(entry.first);
  const std::string near =
      names.empty() ? "the weights file has no tensors" : "nearest: " + join(nearest(pattern.example(), names, 3));
  throw ConvertError(pattern.path() + ": no tensor is named " + pattern.text() + "; " + near);
}

}  // namespace mmoe::converter
