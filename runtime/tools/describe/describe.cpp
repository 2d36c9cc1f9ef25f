#include "runtime/tools/describe/describe.h"

#include <algorithm>
#include <cinttypes>
#include <cmath>
#include <cstdio>
#include <set>

#include "runtime/tools/describe/describe_layers.h"
#include "runtime/tools/model/model_view.h"
#include "runtime/tools/model/probability.h"
#include "runtime/tools/model/schema_names.h"
#include "runtime/tools/model/work.h"
#include "runtime/tools/support/error.h"
#include "runtime/tools/support/text.h"

namespace mmoe::tools {
namespace {

constexpr Index kMaxNotes = 1000;
constexpr Index kMaxListed = 1 << 16;  // tensors, segments

// A description takes some hundred bytes for each; a file may have thousands by the bytes of one.
void check_listable(const char* what, Index count) {
  if (count <= kMaxListed) return;
  throw ToolError(std::string(what) + ": " + with_thousands(count) + "; at most " + with_thousands(kMaxListed) +
                  " can be described");
}

std::string hexadecimal(std::uint64_t checksum) {
  char text[20];
  std::snprintf(text, sizeof text, "%016" PRIx64, checksum);
  return text;
}

Json finite_or_null(float value) { return std::isfinite(value) ? Json(value) : Json(); }

bool has_exponent(schema::NumberFunction function) {
  return function == schema::NumberFunction_Power || function == schema::NumberFunction_YeoJohnson ||
         function == schema::NumberFunction_BoxCox;
}

Json scaling_of(const schema::Scaling* scaling) {
  if (scaling == nullptr) return {};
  return {{"offset", finite_or_null(scaling->offset())},
          {"factor", finite_or_null(scaling->factor())},
          {"lower", finite_or_null(scaling->lower())},
          {"upper", finite_or_null(scaling->upper())},
          {"missing", finite_or_null(scaling->missing())},
          {"function", name_of(scaling->function())},
          {"exponent", has_exponent(scaling->function()) ? Json(scaling->exponent()) : Json()}};
}

Json parts_of(const schema::Hashing& hashing) {
  if (hashing.bytes() < schema::HashedBytes_Crossed) return Json();
  Json list = Json::array();
  for (const schema::HashedPart* part : *hashing.parts()) {
    list.push_back({{"column", shown_text(part->column())}, {"bytes", name_of(part->bytes())}});
  }
  return list;
}

Json hashing_of(const schema::Hashing& hashing) {
  Json out = {{"function", name_of(hashing.function())},
              {"seed", hashing.seed()},
              {"bytes", name_of(hashing.bytes())},
              {"modulo", name_of(hashing.rule())},
              {"first_id", hashing.first_id()},
              {"mask", hashing.mask() ? Json(shown_text(hashing.mask())) : Json()},
              {"parts", parts_of(hashing)}};
  if (hashing.function() == schema::HashFunction_SipHash24) out["seed_high"] = hashing.seed_high();
  if (hashing.prefix()) out["prefix"] = shown_text(hashing.prefix());
  if (hashing.separator()) out["separator"] = shown_text(hashing.separator());
  if (hashing.buckets() != 0) out["buckets"] = hashing.buckets();
  return out;
}

Json vocabulary_of(const schema::Vocabulary& vocabulary) {
  const bool to_id = vocabulary.unknown() == schema::UnknownRule_Id;
  Json out = {
      {"kind", name_of(vocabulary.kind())},
      {"size", vocabulary.size()},
      {"unknown", {{"rule", name_of(vocabulary.unknown())}, {"id", to_id ? Json(vocabulary.unknown_id()) : Json()}}}};
  if (vocabulary.hashing()) out["hashing"] = hashing_of(*vocabulary.hashing());
  if (vocabulary.kind() == schema::VocabularyKind_Bins) out["side"] = name_of(vocabulary.side());
  if (vocabulary.kind() == schema::VocabularyKind_Date) {
    out["date"] = {{"part", name_of(vocabulary.date_part())},
                   {"ticks", vocabulary.date_ticks()},
                   {"offset", vocabulary.date_offset()},
                   {"first_id", vocabulary.first_id()}};
  }
  return out;
}

Json embedding_of(const ModelView& view, const schema::Feature& feature) {
  const schema::Embedding& embedding = *view.root().embeddings()->Get(static_cast<Index>(feature.embedding()));
  const schema::Tensor& table = view.tensor(embedding.table());
  return {{"name", shown_text(embedding.name())},
          {"rows", table.rows()},
          {"width", table.cols()},
          {"dtype", name_of(table.dtype())}};
}

Json features_of(const ModelView& view) {
  Json out = Json::array();
  std::uint64_t column = 0;  // in x, whose columns are in the order of the list
  for (Index i = 0; i < size_of(view.root().features()); ++i) {
    const schema::Feature& feature = *view.root().features()->Get(i);
    Json item = {{"name", shown_text(feature.name())},
                 {"kind", name_of(feature.kind())},
                 {"side", name_of(feature.side())},
                 {"column", column},
                 {"width", feature.width()}};
    column += feature.width();
    if (feature.source() != nullptr) item["source"] = text_of(feature.source());
    if (feature.kind() == schema::FeatureKind_Dense) {
      item["scaling"] = scaling_of(feature.scaling());
    } else {
      item["vocabulary"] = vocabulary_of(*feature.vocabulary());
      item["embedding"] = embedding_of(view, feature);
    }
    if (feature.kind() == schema::FeatureKind_Sequence) {
      item["sequence"] = {{"length", feature.length()},
                          {"pooling", name_of(feature.pooling())},
                          {"padding_id", feature.padding_id() < 0 ? Json() : Json(feature.padding_id())},
                          {"weights", feature.weights() ? Json(shown_text(feature.weights())) : Json()},
                          {"empty_id", feature.empty_id() < 0 ? Json() : Json(feature.empty_id())}};
    }
    out.push_back(std::move(item));
  }
  return out;
}

// The header's checksum is what a segment of its own holds; that segment has none.
bool has_header_checksum(const schema::Model& model) {
  const std::int32_t segment = model.header_checksum();
  return segment >= 0 && static_cast<Index>(segment) < model.segments()->size() &&
         model.segments()->Get(static_cast<Index>(segment))->bytes() == sizeof(std::uint64_t);
}

Json header_checksum_of(const Model& model, const schema::Model& root) {
  if (!has_header_checksum(root)) return {};
  const schema::Segment& segment = *root.segments()->Get(static_cast<Index>(root.header_checksum()));
  return hexadecimal(flatbuffers::ReadScalar<std::uint64_t>(static_cast<const char*>(model.data()) + segment.offset()));
}

Json segments_of(const schema::Model& model) {
  check_listable("segments", model.segments()->size());
  Json out = Json::array();
  for (const schema::Segment* segment : *model.segments()) {
    out.push_back({{"name", shown_text(segment->name())},
                   {"offset", segment->offset()},
                   {"bytes", segment->bytes()},
                   {"xxh64", hexadecimal(segment->xxh64())}});
  }
  if (has_header_checksum(model)) out[static_cast<std::size_t>(model.header_checksum())]["xxh64"] = {};
  return out;
}

Json tensors_of(const schema::Model& model) {
  check_listable("tensors", model.tensors()->size());
  Json out = Json::array();
  for (const schema::Tensor* tensor : *model.tensors()) {
    out.push_back({{"name", shown_text(tensor->name())},
                   {"segment", shown_text(model.segments()->Get(tensor->segment())->name())},
                   {"offset", tensor->offset()},
                   {"bytes", tensor->bytes()},
                   {"rows", tensor->rows()},
                   {"columns", tensor->cols()},
                   {"dtype", name_of(tensor->dtype())},
                   {"layout", name_of(tensor->layout())},
                   {"shared_columns", tensor->shared_cols()}});
  }
  return out;
}

Json provenance_of(const schema::Provenance* provenance) {
  if (provenance == nullptr) return {};
  Json notes = Json::object();
  const Index num_notes = std::min<Index>(size_of(provenance->notes()), kMaxNotes);
  for (Index i = 0; i < num_notes; ++i) {
    const schema::KeyValue& note = *provenance->notes()->Get(i);
    notes[shown_text(note.key())] = shown_text(note.value());
  }
  return {{"converter", shown_text(provenance->converter())},
          {"weights_file", shown_text(provenance->weights_file())},
          {"weights_xxh64", hexadecimal(provenance->weights_xxh64())},
          {"description_xxh64", hexadecimal(provenance->description_xxh64())},
          {"notes", std::move(notes)}};
}

// All tensors but the vocabularies'.
std::uint64_t weight_bytes(const schema::Model& model) {
  std::set<std::int32_t> vocabularies;
  for (Index i = 0; i < size_of(model.features()); ++i) {
    const schema::Vocabulary* vocabulary = model.features()->Get(i)->vocabulary();
    if (vocabulary) {
      vocabularies.insert({vocabulary->keys(), vocabulary->offsets(), vocabulary->ids(), vocabulary->buckets()});
    }
  }
  std::uint64_t bytes = 0;
  for (Index i = 0; i < model.tensors()->size(); ++i) {
    if (vocabularies.count(static_cast<std::int32_t>(i)) == 0) bytes += model.tensors()->Get(i)->bytes();
  }
  return bytes;
}

// How far the scores are from those in f32; null where all numbers are.
Json score_change_of(const schema::Model& root) {
  const schema::ScoreChange* change = root.score_change();
  if (change == nullptr) return {};
  Json tasks = Json::array();
  for (Index i = 0; i < root.tasks()->size(); ++i) {
    tasks.push_back({{"task", shown_text(root.tasks()->Get(i)->name())},
                     {"largest", finite_or_null(change->largest()->Get(i))},
                     {"mean", finite_or_null(change->mean()->Get(i))}});
    if (size_of(change->num_labels()) == 0 || change->num_labels()->Get(i) == 0) continue;
    tasks.back()["labels"] = change->num_labels()->Get(i);
    tasks.back()["quality"] = {{"measure", gives_probability(root, i) ? "auc" : "r_squared"},
                               {"f32", finite_or_null(change->f32_quality()->Get(i))},
                               {"stored", finite_or_null(change->quality()->Get(i))}};
  }
  return {{"rows", change->num_rows()},
          {"rows_file", change->rows_file() ? Json(shown_text(change->rows_file())) : Json()},
          {"tasks", std::move(tasks)}};
}

void describe_whole(const Model& model, const ModelView& view, Json& out) {
  const schema::Model& root = view.root();
  out["file_bytes"] = model.size_bytes();
  out["format_version"] = std::to_string(root.version_major()) + "." + std::to_string(root.version_minor());
  out["name"] = shown_text(root.name());
  out["architecture"] = shown_text(root.architecture());
  out["input_dim"] = root.input_dim();
  out["user_dim"] = model.user_dim();
  out["candidate_dim"] = model.candidate_dim();
  out["parameters"] = num_parameters(view);
  out["weight_bytes"] = weight_bytes(root);
  const FlopsPerRow flops = flops_per_row(root);
  out["flops_per_row"] = {
      {"all_experts", flops.all_experts}, {"top_k_min", flops.top_k_min}, {"top_k_max", flops.top_k_max}};
  out["golden_rows"] = model.golden_rows().num_rows;
  out["score_change"] = score_change_of(root);
}

}  // namespace

Json describe(const Model& model, const std::string& path, bool with_tensors) {
  const ModelView view(model);
  Json out;
  out["file"] = path;
  describe_whole(model, view, out);
  out["features"] = features_of(view);
  describe_layers(view, out);
  out["segments"] = segments_of(view.root());
  out["header_xxh64"] = header_checksum_of(model, view.root());
  if (with_tensors) out["tensors"] = tensors_of(view.root());
  out["provenance"] = provenance_of(view.root().provenance());
  return out;
}

}  // namespace mmoe::tools
