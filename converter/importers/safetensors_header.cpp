#include "converter/importers/safetensors_header.h"

#include <nlohmann/json.hpp>
#include <unordered_set>

#include "converter/error.h"
#include "converter/importers/messages.h"

namespace mmoe::converter {
namespace {

using Json = nlohmann::json;

/// Builds the entries straight from parser events. No document tree is built, so nesting costs nothing and a
/// key that occurs twice is seen, where a tree would keep the last one.
class HeaderReader : public nlohmann::json_sax<Json> {
 public:
  std::vector<SafetensorsEntry> take() { return std::move(entries_); }

  bool start_object(size_t) override {
    if (depth_ == 0) {
      depth_ = 1;
    } else if (depth_ == 1) {
      depth_ = 2;
      fields_.clear();
      if (!in_metadata_) entries_.push_back({name_, {}, {}, {}});
    } else {
      reject("an object");
    }
    return true;
  }

  bool end_object() override {
    if (depth_ == 2 && !in_metadata_) require_complete(entries_.back());
    --depth_;
    return true;
  }

  bool key(string_t& key) override {
    if (depth_ == 1) {
      if (!names_.insert(key).second) throw ConvertError("the header names tensor " + in_quotes(key) + " twice");
      name_ = key;
      in_metadata_ = key == "__metadata__";
    } else {
      if (!fields_.insert(key).second) throw ConvertError(where() + ": field " + in_quotes(key) + " occurs twice");
      field_ = key;
    }
    return true;
  }

  bool start_array(size_t) override {
    if (depth_ != 2 || in_metadata_) reject("a list");
    if (field_ == "shape") {
      numbers_ = &entries_.back().shape.emplace();
    } else if (field_ == "data_offsets") {
      numbers_ = &entries_.back().data_offsets.emplace();
    } else {
      reject("a list");
    }
    depth_ = 3;
    return true;
  }

  bool end_array() override {
    depth_ = 2;
    return true;
  }

  bool number_unsigned(number_unsigned_t value) override {
    if (depth_ != 3) reject("a number");
    numbers_->push_back(value);
    return true;
  }

  bool string(string_t& value) override {
    if (depth_ == 2 && in_metadata_) return true;
    if (depth_ != 2 || field_ != "dtype") reject("a string");
    const DTypeInfo* info = find_dtype(&DTypeInfo::safetensors, value);
    if (info == nullptr) throw ConvertError(where() + ": dtype " + in_quotes(value) + " is not known");
    entries_.back().dtype = info->dtype;
    return true;
  }

  bool null() override { return reject("null"); }
  bool boolean(bool) override { return reject("a boolean"); }
  bool number_integer(number_integer_t) override { return reject("a negative number"); }
  bool number_float(number_float_t, const string_t&) override { return reject("a number that is not a u64"); }
  bool binary(binary_t&) override { return reject("binary data"); }

  bool parse_error(size_t position, const std::string&, const Json::exception&) override {
    throw ConvertError("the safetensors header is not valid JSON at its byte " + std::to_string(position));
  }

 private:
  std::string where() const {
    if (depth_ == 0) return "safetensors header";
    return in_metadata_ ? "__metadata__" : "tensor " + in_quotes(name_);
  }

  bool reject(const std::string& found) const {
    const std::string field = depth_ >= 2 ? ", field " + in_quotes(field_) : "";
    throw ConvertError(where() + field + ": the header has " + found +
                       R"( where {"dtype": string, "shape": [..], "data_offsets": [begin, end]} has none)");
  }

  void require_complete(const SafetensorsEntry& entry) const {
    if (!entry.dtype) throw ConvertError(where() + ": the header gives no dtype");
    if (!entry.shape) throw ConvertError(where() + ": the header gives no shape");
    if (!entry.data_offsets) throw ConvertError(where() + ": the header gives no data_offsets");
  }

  int depth_ = 0;  // 1: among tensors, 2: inside one tensor (or the metadata), 3: inside one of its lists
  bool in_metadata_ = false;
  std::string name_, field_;
  std::unordered_set<std::string> names_, fields_;
  std::vector<uint64_t>* numbers_ = nullptr;
  std::vector<SafetensorsEntry> entries_;
};

}  // namespace

std::vector<SafetensorsEntry> parse_safetensors_header(std::string_view json) {
  HeaderReader reader;
  Json::sax_parse(json.begin(), json.end(), &reader);
  return reader.take();
}

}  // namespace mmoe::converter
