#include "runtime/tools/inspect/vocabulary_dump.h"

#include <algorithm>
#include <cstdio>
#include <numeric>
#include <string_view>
#include <vector>

#include "runtime/tools/model/model_view.h"
#include "runtime/tools/support/error.h"
#include "runtime/tools/support/text.h"

namespace mmoe::tools {
namespace {

const schema::Vocabulary& find_vocabulary(const Model& model, const ModelView& view, const std::string& name) {
  constexpr std::size_t kMaxShown = 200;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < model.num_features(); ++i) {
    if (model.feature(i).kind == FeatureKind::kDense) continue;
    if (model.feature(i).name == name) return *view.root().features()->Get(static_cast<Index>(i))->vocabulary();
    names.emplace_back(model.feature(i).name.substr(0, kMaxShown));  // thousands may share one long name
  }
  throw UsageError("the model has no categorical feature " + quoted(name) +
                   (names.empty() ? "; it has none at all" : "; it has: " + join(names)));
}

class VocabularyReader {
 public:
  VocabularyReader(const ModelView& view, const schema::Vocabulary& vocabulary)
      : view_(view), vocabulary_(vocabulary) {}

  /// Of the keys, by their ids; the file has them in the order of their hashes.
  std::vector<std::uint32_t> positions() const {
    std::vector<std::uint32_t> positions(vocabulary_.size());
    std::iota(positions.begin(), positions.end(), 0);
    if (numbers_ids()) return positions;
    const auto before = [this](std::uint32_t a, std::uint32_t b) { return id(a) < id(b); };
    std::stable_sort(positions.begin(), positions.end(), before);
    return positions;
  }

  std::string key(std::size_t position) const {
    switch (vocabulary_.kind()) {
      case schema::VocabularyKind_Strings: return std::string(string_key(position));
      case schema::VocabularyKind_Integers: return integer_key(position);
      case schema::VocabularyKind_Bins: return bin(position);
      default: return std::to_string(position);
    }
  }

  std::uint64_t id(std::size_t position) const {
    if (vocabulary_.kind() == schema::VocabularyKind_Identity) return position;
    if (vocabulary_.kind() == schema::VocabularyKind_Date) return vocabulary_.first_id() + position;
    return at<std::uint32_t>(vocabulary_.ids(), position);
  }

 private:
  // One after the other.
  bool numbers_ids() const {
    return vocabulary_.kind() == schema::VocabularyKind_Identity || vocabulary_.kind() == schema::VocabularyKind_Date;
  }

  // "[18, 25)", or "(18, 25]".
  std::string bin(std::size_t position) const {
    const bool right = vocabulary_.side() == schema::BoundSide_Right;
    const std::string below = position == 0 ? "-inf" : bound(position - 1);
    const std::string above = position + 1 == vocabulary_.size() ? "inf" : bound(position);
    const bool takes_below = right || position == 0, takes_above = !right || position + 1 == vocabulary_.size();
    return (takes_below ? "[" : "(") + below + ", " + above + (takes_above ? "]" : ")");
  }

  std::string bound(std::size_t position) const {
    const bool narrow = view_.tensor(static_cast<Index>(vocabulary_.keys())).dtype() == schema::DType_F32;
    char text[32];
    std::snprintf(text, sizeof text, narrow ? "%.9g" : "%.17g",
                  narrow ? double{at<float>(vocabulary_.keys(), position)} : at<double>(vocabulary_.keys(), position));
    return text;
  }

  template <class Element>
  Element at(std::int32_t tensor, std::size_t position) const {
    return view_.elements<Element>(static_cast<std::size_t>(tensor))[position];
  }

  std::string integer_key(std::size_t position) const {
    const bool is_unsigned = view_.tensor(static_cast<std::size_t>(vocabulary_.keys())).dtype() == schema::DType_U64;
    return is_unsigned ? std::to_string(at<std::uint64_t>(vocabulary_.keys(), position))
                       : std::to_string(at<std::int64_t>(vocabulary_.keys(), position));
  }

  // The loader has checked where the tensors lie, not the offsets that they hold.
  std::string_view string_key(std::size_t position) const {
    const auto keys = static_cast<std::size_t>(vocabulary_.keys());
    const std::uint64_t begin = at<std::uint64_t>(vocabulary_.offsets(), position);
    const std::uint64_t end = at<std::uint64_t>(vocabulary_.offsets(), position + 1);
    if (begin > end || end > view_.tensor(keys).bytes()) {
      throw ToolError("damaged vocabulary: key " + std::to_string(position) + " lies outside of its tensor");
    }
    return {view_.elements<char>(keys) + begin, static_cast<std::size_t>(end - begin)};
  }

  const ModelView& view_;
  const schema::Vocabulary& vocabulary_;
};

}  // namespace

void write_vocabulary(const Model& model, const std::string& feature, OutputFile& out) {
  const ModelView view(model);
  const schema::Vocabulary& vocabulary = find_vocabulary(model, view, feature);
  if (vocabulary.kind() == schema::VocabularyKind_Hash) {
    throw UsageError("feature " + quoted(feature) + " takes any value, by its hash: it has no list of values");
  }
  const VocabularyReader reader(view, vocabulary);
  out.write("value,id\n");
  std::string line;
  for (const std::uint32_t i : reader.positions()) {
    line.clear();
    append_csv_field(line, reader.key(i));
    line += "," + std::to_string(reader.id(i)) + "\n";
    out.write(line);
  }
}

}  // namespace mmoe::tools
