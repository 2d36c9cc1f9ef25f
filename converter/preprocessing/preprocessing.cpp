#include "converter/preprocessing/preprocessing.h"

#include <algorithm>
#include <functional>
#include <set>
#include <utility>

#include "converter/error.h"
#include "converter/importers/easyrec_config.h"
#include "converter/importers/left_out.h"
#include "converter/preprocessing/easyrec_features.h"
#include "converter/preprocessing/fuxictr_features.h"
#include "converter/preprocessing/sklearn_transformers.h"
#include "converter/reading/text.h"

namespace mmoe::converter {

namespace {

using nlohmann::json;

/// `as_json`: of the file's text.
json open_file(const JsonReader& name, const KeySources& sources,
               const std::function<std::string(std::string_view)>& as_json = nullptr) {
  if (!sources.open) name.fail("a description that is not in a file has none beside it");
  try {
    const SharedBytes file = sources.open(name.string());
    return parse_json(as_json ? as_json(file.bytes) : std::string(file.bytes));
  } catch (const ConvertError& error) {
    name.fail(error.what());
  }
}

std::string find_tensor(const TensorIndex& tensors, const JsonReader& field, const std::string& ending) {
  const std::vector<std::string> names = tensors.names_that_end(ending);
  if (names.size() == 1) return names.front();
  field.fail(names.empty() ? "no tensor's name ends in " + join({ending}) + "; give the name of tables by `embedding`"
                           : "several names end in " + join({ending}) + ": " + join(names) +
                                 "; give the name of tables by `embedding`");
}

std::vector<MadeFeature> read_easyrec(const JsonReader& entry, KeySources& sources, const FindTensor& find) {
  const JsonReader name = entry.get("torch_easy_rec", "");
  if constexpr (!kReadsEasyRec) {
    refuse_left_out(name.string(), "a configuration of TorchEasyRec", "protobuf", "libprotobuf-dev protobuf-compiler",
                    "MMOE_IMPORT_EASYREC");
  } else {
    const json pipeline = open_file(name, sources, read_easyrec_config);
    return describe_easyrec(JsonReader(pipeline, name.string()), entry, sources, find);
  }
}

std::set<std::string> sources_of(const PreprocessedColumns& columns) {
  std::set<std::string> names;
  for (const PreprocessedColumn& column : columns) names.insert(column.source);
  return names;
}

std::string raw_column(const JsonReader& name, const std::set<std::string>& known) {
  if (known.count(name.string()) == 0) name.fail_expected("a raw column that the preprocessing reads");
  return name.string();
}

void read_sides(const JsonReader& field, const std::set<std::string>& known, FeatureForm& form) {
  if (!field.is_object()) {
    for (const std::string& name : known) form.sides[name] = field.string();
    return;
  }
  field.allow_keys({"user", "item", "context"});
  for (const std::string& side : field.keys()) {
    for (const JsonReader& item : field.get(side, "").items()) {
      if (!form.sides.emplace(raw_column(item, known), side).second) item.fail("has two sides");
    }
  }
}

void select(const JsonReader& list, const std::set<std::string>& known, PreprocessedColumns& columns) {
  std::set<std::string> wanted;
  for (const JsonReader& item : list.items()) wanted.insert(raw_column(item, known));
  if (wanted.empty()) list.fail_expected("at least one column");
  const auto left_out = [&](const PreprocessedColumn& column) { return wanted.count(column.source) == 0; };
  columns.erase(std::remove_if(columns.begin(), columns.end(), left_out), columns.end());
}

FeatureForm read_form(const JsonReader& entry, const std::set<std::string>& known) {
  FeatureForm form;
  if (const auto side = entry.find("side")) read_sides(*side, known, form);
  const auto embedding = entry.find("embedding"), first = entry.find("first_id");
  if (embedding) form.embedding = embedding->string();
  if (first && !embedding) first->fail("only with `embedding`");
  if (first) form.first_id = first->count();
  return form;
}

}  // namespace

bool is_preprocessing(const JsonReader& entry) {
  return entry.find("preprocessing") || entry.find("torch_easy_rec") || entry.find("fuxictr");
}

std::vector<MadeFeature> read_preprocessing(const JsonReader& entry, KeySources& sources, const TensorIndex& tensors) {
  const FindTensor find = [&tensors](const JsonReader& field, const std::string& ending) {
    return find_tensor(tensors, field, ending);
  };
  if (entry.find("torch_easy_rec")) return read_easyrec(entry, sources, find);
  if (entry.find("fuxictr")) return describe_fuxictr(entry, sources, find);
  entry.allow_keys({"preprocessing", "columns", "side", "embedding", "first_id"});
  const JsonReader name = entry.get("preprocessing", "the file of a fitted preprocessing");
  const json document = open_file(name, sources);
  std::vector<std::string> notes;
  PreprocessedColumns columns = read_sklearn(JsonReader(document, name.string()), notes);
  for (const std::string& note : notes) sources.notes.push_back(name.string() + ": " + note);
  const std::set<std::string> known = sources_of(columns);
  if (const auto list = entry.find("columns")) select(*list, known, columns);
  if (columns.empty()) name.fail("it gives no columns");
  return describe_columns(columns, read_form(entry, known), entry.path());
}

}  // namespace mmoe::converter
