#include "runtime/tools/describe/print_model.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>
#include <vector>

#include "runtime/tools/support/printable.h"
#include "runtime/tools/support/text.h"
#include "runtime/tools/support/text_table.h"

namespace mmoe::tools {
namespace {

constexpr const char* kIndent = "  ";

// A column is as wide as its widest cell.
std::string text_of(const Json& text) {
  constexpr std::size_t kMaxBytes = 160;
  const std::string all = text.get<std::string>();
  return all.size() <= kMaxBytes ? printable(all) : printable_in_quotes(all, kMaxBytes);
}
std::string number_of(const Json& number) { return with_thousands(number.get<std::uint64_t>()); }

std::string short_float(const Json& number) {
  if (number.is_null()) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", number.get<double>());
  return text;
}

std::string six_decimals(const Json& number) {
  if (number.is_null()) return "-";
  char text[32];
  std::snprintf(text, sizeof text, std::fabs(number.get<double>()) < 1e9 ? "%.6f" : "%.6g", number.get<double>());
  return text;
}

// "(0.01)", "(0, 6)" or nothing.
std::string parameters_text(const Json& activation) {
  if (activation["alpha"].is_null()) return {};
  const std::string second = activation["beta"].is_null() ? "" : ", " + short_float(activation["beta"]);
  return "(" + short_float(activation["alpha"]) + second + ")";
}

}  // namespace

std::string layers_text(const Json& layers) {
  std::string out;
  for (const Json& layer : layers) {
    if (out.empty()) out = std::to_string(layer["inputs"].get<std::uint64_t>());
    out += " → " + std::to_string(layer["outputs"].get<std::uint64_t>()) + " " + text_of(layer["activation"]);
    if (layer["weights"] != "f32") out += ":" + text_of(layer["weights"]);
    if (!layer["norm"].is_null()) out += "+" + text_of(layer["norm"]["kind"]);
    out += parameters_text(layer);
  }
  return out.empty() ? "-" : out;
}

namespace {

std::string stream_text(const Json& stream) {
  const std::string kind = stream["stream"];
  if (kind != "gate" && kind != "node") return kind;
  const std::string name = text_of(stream["name"]);
  return name.empty() ? kind + " " + std::to_string(stream["index"].get<std::uint64_t>()) : name;
}

// "age", or "x 0-3": the first and the last column.
std::string part_text(const Json& part) {
  if (part.contains("feature")) return text_of(part["feature"]);
  if (part["stream"] != "x") return stream_text(part);
  const std::uint64_t first = part["first"], last = first + part["count"].get<std::uint64_t>() - 1;
  const std::string columns = std::to_string(first);
  return "x " + (first == last ? columns : columns + "-" + std::to_string(last));
}

// As many parts as a table has room for.
std::string reads_text(const Json& reads) {
  constexpr std::size_t kShown = 4;
  if (reads.is_null()) return "-";
  if (reads["stream"] != "parts") return stream_text(reads);
  const Json& parts = reads["parts"];
  std::string out;
  for (std::size_t i = 0; i < parts.size() && i < kShown; ++i) out += (i == 0 ? "" : ", ") + part_text(parts[i]);
  return parts.size() <= kShown ? out : out + " and " + with_thousands(parts.size() - kShown) + " more";
}

// "0-3, 6": runs of ascending numbers together.
std::string ranges_text(const Json& numbers) {
  std::string out;
  for (std::size_t i = 0; i < numbers.size();) {
    const std::uint64_t first = numbers[i];
    std::size_t end = i + 1;
    while (end < numbers.size() && numbers[end] == first + (end - i)) ++end;
    out += (out.empty() ? "" : ", ") + std::to_string(first);
    if (end - i > 1) out += "-" + std::to_string(first + (end - i) - 1);
    i = end;
  }
  return out;
}

std::string titled(const std::string& title, const TextTable& table) {
  return "\n" + title + "\n" + table.text(kIndent);
}

// Lines of a name and a value, aligned.
std::string pairs_text(const std::vector<std::pair<std::string, std::string>>& pairs) {
  std::size_t width = 0;
  for (const auto& pair : pairs) width = std::max(width, pair.first.size());
  std::string out;
  for (const auto& [name, value] : pairs) {
    if (!value.empty()) out += kIndent + pad(name, width, false) + kIndent + value + "\n";
  }
  return out;
}

std::string flops_text(const Json& flops) {
  std::string out = number_of(flops["all_experts"]) + " FLOPs";
  if (flops["top_k_max"] == flops["all_experts"]) return out;
  return number_of(flops["top_k_min"]) + " to " + number_of(flops["top_k_max"]) + " FLOPs with top-k gates, " + out +
         " with all experts";
}

std::string summary(const Json& model) {
  std::string inputs = number_of(model["input_dim"]) + " columns of x";
  if (model["user_dim"] != 0) {
    const std::string first = model["features"].empty() ? "the first " : "";
    inputs += ", " + first + number_of(model["user_dim"]) + " of the user part, " + number_of(model["candidate_dim"]) +
              " of the candidate part";
  }
  return pairs_text({{"name", text_of(model["name"])},
                     {"architecture", text_of(model["architecture"])},
                     {"format", "version " + text_of(model["format_version"])},
                     {"file size", human_bytes(model["file_bytes"])},
                     {"weights", human_bytes(model["weight_bytes"])},
                     {"parameters", number_of(model["parameters"])},
                     {"work per row", flops_text(model["flops_per_row"])},
                     {"input", inputs},
                     {"trunk", model["trunk"].empty() ? "" : layers_text(model["trunk"])},
                     {"golden rows", number_of(model["golden_rows"])}});
}

// AUC and R squared, beside those in f32.
std::string quality_text(const Json& change) {
  TextTable table({"task", "labels", "measure", "in f32", "as stored", "lost"});
  bool any = false;
  for (const Json& task : change["tasks"]) {
    if (!task.contains("labels")) continue;
    any = true;
    const Json &quality = task["quality"], &before = quality["f32"], &after = quality["stored"];
    const bool known = !before.is_null() && !after.is_null();
    table.add({text_of(task["task"]), number_of(task["labels"]), quality["measure"] == "auc" ? "AUC" : "R²",
               six_decimals(before), six_decimals(after),
               known ? six_decimals(before.get<double>() - after.get<double>()) : "-"});
  }
  const std::string file = change["rows_file"].is_null() ? "" : " of " + text_of(change["rows_file"]);
  return any ? titled("Quality on the labels" + file, table) : "";
}

std::string score_change_text(const Json& change) {
  if (change.is_null()) return {};
  TextTable table({"task", "largest difference", "mean difference"});
  for (const Json& task : change["tasks"]) {
    table.add({text_of(task["task"]), short_float(task["largest"]), short_float(task["mean"])});
  }
  const std::string file = change["rows_file"].is_null() ? "" : " and those of " + text_of(change["rows_file"]);
  return titled("Scores against the model in f32 (" + number_of(change["rows"]) + " rows: the golden ones" + file + ")",
                table) +
         quality_text(change);
}

std::string columns_text(const Json& feature) {
  const std::uint64_t first = feature["column"];
  const std::uint64_t width = feature["width"];
  return std::to_string(first) + (width > 1 ? "-" + std::to_string(first + width - 1) : "");
}

// "v", "log1p(v)", "v^0.5"
std::string function_text(const Json& scaling) {
  const std::string function = scaling["function"];
  if (function == "identity") return "v";
  if (function == "power") return "v^" + short_float(scaling["exponent"]);
  const std::string exponent = scaling["exponent"].is_null() ? "" : ", " + short_float(scaling["exponent"]);
  return function + "(v" + exponent + ")";
}

std::string scaling_text(const Json& scaling) {
  if (scaling.is_null()) return "as it is; missing: refused";
  std::string out;
  if (!scaling["lower"].is_null() || !scaling["upper"].is_null()) {
    out = "clip to [" + short_float(scaling["lower"]) + ", " + short_float(scaling["upper"]) + "], ";
  }
  const std::string value = function_text(scaling);
  const bool shifted = scaling["offset"] != 0;
  out += shifted ? "(" + value + " - " + short_float(scaling["offset"]) + ")" : value;
  if (scaling["factor"] != 1) out += " * " + short_float(scaling["factor"]);
  if (scaling["function"] == "is_missing") return out;
  return out + "; missing: " + (scaling["missing"].is_null() ? "refused" : short_float(scaling["missing"]));
}

std::string hash_text(const Json& hashing) {
  const std::string prefix = hashing.contains("prefix") ? " of " + text_of(hashing["prefix"]) + "..." : "";
  if (hashing["parts"].is_null()) return text_of(hashing["function"]) + prefix;
  std::string columns;
  const std::string between = hashing["bytes"] == "joined" ? " + " : " x ";
  for (const Json& part : hashing["parts"]) columns += (columns.empty() ? "" : between) + text_of(part["column"]);
  return columns;
}

// Of a vocabulary of keys: joined columns, buckets of what is no key.
std::string others_text(const Json& vocabulary) {
  if (vocabulary["kind"] == "hash" || !vocabulary.contains("hashing")) return "; unknown: ";
  const Json& hashing = vocabulary["hashing"];
  const std::string of = hashing["parts"].is_null() ? "" : " of " + hash_text(hashing);
  return !hashing.contains("buckets") ? of + "; unknown: "
                                      : of + "; unknown: " + number_of(hashing["buckets"]) + " buckets of " +
                                            text_of(hashing["function"]) + "; missing: ";
}

std::string vocabulary_text(const Json& vocabulary) {
  const Json& unknown = vocabulary["unknown"];
  const std::string rule = unknown["rule"];
  const std::string size = number_of(vocabulary["size"]);
  const std::string values = vocabulary["kind"] == "identity" ? "whole numbers below " + size
                             : vocabulary["kind"] == "hash"   ? size + " buckets of " + hash_text(vocabulary["hashing"])
                             : vocabulary["kind"] == "date"   ? text_of(vocabulary["date"]["part"])
                                                              : size + " " + text_of(vocabulary["kind"]);
  return values + others_text(vocabulary) +
         (rule == "id"     ? "id " + number_of(unknown["id"])
          : rule == "zero" ? "zeros"
                           : "refused");
}

std::string embedding_text(const Json& embedding) {
  return number_of(embedding["rows"]) + " x " + number_of(embedding["width"]) + " " + text_of(embedding["dtype"]);
}

// "sequence, mean of at most 50"
std::string kind_text(const Json& feature) {
  if (!feature.contains("sequence")) return text_of(feature["kind"]);
  const Json& sequence = feature["sequence"];
  const std::string weights = sequence["weights"].is_null() ? "" : " by " + text_of(sequence["weights"]);
  const std::string empty = sequence["empty_id"].is_null() ? "" : ", of none id " + number_of(sequence["empty_id"]);
  return text_of(feature["kind"]) + ", " + text_of(sequence["pooling"]) + weights + " of at most " +
         number_of(sequence["length"]) + empty;
}

std::string features_text(const Json& features) {
  if (features.empty()) return {};
  TextTable table({"name", "kind", "side", "columns of x", "embedding", "values"});
  for (const Json& feature : features) {
    const bool dense = feature["kind"] == "dense";
    table.add({text_of(feature["name"]), kind_text(feature), feature["side"], columns_text(feature),
               dense ? "" : embedding_text(feature["embedding"]),
               dense ? scaling_text(feature["scaling"]) : vocabulary_text(feature["vocabulary"])});
  }
  return titled("Features (" + number_of(features.size()) + ")", table);
}

std::string experts_text(const Json& experts) {
  TextTable table({"", "expert", "reads", "layers"});
  for (std::size_t i = 0; i < experts.size(); ++i) {
    const Json& expert = experts[i];
    table.add({std::to_string(i), text_of(expert["name"]), reads_text(expert["reads"]), layers_text(expert["layers"])});
  }
  return table.text(kIndent);
}

std::string floats_text(const Json& weights) {
  std::string out;
  for (const Json& weight : weights) out += (out.empty() ? "" : ", ") + short_float(weight);
  return out;
}

std::string weights_text(const Json& gate) {
  if (gate["kind"] == "constant") return "constant " + floats_text(gate["weights"]);
  std::string kind = gate["kind"] == "scaled_softmax" ? "softmax" : gate["kind"].get<std::string>();
  if (gate["kind"] == "activated") kind = text_of(gate["activation"]);
  if (gate["kind"] == "smooth_step") kind = counted(gate["num_selectors"], "selector") + " of smooth steps";
  return gate["weight_scales"].is_null() ? kind : kind + " times " + floats_text(gate["weight_scales"]);
}

std::string top_k_text(const Json& gate) {
  if (gate["kind"] == "constant") return "-";
  if (gate["top_k"] == 0) return "all";
  return number_of(gate["top_k"]) + (gate["top_k_mode"] == "top_k_of_softmax" ? " (of the softmax)" : "");
}

std::string gates_text(const Json& gates) {
  TextTable table({"", "gate", "weights", "reads", "hidden layers", "mixes experts", "top k"});
  for (std::size_t i = 0; i < gates.size(); ++i) {
    const Json& gate = gates[i];
    table.add({std::to_string(i), text_of(gate["name"]), weights_text(gate), reads_text(gate["reads"]),
               layers_text(gate["hidden"]), ranges_text(gate["experts"]), top_k_text(gate)});
  }
  return table.text(kIndent);
}

std::string levels_text(const Json& levels) {
  std::string out;
  for (std::size_t i = 0; i < levels.size(); ++i) {
    const Json& level = levels[i];
    out += "\nLevel " + std::to_string(i + 1) + " (" + counted(level["experts"].size(), "expert") + ", " +
           counted(level["gates"].size(), "gate") + ")\n" + experts_text(level["experts"]) + "\n" +
           gates_text(level["gates"]);
  }
  return out;
}

// "product of first | second, times 2, relu": what a node that is no MLP computes.
std::string operation_text(const Json& node) {
  std::string out;
  for (const Json& input : node["inputs"]) out += (out.empty() ? "" : " | ") + reads_text(input);
  out = text_of(node["kind"]) + " of " + out;
  if (!node["group"].is_null()) out += ", groups of " + number_of(node["group"]);
  if (node.value("heads", 1) > 1) out += ", " + number_of(node["heads"]) + " heads";
  if (node["scale"] != 1) out += ", times " + short_float(node["scale"]);
  if (node.value("causal", false)) out += ", causal";
  return node["activation"] == "linear" ? out : out + ", " + text_of(node["activation"]);
}

// "attention of item to items | shops, 5 elements, masked, by 6 → 8 sigmoid → 1 linear"
std::string attention_text(const Json& node) {
  std::string out;
  for (const Json& input : node["inputs"]) {
    const std::string before = out.empty() ? "attention of " : out.find(" to ") == out.npos ? " to " : " | ";
    out += before + reads_text(input);
  }
  Json layers = node["layers"];
  layers.insert(layers.begin(), node["product"]);
  out += ", " + number_of(node["length"]) + " elements" + (node["masked"] ? ", masked" : "") + ", by " +
         layers_text(layers);
  return node["softmax"] ? out + ", softmax" : out;
}

// "6 → 8 relu → 6 linear of each 6 columns of h1", and the other kinds.
std::string node_text(const Json& node) {
  const std::string kind = text_of(node["kind"]);
  if (kind == "mlp") return layers_text(node["layers"]) + " of " + reads_text(node["reads"]);
  if (kind == "attention") return attention_text(node);
  if (kind != "each") return operation_text(node);
  return layers_text(node["layers"]) + " of each " + number_of(node["group"]) + " columns of " +
         reads_text(node["inputs"][0]);
}

std::string nodes_text(const Json& nodes) {
  if (nodes.empty()) return {};
  TextTable table({"name", "behind", "outputs", "computes"});
  for (const Json& node : nodes) {
    const std::string place = node["level"] == 0 ? "x" : "level " + number_of(node["level"]);
    table.add({text_of(node["name"]), place, number_of(node["outputs"]), node_text(node)});
  }
  return titled("Nodes (" + number_of(nodes.size()) + ")", table);
}

std::string towers_text(const Json& towers) {
  if (towers.empty()) return {};
  TextTable table({"name", "reads", "layers"});
  for (const Json& tower : towers) {
    table.add({text_of(tower["name"]), reads_text(tower["reads"]), layers_text(tower["layers"])});
  }
  return titled("Towers (" + number_of(towers.size()) + ")", table);
}

std::string source_text(const Json& task) {
  if (task["link"] == "product") {
    std::string out;
    for (const Json& factor : task["factors"]) out += (out.empty() ? "" : " x ") + text_of(factor);
    return out;
  }
  const std::string tower = "of tower '" + text_of(task["tower"]) + "'";
  if (task["link"] == "expected_value") return "expected value of " + floats_text(task["values"]) + " " + tower;
  const std::string column = std::to_string(task["column"].get<std::uint64_t>());
  if (task["link"] == "softmax_column") return "softmax column " + column + " " + tower;
  if (task["link"] == "log_softmax_column") return "log-softmax column " + column + " " + tower;
  return task["link"].get<std::string>() + " " + tower + (task["column"] == 0 ? "" : ", column " + column);
}

// "clamp(2 * softplus(...) + 1, 0, 5)", of which only what does something is shown.
std::string link_text(const Json& task) {
  std::string out = source_text(task);
  const Json& map = task["map"];
  if (map.is_null()) return out;
  if (map["activation"] != "linear") out = text_of(map["activation"]) + parameters_text(map) + " of " + out;
  if (map["scale"] != 1) out += ", times " + short_float(map["scale"]);
  if (map["shift"] != 0) out += ", plus " + short_float(map["shift"]);
  if (!map["clamp"][0].is_null()) out += ", at least " + short_float(map["clamp"][0]);
  if (!map["clamp"][1].is_null()) out += ", at most " + short_float(map["clamp"][1]);
  return out;
}

std::string tasks_text(const Json& model) {
  TextTable table({"name", "score"});
  for (const Json& task : model["tasks"]) table.add({text_of(task["name"]), link_text(task)});
  std::string out = titled("Tasks (" + number_of(model["tasks"].size()) + ")", table);
  if (model["auxiliary_tasks"].empty()) return out;
  TextTable auxiliary({"name", "score"});
  for (const Json& task : model["auxiliary_tasks"]) auxiliary.add({text_of(task["name"]), link_text(task)});
  return out + titled("Factors that are no task (" + number_of(model["auxiliary_tasks"].size()) + ")", auxiliary);
}

std::string segments_text(const Json& model) {
  TextTable table({"name", "offset, bytes", "size, bytes", "xxh64"});
  for (const Json& segment : model["segments"]) {
    table.add({text_of(segment["name"]), number_of(segment["offset"]), number_of(segment["bytes"]),
               segment["xxh64"].is_null() ? "" : text_of(segment["xxh64"])});
  }
  const Json& header = model["header_xxh64"];
  return titled("Segments (" + number_of(model["segments"].size()) + ")", table) +
         (header.is_null() ? "" : "  header's xxh64: " + text_of(header) + "\n");
}

std::string tensors_text(const Json& tensors) {
  TextTable table({"name", "segment", "offset, bytes", "size, bytes", "shape", "type", "layout", "shared columns"});
  for (const Json& tensor : tensors) {
    table.add({text_of(tensor["name"]), text_of(tensor["segment"]), number_of(tensor["offset"]),
               number_of(tensor["bytes"]), number_of(tensor["rows"]) + " x " + number_of(tensor["columns"]),
               tensor["dtype"], tensor["layout"], number_of(tensor["shared_columns"])});
  }
  return titled("Tensors (" + number_of(tensors.size()) + ")", table);
}

std::string provenance_text(const Json& provenance) {
  if (provenance.is_null()) return {};
  std::vector<std::pair<std::string, std::string>> pairs = {
      {"converter", text_of(provenance["converter"])},
      {"weights file", text_of(provenance["weights_file"])},
      {"weights xxh64", text_of(provenance["weights_xxh64"])},
      {"description xxh64", text_of(provenance["description_xxh64"])}};
  for (const auto& note : provenance["notes"].items()) pairs.emplace_back(printable(note.key()), text_of(note.value()));
  return "\nProvenance\n" + pairs_text(pairs);
}

}  // namespace

std::string model_text(const Json& model) {
  std::string out = printable(model["file"].get<std::string>()) + "\n" + summary(model) +
                    features_text(model["features"]) + nodes_text(model["nodes"]) + levels_text(model["levels"]) +
                    towers_text(model["towers"]) + tasks_text(model) + score_change_text(model["score_change"]) +
                    segments_text(model);
  if (model.contains("tensors")) out += tensors_text(model["tensors"]);
  return out + provenance_text(model["provenance"]);
}

}  // namespace mmoe::tools
