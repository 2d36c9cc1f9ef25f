#include "runtime/tools/report/report_html.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "runtime/tools/page/html.h"
#include "runtime/tools/report/report_charts.h"
#include "runtime/tools/support/text.h"

namespace mmoe::tools {
namespace {

using Row = std::vector<std::string>;

// Without folders, which are nobody else's business.
std::string file_name(const std::string& path) {
  return path == "-" ? "standard input" : escaped(std::filesystem::path(path).filename().string());
}

std::string model_name(const Report& report) {
  const std::string name = report.model["name"];
  return name.empty() ? file_name(report.model["file"]) : escaped(name);
}

std::string whole(double number) { return with_thousands(static_cast<std::uint64_t>(std::llround(number))); }

std::string effective_experts(const GateReport& gate) {
  return fixed(std::exp(gate.mean_entropy), 1) + " of " + std::to_string(gate.experts.size());
}

bool has_levels(const Report& report) { return report.model["levels"].size() > 1; }

std::string expert_label(const Report& report, const ExpertReport& expert) {
  const std::string level = has_levels(report) ? "level " + std::to_string(expert.level + 1) + ", " : "";
  return level + std::to_string(expert.index);
}

bool any_labels(const Report& report) {
  return std::any_of(report.tasks.begin(), report.tasks.end(),
                     [](const TaskReport& task) { return !task.label_column.empty(); });
}

// "income, 512 labels in 'label_income'"
std::string task_list(const Report& report) {
  std::string out;
  for (const TaskReport& task : report.tasks) {
    out += (out.empty() ? "" : "; ") + escaped(task.name);
    if (!task.label_column.empty()) {
      out += " (" + counted(task.num_labels, "label") + " in column " + escaped(task.label_column) + ")";
    }
  }
  return out;
}

std::string head(const Report& report) {
  const std::string architecture = report.model["architecture"];
  std::string out = "<h1>" + model_name(report) + "</h1>\n";
  out +=
      paragraph(escaped(architecture) + (architecture.empty() ? "" : " · ") + file_name(report.model["file"]) +
                    " · on the rows of " + file_name(report.rows_path) + " · kernel set " + escaped(report.kernel_set),
                "soft");
  out += "<div class=\"tiles\">\n" + tile(with_thousands(report.num_rows), "rows");
  out += tile(with_thousands(report.tasks.size()), report.tasks.size() == 1 ? "task" : "tasks");
  if (has_levels(report)) out += tile(with_thousands(report.model["levels"].size()), "levels");
  out += tile(with_thousands(report.num_experts), "experts");
  out += tile(with_thousands(report.gates.size()), report.gates.size() == 1 ? "gate" : "gates");
  out += tile(whole(report.multiply_adds), "multiply-adds per row");
  out += tile(with_thousands(report.model["parameters"].get<std::uint64_t>()), "parameters") + "</div>\n";
  out += paragraph("Tasks: " + task_list(report) + ".");
  if (report.num_skipped > 0) {
    out += "<div class=\"note\">" + counted(report.num_skipped, "row") +
           " left out of all figures: an input or a score is NaN or infinite.</div>\n";
  }
  return out;
}

// ---------------------------------------------------------------------------------------------- mean weights

std::string mean_table(const Report& report, std::size_t level) {
  const std::size_t num_experts = report.model["levels"][level]["experts"].size();
  HtmlTable table;
  table.header = {"gate", "entropy,<br>nats", "effective<br>experts"};
  const std::size_t first = table.header.size();
  for (std::size_t e = 0; e < num_experts; ++e) table.header.push_back("expert<br>" + std::to_string(e));
  for (const GateReport& gate : report.gates) {
    if (gate.level != level) continue;
    Row row = {escaped(gate.name), fixed(gate.mean_entropy, 2), effective_experts(gate)};
    row.resize(first + num_experts, "·");
    double largest = 0;
    for (const ExpertUse& use : gate.experts) largest = std::max(largest, use.mean);
    for (const ExpertUse& use : gate.experts) row[first + use.expert] = shaded(percent(use.mean), use.mean, largest);
    table.rows.push_back(row);
  }
  return table.rows.empty() ? "" : table.html();
}

std::string mean_weights(const Report& report) {
  std::string out = "<h2>Mean weight of each expert</h2>\n";
  out += paragraph(
      "How much of each gate's mixture an expert is, on average over the rows. The entropy is the mean "
      "over the rows; e to its power is how many equally weighted experts would spread as much.");
  for (std::size_t level = 0; level < report.model["levels"].size(); ++level) {
    const std::string table = mean_table(report, level);
    if (!table.empty() && has_levels(report)) out += "<h3>Level " + std::to_string(level + 1) + "</h3>\n";
    out += table;
  }
  return out;
}

// ------------------------------------------------------------------------------------- the spread of one gate

std::string use_table(const GateReport& gate) {
  HtmlTable table;
  table.header = {"expert", "mean", "tenth below", "median", "tenth above", "first choice of rows"};
  for (const ExpertUse& use : gate.experts) {
    table.rows.push_back({std::to_string(use.expert), percent(use.mean), percent(use.low), percent(use.median),
                          percent(use.high), percent(use.first_choice)});
  }
  return table.html();
}

std::string feeds(const GateReport& gate) {
  std::string out;
  for (const std::string& task : gate.tasks) out += (out.empty() ? "" : ", ") + escaped(task);
  return gate.tasks.size() == 1 && gate.name == gate.tasks[0] ? "" : "Feeds " + out + ". ";
}

std::string gate_card(const Report& report, const GateReport& gate, double top) {
  const auto first = std::max_element(gate.experts.begin(), gate.experts.end(),
                                      [](const auto& a, const auto& b) { return a.first_choice < b.first_choice; });
  std::string out = "<div class=\"card\"><h3>" + escaped(gate.name) + "</h3>\n";
  out += paragraph(feeds(gate) + "Entropy " + fixed(gate.mean_entropy, 2) + " nats, effectively " +
                       effective_experts(gate) + " experts. Most often first: expert " + std::to_string(first->expert) +
                       ", in " + percent(first->first_choice) + " of the rows.",
                   "soft");
  out += "<div class=\"wide\">" + gate_chart(gate, top, colour_of(report, gate)) + "</div>\n";
  return out + "<details><summary>Figures</summary>" + use_table(gate) + "</details></div>\n";
}

std::string spreads(const Report& report) {
  std::string out = "<h2>How the weights spread over the rows</h2>\n";
  out += paragraph(
      "Bars are means, lines reach over the middle 80 % of the rows, with a tick at the median. First in: "
      "the share of the rows in which the expert has the largest weight. Below: rows by weight, from 0 to "
      "1, each histogram to its own scale.");
  const double top = top_weight(report);
  for (const GateReport& gate : report.gates) out += gate_card(report, gate, top);
  return out;
}

// --------------------------------------------------------------------------------------------------- experts

std::string use_of(const ExpertReport& expert) {
  if (expert.constant) return "constant gate";
  if (!expert.has_gate) return "no task needs it";
  return expert.unused() ? "unused" : "";
}

std::string expert_table(const Report& report) {
  const auto parameters = static_cast<double>(report.model["parameters"].get<std::uint64_t>());
  HtmlTable table;
  table.header = {"expert",
                  "name",
                  "layers",
                  "multiply-adds<br>per row",
                  "of the<br>model",
                  "weights",
                  "of the<br>model",
                  "largest<br>mean weight",
                  "among the<br>first two",
                  "use"};
  table.num_texts = 3;
  for (const ExpertReport& expert : report.experts) {
    const auto work = static_cast<double>(expert.multiply_adds), its = static_cast<double>(expert.parameters);
    const bool seen = expert.has_gate;
    table.rows.push_back({expert_label(report, expert), escaped(expert.name), escaped(expert.layers),
                          with_thousands(expert.multiply_adds), percent(work / report.multiply_adds),
                          human_bytes(expert.parameter_bytes), percent(its / parameters),
                          seen ? percent(expert.largest_mean) : "–", seen ? percent(expert.among_two) : "–",
                          use_of(expert)});
  }
  return table.html();
}

std::string unused_note(const Report& report) {
  std::string names;
  for (const ExpertReport& expert : report.experts) {
    if (expert.unused()) names += (names.empty() ? "" : "; ") + expert_label(report, expert);
  }
  if (names.empty()) return paragraph("On these rows no expert is unused.");
  return "<div class=\"note\">Unused on these rows: " + names +
         ". They could be left out, or the model trained with fewer.</div>\n";
}

std::string experts(const Report& report) {
  return "<h2>What the experts cost, and which are used</h2>\n" + unused_note(report) + expert_table(report) +
         paragraph(
             "Unused is an expert whose mean weight is less than 1 % in every gate, and which no row has among "
             "its two largest weights. The last columns are of the gate that uses the expert most. Weights are "
             "counted with 4 bytes for each parameter. Multiply-adds are of dense layers and mixing.",
             "soft");
}

// ----------------------------------------------------------------------------------------------------- top-k

std::string k_label(const TopKReport& top_k) {
  return top_k.is_all ? "all" : top_k.top_k == 0 ? "file" : std::to_string(top_k.top_k);
}

std::string skips(const TopKReport& top_k) {
  if (top_k.is_all) return "–";
  return std::string(top_k.skips_single ? "yes" : "no") + " / " + (top_k.skips_blocks ? "yes" : "no");
}

// Columns of a task: changes, and quality where there are labels.
void add_task_header(const TaskReport& task, HtmlTable& table) {
  const std::size_t before = table.header.size();
  table.header.insert(table.header.end(), {"mean<br>change", "largest<br>change"});
  if (!task.label_column.empty()) {
    const std::string quality = task.binary ? "AUC" : "R²";
    table.header.insert(table.header.end(), {quality, quality + "<br>difference"});
    if (!task.binary) table.header.push_back("mean<br>squared error");
  }
  table.groups.push_back({escaped(task.name), table.header.size() - before});
}

void add_task(const TaskReport& task, const TaskChange& change, const TaskChange& all, Row& row) {
  row.insert(row.end(), {short_number(change.mean), short_number(change.largest)});
  if (task.label_column.empty()) return;
  row.insert(row.end(), {fixed(change.quality, 5), signed_fixed(change.quality - all.quality, 5)});
  if (!task.binary) row.push_back(short_number(change.squared_error));
}

std::string work_table(const Report& report) {
  HtmlTable table;
  table.header = {"top k",  "experts computed<br>per row", "of all", "multiply-adds<br>per row",
                  "of all", "skips here,<br>1 row / many"};
  for (const TopKReport& top_k : report.top_k) {
    const double share = top_k.experts / static_cast<double>(report.num_experts);
    const double work = top_k.multiply_adds / report.multiply_adds;
    table.rows.push_back({k_label(top_k), fixed(top_k.experts, 2), barred(percent(share), share),
                          whole(top_k.multiply_adds), barred(percent(work), work), skips(top_k)});
  }
  return table.html();
}

std::string score_table(const Report& report) {
  const TopKReport& all = report.top_k.back();
  HtmlTable table;
  table.groups = {{"", 1}};
  table.header = {"top&nbsp;k"};
  for (const TaskReport& task : report.tasks) add_task_header(task, table);
  for (const TopKReport& top_k : report.top_k) {
    Row row = {k_label(top_k)};
    for (std::size_t t = 0; t < report.tasks.size(); ++t) add_task(report.tasks[t], top_k.tasks[t], all.tasks[t], row);
    table.rows.push_back(row);
  }
  return table.html();
}

// What is drawn of a task: the difference of its quality, or else the mean change of its scores.
double drawn(const Report& report, std::size_t task, const TopKReport& top_k) {
  const TaskChange& change = top_k.tasks[task];
  return any_labels(report) ? change.quality - report.top_k.back().tasks[task].quality : change.mean;
}

// "AUC", "R²" or "AUC or R²".
std::string quality_names(const Report& report) {
  bool binary = false, other = false;
  for (const TaskReport& task : report.tasks) {
    const bool labelled = !task.label_column.empty();
    binary = binary || (labelled && task.binary);
    other = other || (labelled && !task.binary);
  }
  return std::string(binary ? "AUC" : "") + (binary && other ? " or " : "") + (other ? "R²" : "");
}

std::string top_k_charts(const Report& report) {
  std::vector<std::string> labels;
  Series computed{"experts computed", "t2", {}}, work{"multiply-adds", "several", {}};
  std::vector<Series> tasks;
  for (std::size_t t = 0; t < report.tasks.size(); ++t) {
    const bool shown = !any_labels(report) || !report.tasks[t].label_column.empty();
    if (shown) tasks.push_back({report.tasks[t].name, task_colour(t), {}});
  }
  for (const TopKReport& top_k : report.top_k) {
    if (top_k.top_k == 0) continue;
    labels.push_back(k_label(top_k));
    computed.values.push_back(top_k.experts / static_cast<double>(report.num_experts));
    work.values.push_back(top_k.multiply_adds / report.multiply_adds);
    std::size_t next = 0;
    for (std::size_t t = 0; t < report.tasks.size(); ++t) {
      const bool shown = !any_labels(report) || !report.tasks[t].label_column.empty();
      if (shown) tasks[next++].values.push_back(drawn(report, t, top_k));
    }
  }
  const std::string what =
      any_labels(report) ? quality_names(report) + " against all experts" : "Mean change of the scores";
  return "<div class=\"pair\"><div class=\"card\"><h3>Share of the work, by k</h3>\n<div class=\"wide\">" +
         line_chart(labels, {computed, work}, true) + "</div></div>\n<div class=\"card\"><h3>" + what +
         ", by k</h3>\n<div class=\"wide\">" + line_chart(labels, tasks, false) + "</div></div></div>\n";
}

// The least k that costs no labelled task more than 0.001 of its AUC or R squared.
std::string cheapest(const Report& report) {
  constexpr double kAllowed = 0.001;
  if (!any_labels(report)) return "";
  const std::string quality = quality_names(report);
  for (const TopKReport& top_k : report.top_k) {
    bool fits = top_k.top_k != 0;
    for (std::size_t t = 0; t < report.tasks.size(); ++t) fits = fits && !(drawn(report, t, top_k) < -kAllowed);
    if (!fits) continue;
    if (top_k.is_all) return paragraph("On these rows every k costs some task more than 0.001 of its " + quality + ".");
    return paragraph("The least k that costs no task more than 0.001 of its " + quality + " on these rows: <b>" +
                     k_label(top_k) + "</b>, with " + fixed(top_k.experts, 1) + " experts and " +
                     percent(top_k.multiply_adds / report.multiply_adds) + " of the multiply-adds a row.");
  }
  return "";
}

std::string top_k(const Report& report) {
  std::string out = "<h2>What top-k would skip</h2>\n";
  out += paragraph(
      "The same rows scored once for each k: every gate keeps its k experts of the largest weight, "
      "renormalised (<code>mmoe-score --top-k</code>). A row computes the experts that any of its gates "
      "keeps. Changes and differences are against all experts.");
  out += cheapest(report) + top_k_charts(report) + work_table(report) + score_table(report);
  out += paragraph(
      "Skips here: whether the plan for this machine's kernel set skips experts at all, one row at a time "
      "and many at once; it computes them side by side where that is estimated to be faster, with the "
      "same scores. A file whose own gates are restricted has a line “file”.",
      "soft");
  return out;
}

}  // namespace

std::string report_html(const Report& report) {
  return html_page("Gates of " + model_name(report),
                   head(report) + mean_weights(report) + spreads(report) + experts(report) + top_k(report));
}

}  // namespace mmoe::tools
