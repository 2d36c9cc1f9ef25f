#include "converter/writer/vocabulary_tensors.h"

#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "converter/error.h"
#include "converter/reading/key_order.h"

namespace mmoe::converter {
namespace {

using Order = std::shared_ptr<const KeyOrder>;

// Collects elements, and passes them on a part at a time.
template <class T>
class Parts {
 public:
  explicit Parts(const TakeBytes& take) : take_(take) { elements_.reserve(kElements); }

  void add(T element) {
    elements_.push_back(element);
    if (elements_.size() == kElements) flush();
  }
  void flush() {
    take_(elements_.data(), elements_.size() * sizeof(T));
    elements_.clear();
  }

 private:
  static constexpr size_t kElements = (size_t{1} << 16) / sizeof(T);
  const TakeBytes& take_;
  std::vector<T> elements_;
};

// A tensor of one element for each key in the order: `of` its position in the vocabulary.
template <class T, class Of>
GiveBytes in_order(const Order& order, Of of) {
  return [order, of](const TakeBytes& take) {
    Parts<T> parts(take);
    for (const uint32_t position : order->positions) parts.add(of(position));
    parts.flush();
  };
}

GiveBytes give_texts(const Order& order, const StringList& keys) {
  return [order, &keys](const TakeBytes& take) {
    Parts<char> parts(take);
    for (const uint32_t position : order->positions) {
      for (const char byte : keys[position]) parts.add(byte);
    }
    parts.flush();
  };
}

GiveBytes give_offsets(const Order& order, const StringList& keys) {
  return [order, &keys](const TakeBytes& take) {
    Parts<uint64_t> parts(take);
    uint64_t end = 0;
    parts.add(end);
    for (const uint32_t position : order->positions) parts.add(end += keys[position].size());
    parts.flush();
  };
}

size_t bytes_of(const std::string& name, const StringList& keys) {
  constexpr uint64_t kMost = std::numeric_limits<uint32_t>::max();  // rows of a tensor
  uint64_t bytes = 0;
  for (size_t i = 0; i < keys.size(); ++i) bytes += keys[i].size();
  if (bytes <= kMost) return static_cast<size_t>(bytes);
  throw ConvertError("feature \"" + name + "\": its keys have " + std::to_string(bytes) + " bytes, at most " +
                     std::to_string(kMost) + " fit");
}

VocabularyTensors add_bins(const std::string& name, const Bins& bins, const std::vector<uint32_t>& ids,
                           uint32_t segment, SegmentBuilder& out) {
  const std::vector<float> narrow(bins.bounds.begin(), bins.bounds.end());
  const std::string keys = name + " bounds";
  const size_t count = bins.bounds.size();
  VocabularyTensors tensors;
  tensors.keys =
      static_cast<int32_t>(bins.f32 ? out.add_tensor(segment, keys, narrow, count, 1, schema::DType_F32)
                                    : out.add_tensor(segment, keys, bins.bounds, count, 1, schema::DType_F64));
  tensors.ids = static_cast<int32_t>(out.add_tensor(segment, name + " ids", ids, ids.size(), 1, schema::DType_U32));
  return tensors;
}

}  // namespace

VocabularyTensors add_vocabulary(const std::string& name, const Vocabulary& vocabulary, uint32_t segment,
                                 SegmentBuilder& out) {
  if (vocabulary.bins) return add_bins(name, *vocabulary.bins, vocabulary.ids, segment, out);
  const auto order = std::make_shared<const KeyOrder>(order_keys(vocabulary));
  const size_t size = order->positions.size();
  const auto add = [&](const char* what, size_t rows, size_t element, GiveBytes give, schema::DType dtype) {
    const uint64_t bytes = uint64_t{rows} * element;
    return static_cast<int32_t>(out.add_tensor(segment, name + what, bytes, std::move(give), rows, 1, dtype));
  };
  VocabularyTensors tensors;
  if (const auto* strings = std::get_if<StringList>(&vocabulary.keys)) {
    tensors.keys = add(" keys", bytes_of(name, *strings), 1, give_texts(order, *strings), schema::DType_U8);
    tensors.offsets = add(" offsets", size + 1, sizeof(uint64_t), give_offsets(order, *strings), schema::DType_U64);
  } else {
    const std::vector<int64_t>& integers = std::get<std::vector<int64_t>>(vocabulary.keys);
    tensors.keys =
        add(" keys", size, sizeof(int64_t), in_order<int64_t>(order, [&integers](uint32_t i) { return integers[i]; }),
            vocabulary.unsigned_keys ? schema::DType_U64 : schema::DType_I64);
  }
  tensors.ids =
      add(" ids", size, sizeof(uint32_t),
          in_order<uint32_t>(order, [&ids = vocabulary.ids](uint32_t i) { return ids[i]; }), schema::DType_U32);
  const auto give_starts = [order](const TakeBytes& take) {
    take(order->starts.data(), order->starts.size() * sizeof(uint32_t));
  };
  tensors.buckets = add(" buckets", order->starts.size(), sizeof(uint32_t), give_starts, schema::DType_U32);
  return tensors;
}

}  // namespace mmoe::converter
