#include "converter/search/search_page.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include "converter/search/search_charts.h"
#include "runtime/tools/page/html.h"
#include "runtime/tools/support/text.h"

namespace mmoe::converter {
namespace {

using tools::escaped;
using tools::fixed;
using tools::HtmlTable;
using tools::human_bytes;
using tools::paragraph;
using tools::percent;
using tools::short_number;
using tools::signed_fixed;
using tools::tile;
using tools::with_thousands;

double worst_difference(const std::vector<TaskLoss>& losses) {
  double worst = 0;
  for (const TaskLoss& loss : losses) worst = std::max(worst, loss.largest);
  return worst;
}

// The largest loss of AUC or R squared; NaN without labels.
double worst_quality(const std::vector<TaskLoss>& losses) {
  double worst = std::numeric_limits<double>::quiet_NaN();
  for (const TaskLoss& loss : losses) {
    if (!std::isnan(loss.quality) && !(worst >= loss.quality)) worst = loss.quality;
  }
  return worst;
}

bool any_labels(const SearchResult& result) {
  return std::any_of(result.tasks.begin(), result.tasks.end(), [](const SearchTask& t) { return t.num_labels > 0; });
}

bool any_times(const SearchResult& result) { return !std::isnan(result.tried[0].seconds); }

std::string microseconds(double seconds) {
  if (std::isnan(seconds)) return "–";
  return seconds < 1e-4 ? fixed(seconds * 1e6, 2) : fixed(seconds * 1e6, 0);
}

bool keeps_budget(const SearchResult& result, const Tried& tried) {
  const ResolvedBudget& budget = result.budget;
  return tried.keeps_limits() && !(budget.bytes && tried.file_bytes > *budget.bytes) &&
         !(budget.time && !(tried.seconds * 1e6 <= budget.time->microseconds));
}

// "AUC", "R²" or "AUC or R²", of the tasks with labels.
std::string quality_name(const SearchResult& result) {
  bool auc = false, other = false;
  for (const SearchTask& task : result.tasks) {
    auc = auc || (task.num_labels > 0 && task.probability);
    other = other || (task.num_labels > 0 && !task.probability);
  }
  return std::string(auc ? "AUC" : "") + (auc && other ? " or " : "") + (other ? "R²" : "");
}

// "layers: 3 f32, 2 i8; tables: 4 u8"
std::string types_text(const SearchResult& result, const Tried& tried) {
  std::string text;
  for (const bool tables : {false, true}) {
    std::map<uint8_t, size_t> counts;
    for (size_t i = 0; i < result.parts.size(); ++i) {
      if (result.parts[i].is_table == tables) ++counts[tried.choice[i]];
    }
    std::string of_kind;
    for (const auto& [type, count] : counts) {
      Part part;
      part.is_table = tables;
      of_kind += (of_kind.empty() ? "" : ", ") + std::to_string(count) + " " + type_name(part, type);
    }
    if (!of_kind.empty()) text += (text.empty() ? "" : "; ") + std::string(tables ? "tables: " : "layers: ") + of_kind;
  }
  return text;
}

// -------------------------------------------------------------------------------------------------------- beginning

std::string head(const SearchResult& result, const SearchPageNames& names) {
  const Tried &chosen = result.choice(), &start = result.tried[0];
  const double share = static_cast<double>(chosen.file_bytes) / static_cast<double>(result.f32_bytes);
  std::string out = "<h1>Smaller numbers for " + escaped(names.model) + "</h1>\n";
  out += paragraph(escaped(names.output_file) + " · measured on the rows of " + escaped(names.rows_file), "soft");
  out += "<div class=\"tiles\">\n" + tile(human_bytes(chosen.file_bytes), "the file, " + percent(share) + " of f32");
  out += tile(human_bytes(result.f32_bytes), "the file in f32");
  out += tile(short_number(worst_difference(result.losses)), "largest change of a score");
  if (any_labels(result)) {
    out +=
        tile(signed_fixed(worst_quality(result.losses), 6), quality_name(result) + " lost by the task that loses most");
  }
  if (any_times(result)) {
    out += tile(microseconds(chosen.seconds) + " µs", "per row here; f32: " + microseconds(start.seconds) + " µs");
  }
  out += tile(with_thousands(result.num_rows), "rows");
  out += tile(with_thousands(result.tried.size()), "choices tried") + "</div>\n";
  out += paragraph(
      "A model is made of numbers: the weights of its layers, and tables with a row for each category. Training stores "
      "each in 4 bytes, the type called f32. With fewer bytes for each number the file is smaller, and often faster, "
      "and the scores change a little. Which numbers can be made smaller without harm differs from model to model, so "
      "it was tried: this page shows what was tried on your rows, what it did to the scores, and what was chosen.");
  if (result.num_kept < result.num_rows) {
    out += "<div class=\"note\">The choices were compared on " + with_thousands(result.num_kept) +
           " of the rows, in blocks that are spread evenly over the file. The chosen one was measured on all.</div>\n";
  }
  return out;
}

// ----------------------------------------------------------------------------------------------------- the budget

std::string of_limit(double value, double limit, const std::string& text) {
  if (!std::isfinite(limit)) return text;
  return text + " of " + short_number(limit) + (value <= limit ? " ✓" : " ✗");
}

std::string budget(const SearchResult& result) {
  std::string out = "<h2>What was asked for, and what came out</h2>\n";
  std::string texts;
  for (const std::string& text : result.budget.texts) {
    texts += (texts.empty() ? "" : ", ") + ("<code>" + escaped(text) + "</code>");
  }
  out += paragraph("The budget: " + (texts.empty() ? "none" : texts) + ".");
  HtmlTable table;
  table.header = {"task", "largest change<br>of a score", "mean change"};
  const bool labels = any_labels(result);
  if (labels) {
    table.header.insert(table.header.end(), {"labels", "measure", "in f32", "as stored", "lost"});
  }
  for (size_t i = 0; i < result.tasks.size(); ++i) {
    const SearchTask& task = result.tasks[i];
    const TaskLoss& loss = result.losses[i];
    const TaskLimits& limits = result.budget.tasks[i];
    std::vector<std::string> row = {
        escaped(task.name), of_limit(loss.largest, limits.score, short_number(loss.largest)), short_number(loss.mean)};
    if (labels && task.num_labels == 0) row.insert(row.end(), 5, "–");
    if (labels && task.num_labels > 0) {
      row.insert(row.end(), {with_thousands(task.num_labels), task.probability ? "AUC" : "R²",
                             fixed(task.f32_quality, 6), fixed(task.f32_quality - loss.quality, 6),
                             of_limit(loss.quality, limits.quality, signed_fixed(loss.quality, 6))});
    }
    table.rows.push_back(row);
  }
  out += table.html();
  out += paragraph(
      std::string(
          "A score changes by at most the largest change, on your rows and the golden rows that the file has. ") +
          (labels ? "The AUC is the chance that a row with label 1 has a higher score than one with label 0: 0.5 is "
                    "guessing, 1 is perfect. R² is the share of the labels’ variance that the scores explain. A "
                    "negative loss is a gain. "
                  : "") +
          "Both, before and after, are stored in the file, and <code>mmoe-inspect</code> shows them.",
      "soft");
  return out;
}

// --------------------------------------------------------------------------------------------------------- pictures

ChoicePoint::Kind kind_of(const SearchResult& result, size_t index) {
  if (index == result.chosen) return ChoicePoint::Kind::kChosen;
  switch (result.tried[index].kind) {
    case Tried::Kind::kStart: return ChoicePoint::Kind::kF32;
    case Tried::Kind::kUniform: return ChoicePoint::Kind::kUniform;
    case Tried::Kind::kOnePart: return ChoicePoint::Kind::kOnePart;
    case Tried::Kind::kCombination: break;
  }
  return ChoicePoint::Kind::kCombination;
}

// "w8a8 + u8" of "layers w8a8, tables u8"; "tables u8" where layers are f32 beside them.
std::string short_name(const std::string& name) {
  const std::string layers = "layers ", tables = "tables ", rest = "f32, ";
  if (name.rfind(layers, 0) != 0) return name;
  if (name.rfind(layers + rest, 0) == 0) return name.substr((layers + rest).size());
  const std::string types = name.substr(layers.size());
  const size_t comma = types.find(", " + tables);
  if (comma == types.npos) return types;
  const std::string of_tables = types.substr(comma + 2 + tables.size());
  return types.substr(0, comma) + (of_tables == "f32" ? "" : " + " + of_tables);
}

std::pair<std::string, double> size_unit(const SearchResult& result) {
  return result.f32_bytes >= 10000000 ? std::make_pair("MB", 1e6) : std::make_pair("kB", 1e3);
}

std::vector<ChoicePoint> points_of(const SearchResult& result, bool by_time, bool quality) {
  std::vector<ChoicePoint> points;
  for (size_t i = 0; i < result.tried.size(); ++i) {
    const Tried& tried = result.tried[i];
    ChoicePoint point;
    point.kind = kind_of(result, i);
    point.label = i == result.chosen                    ? "chosen"
                  : tried.kind == Tried::Kind::kStart   ? "f32"
                  : tried.kind == Tried::Kind::kUniform ? short_name(tried.name)
                                                        : "";
    const std::string name = tried.kind == Tried::Kind::kCombination ? types_text(result, tried) : tried.name;
    point.text = name + "; " + with_thousands(tried.file_bytes) + " bytes, largest change " +
                 short_number(worst_difference(tried.losses));
    point.x = by_time ? tried.seconds * 1e6 : static_cast<double>(tried.file_bytes) / size_unit(result).second;
    point.y = quality ? worst_quality(tried.losses) : worst_difference(tried.losses);
    point.keeps_budget = keeps_budget(result, tried);
    points.push_back(point);
  }
  return points;
}

// The limit of all tasks, where it is one; else -1.
double common_limit(const SearchResult& result, bool quality) {
  double common = -1;
  for (const TaskLimits& limits : result.budget.tasks) {
    const double limit = quality ? limits.quality : limits.score;
    if (std::isinf(limit) && quality) continue;
    if (common >= 0 && common != limit) return -1;
    common = limit;
  }
  return std::isfinite(common) ? common : -1;
}

std::string card(const std::string& title, const std::string& html) {
  return "<div class=\"card\"><h3>" + title + "</h3>\n" + html + "</div>\n";
}

std::string pictures(const SearchResult& result) {
  const double limit = common_limit(result, false), quality_limit = common_limit(result, true);
  std::string out = "<h2>Size, accuracy and time of everything that was tried</h2>\n";
  out +=
      paragraph("Each point is a choice of types. Further left is smaller or faster; further down is nearer to f32.");
  out += "<div class=\"pair\">";
  out += card("Size against accuracy",
              choice_chart(points_of(result, false, false),
                           {"size of the file, " + size_unit(result).first, "largest change of a score", true, limit}));
  if (any_times(result)) {
    const std::string calls = result.batch == 1 ? "" : " in calls of " + with_thousands(result.batch) + " rows";
    out += card("Time against accuracy",
                choice_chart(points_of(result, true, false),
                             {"time per row" + calls + ", µs", "largest change of a score", true, limit}));
  }
  if (any_labels(result)) {
    out += card("Size against " + quality_name(result),
                choice_chart(points_of(result, false, true),
                             {"size of the file, " + size_unit(result).first,
                              quality_name(result) + " lost by the task that loses most", false, quality_limit}));
  }
  out += "</div>\n" + choice_legend(limit > 0 || quality_limit > 0);
  if (any_times(result)) {
    out += paragraph(
        "Times were measured on this machine, one thread, the best of some calls; another device has other times, and "
        "other types may be the fastest there.",
        "soft");
  }
  return out;
}

// ----------------------------------------------------------------------------------------------------------- types

std::string types(const SearchResult& result) {
  struct Meaning {
    bool table;
    const char *name, *bytes, *text;
  };
  static const Meaning kMeanings[] = {
      {false, "f32", "4", "The numbers of training: about 7 decimal digits. Nothing changes."},
      {false, "f16", "2", "Half of the digits, about 3. The arithmetic stays that of f32."},
      {false, "bf16", "2", "About 2 digits, with the range of f32: for weights that f16 cannot hold."},
      {false, "i8", "1",
       "Whole numbers from -127 to 127, with a scale for each output of a layer. The inputs stay f32."},
      {false, "w8a8", "1",
       "As i8, and the inputs of the layer are rounded to 8 bits as well, row by row. The fastest type on machines "
       "with "
       "instructions for it, and the coarsest."},
      {true, "f32", "4", "The numbers of training."},
      {true, "f16", "2", "Half of the digits, about 3."},
      {true, "u8", "1", "256 steps between the least and the largest number of a row, and 8 bytes for each row."},
      {true, "u4", "0.5", "16 steps between the least and the largest number of a row, and 4 bytes for each row."}};
  const auto is_tried = [&](bool table, const std::string& name) {
    return std::any_of(result.parts.begin(), result.parts.end(), [&](const Part& part) {
      const auto is_it = [&](uint8_t type) { return type_name(part, type) == name; };
      return part.is_table == table && (is_it(0) || std::any_of(part.types.begin(), part.types.end(), is_it));
    });
  };
  HtmlTable table;
  table.header = {"type", "of", "bytes for<br>a number", "what it means"};
  table.num_texts = 4;
  for (const Meaning& meaning : kMeanings) {
    if (!is_tried(meaning.table, meaning.name)) continue;
    table.rows.push_back({meaning.name, meaning.table ? "tables" : "layers", meaning.bytes,
                          std::string("<span class=\"prose\">") + meaning.text + "</span>"});
  }
  return "<h2>What the types are</h2>\n" + table.html();
}

// ----------------------------------------------------------------------------------------------------------- parts

const Tried* one_part(const SearchResult& result, size_t part, uint8_t type) {
  for (const Tried& tried : result.tried) {
    if (tried.choice[part] != type) continue;
    const auto others = std::count_if(tried.choice.begin(), tried.choice.end(), [](uint8_t t) { return t != 0; });
    if (others == 1) return &tried;
  }
  return nullptr;
}

// Of what the darkest shade is: the limit of the scores, where there is one for all tasks, else the largest change.
double darkest(const SearchResult& result) {
  double largest = 0;
  for (size_t part = 0; part < result.parts.size(); ++part) {
    for (const uint8_t type : result.parts[part].types) {
      if (const Tried* tried = one_part(result, part, type))
        largest = std::max(largest, worst_difference(tried->losses));
    }
  }
  const double limit = common_limit(result, false);
  return limit > 0 ? limit : largest;
}

std::string cell(const SearchResult& result, size_t part, uint8_t type, double all) {
  const Tried* tried = one_part(result, part, type);
  if (tried == nullptr) return "–";
  const double worst = worst_difference(tried->losses);
  const std::string text = short_number(worst);
  const bool chosen = result.choice().choice[part] == type;
  return tools::shaded(chosen ? "<b>" + text + "</b>" : text, std::min(worst, all), all);
}

std::string part_table(const SearchResult& result, bool tables) {
  std::vector<uint8_t> types;
  for (const Part& part : result.parts) {
    if (part.is_table != tables) continue;
    for (const uint8_t type : part.types) {
      if (std::count(types.begin(), types.end(), type) == 0) types.push_back(type);
    }
  }
  std::sort(types.begin(), types.end());
  if (types.empty()) return "";
  const double all = darkest(result);
  HtmlTable table;
  table.groups = {{"", 5}, {"largest change of a score with this part alone in", types.size()}};
  table.header = {tables ? "table" : "layer", "numbers", "f32", "chosen", "saves"};
  Part kind;
  kind.is_table = tables;
  for (const uint8_t type : types) table.header.push_back(type_name(kind, type));
  for (size_t i = 0; i < result.parts.size(); ++i) {
    const Part& part = result.parts[i];
    if (part.is_table != tables) continue;
    const uint8_t type = result.choice().choice[i];
    const Tried* alone = type == 0 ? nullptr : one_part(result, i, type);
    const bool saves = alone != nullptr && alone->file_bytes < result.tried[0].file_bytes;
    std::vector<std::string> row = {escaped(part.name), with_thousands(part.numbers), human_bytes(part.numbers * 4),
                                    "<b>" + type_name(part, type) + "</b>",
                                    saves ? human_bytes(result.tried[0].file_bytes - alone->file_bytes) : "–"};
    for (const uint8_t tried : types) row.push_back(cell(result, i, tried, all));
    table.rows.push_back(row);
  }
  return (tables ? "<h3>Tables</h3>\n" : "<h3>Layers</h3>\n") + table.html();
}

std::string parts(const SearchResult& result) {
  std::string out = "<h2>How sensitive each part is</h2>\n";
  out += paragraph(
      "For each layer and table, how far scores move when it alone has the smaller type and everything else stays f32. "
      "The darker, the further. Bold: the chosen type. "
      "Layers whose weights stand together in the file have one type; * stands for any number in a name.");
  return out + part_table(result, false) + part_table(result, true);
}

// -------------------------------------------------------------------------------------------------------- the list

std::string list(const SearchResult& result) {
  const bool labels = any_labels(result), times = any_times(result);
  std::vector<size_t> order;
  for (size_t i = 0; i < result.tried.size(); ++i) {
    if (result.tried[i].kind != Tried::Kind::kOnePart || i == result.chosen) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return result.tried[a].file_bytes > result.tried[b].file_bytes; });
  HtmlTable table;
  table.header = {"choice", "bytes", "of f32", "largest<br>change", "of the<br>limits"};
  if (labels) table.header.push_back(quality_name(result) + "<br>lost");
  if (times) table.header.push_back("µs<br>per row");
  table.header.push_back("keeps the<br>budget");
  for (const size_t i : order) {
    const Tried& tried = result.tried[i];
    const std::string name = tried.kind == Tried::Kind::kCombination ? types_text(result, tried) : tried.name;
    const double share = static_cast<double>(tried.file_bytes) / static_cast<double>(result.f32_bytes);
    std::vector<std::string> row = {
        "<span class=\"prose\">" + escaped(i == result.chosen ? name + " (chosen)" : name) + "</span>",
        with_thousands(tried.file_bytes), tools::barred(percent(share), share),
        short_number(worst_difference(tried.losses)), percent(tried.share)};
    if (labels) row.push_back(signed_fixed(worst_quality(tried.losses), 6));
    if (times) row.push_back(microseconds(tried.seconds));
    row.push_back(keeps_budget(result, tried) ? "yes" : "no");
    table.rows.push_back(row);
  }
  return "<h2>The choices one by one</h2>\n<details><summary>" + tools::counted(order.size(), "choice") +
         " of several parts, largest file first</summary>" + table.html() + "</details>\n";
}

// Text of several lines.
std::string escaped_lines(const std::string& text) {
  std::string out;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    out += (at == 0 ? "" : "\n") + escaped(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

std::string again(const SearchPageNames& names) {
  return "<h2>The same types again, without a search</h2>\n" +
         paragraph(
             "Put this into the description as the key <code>numbers</code>, or into a file for "
             "<code>mmoe-convert --numbers FILE</code>:") +
         "<pre>" + escaped_lines(names.numbers) + "</pre>\n";
}

}  // namespace

std::string search_page(const SearchResult& result, const SearchPageNames& names) {
  return tools::html_page("Smaller numbers for " + escaped(names.model),
                          head(result, names) + budget(result) + pictures(result) + parts(result) + types(result) +
                              list(result) + again(names));
}

}  // namespace mmoe::converter
