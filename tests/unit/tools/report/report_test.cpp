// Reports of the gates: figures against those of a scorer of its own, errors, and the page.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "runtime/tools/page/html.h"
#include "runtime/tools/report/report.h"
#include "runtime/tools/report/report_html.h"
#include "runtime/tools/score/scorer.h"
#include "runtime/tools/support/error.h"
#include "runtime/tools/support/text.h"
#include "tests/unit/models.h"
#include "tests/unit/tools/temporary_file.h"

namespace mmoe::tools {
namespace {

using converter::TrainedModel;
using mmoe::test::AlignedBytes;
using mmoe::test::load;
using mmoe::test::mmoe_description;
using mmoe::test::model_file;
using mmoe::test::Random;
using tools::test::TemporaryDirectory;
using Names = std::vector<std::string>;

// Rows x0, x1, … and further columns; `more` is what follows the i-th row's values.
template <class More>
std::string rows_csv(std::size_t input_dim, std::size_t num_rows, const std::string& more_names, const More& more) {
  std::string out;
  for (std::size_t i = 0; i < input_dim; ++i) out += (i > 0 ? ",x" : "x") + std::to_string(i);
  out += more_names + "\n";
  Random random(5);
  for (std::size_t row = 0; row < num_rows; ++row) {
    for (std::size_t i = 0; i < input_dim; ++i) out += (i > 0 ? "," : "") + std::to_string(random.uniform(-2, 2));
    out += more(row) + "\n";
  }
  return out;
}

std::string plain_rows(std::size_t input_dim, std::size_t num_rows = 300) {
  return rows_csv(input_dim, num_rows, "", [](std::size_t) { return std::string(); });
}

Report report_of(const TrainedModel& description, const std::string& path, const Names& labels = {}) {
  const AlignedBytes file = model_file(description, 1);
  const Model model = load(file);
  ReportOptions options;
  options.model_path = "some.mmoe";
  options.rows_path = path;
  options.labels = labels;
  options.batch_rows = 64;
  return make_report(model, options);
}

struct Scored {
  std::vector<std::vector<float>> scores, weights;  // per row
};

Scored score(const TrainedModel& description, const std::string& path, std::size_t top_k) {
  const AlignedBytes file = model_file(description, 1);
  const Model model = load(file);
  ScorerOptions options;
  options.top_k = top_k;
  options.gates = true;
  RowReader reader(path, input_spec(model));
  Scorer scorer(model, options);
  const std::size_t num_tasks = model.num_tasks(), num_weights = scorer.plan().num_gate_weights();
  Scored scored;
  while (const RowBatch* batch = reader.next()) {
    const float* scores = scorer.score(reader, *batch);
    for (std::size_t row = 0; row < batch->num_rows(); ++row) {
      const float* weights = scorer.gate_weights() + row * num_weights;
      scored.scores.emplace_back(scores + row * num_tasks, scores + (row + 1) * num_tasks);
      scored.weights.emplace_back(weights, weights + num_weights);
    }
  }
  return scored;
}

TEST_CASE("report: what top-k computes and changes is what a session with that k does") {
  const TrainedModel description = mmoe_description({20, 5, {16, 12}, 2, {8}, 0, 0});
  const TemporaryDirectory directory;
  const std::string path = directory.write("rows.csv", plain_rows(20));
  const Report report = report_of(description, path);
  CHECK(report.num_rows == 300);
  CHECK(report.num_experts == 5);
  REQUIRE(report.top_k.size() == 5);
  const Scored all = score(description, path, 0);
  const double expert_cost = 20 * 16 + 16 * 12;
  CHECK(report.multiply_adds == 5 * expert_cost + 2 * (20 * 5 + 5 * 12 + 12 * 8 + 8));
  for (std::size_t k = 1; k <= 5; ++k) {
    const TopKReport& found = report.top_k[k - 1];
    CHECK(found.top_k == k);
    CHECK(found.is_all == (k == 5));
    const Scored some = score(description, path, k);
    double experts = 0, mixed = 0, change = 0, largest = 0;
    for (std::size_t row = 0; row < 300; ++row) {
      for (std::size_t e = 0; e < 5; ++e) {
        experts += some.weights[row][e] != 0 || some.weights[row][5 + e] != 0;
        mixed += (some.weights[row][e] != 0) + (some.weights[row][5 + e] != 0);
      }
      const double before = static_cast<double>(all.scores[row][1]), after = static_cast<double>(some.scores[row][1]);
      const double difference = std::fabs(after - before);
      change += difference / 300;
      largest = std::max(largest, difference);
    }
    CHECK(mixed == 300 * 2 * static_cast<double>(k));
    CHECK(found.experts == doctest::Approx(experts / 300));
    const double skipped = (5 - experts / 300) * expert_cost + (10 - mixed / 300) * 12;
    CHECK(found.multiply_adds == doctest::Approx(report.multiply_adds - skipped));
    CHECK(found.tasks[1].mean == doctest::Approx(change));
    CHECK(found.tasks[1].largest == largest);
    CHECK(std::isnan(found.tasks[1].quality));
  }
}

TEST_CASE("report: gates of every model that has some") {
  const TemporaryDirectory directory;
  for (const mmoe::test::NamedModel& named : mmoe::test::all_models()) {
    if (!named.description.features.empty()) continue;
    CAPTURE(named.name);
    const std::string path = directory.write("rows.csv", plain_rows(named.description.input_dim, 70));
    if (named.name == "Shared-Bottom" || named.name == "Cross-Stitch") {
      CHECK_THROWS_AS(report_of(named.description, path), UsageError);
      continue;
    }
    const Report report = report_of(named.description, path);
    CHECK(report.num_rows == 70);
    for (const GateReport& gate : report.gates) {
      double mean = 0, first = 0;
      for (const ExpertUse& use : gate.experts) mean += use.mean, first += use.first_choice;
      // The top k of a whole softmax; gates whose weights have no sum.
      const bool part = named.name == "mixed" || named.name == "linked, top-3" ||
                        named.name.find("gate functions") != std::string::npos;
      if (!part) CHECK(mean == doctest::Approx(1));
      CHECK(first == doctest::Approx(1));
      CHECK(gate.mean_entropy <= std::log(gate.experts.size()) + 1e-6);
      CHECK(!gate.tasks.empty());
    }
    const TopKReport& all = report.top_k.back();
    CHECK(all.is_all);
    CHECK(all.multiply_adds == report.multiply_adds);
    CHECK(all.experts == report.num_experts);
    for (const TaskChange& change : all.tasks) CHECK(change.largest == 0);
    const std::string html = report_html(report);
    CHECK(html.find("</html>") != std::string::npos);
    CHECK(html.find("nan") == std::string::npos);
  }
}

TEST_CASE("report: a file with gates of its own top-k has a line for itself") {
  const TemporaryDirectory directory;
  const std::string path = directory.write("rows.csv", plain_rows(20));
  const Report report = report_of(mmoe_description({20, 4, {16}, 2, {8}, 2, 0}), path);
  REQUIRE(report.top_k.size() == 5);
  CHECK(report.top_k[0].top_k == 0);
  CHECK(report.top_k[0].experts == report.top_k[2].experts);  // as with 2 for all
  CHECK(report.top_k[0].tasks[0].largest == report.top_k[2].tasks[0].largest);
  for (const ExpertUse& use : report.gates[0].experts) CHECK(use.low == doctest::Approx(0).epsilon(0.001));
}

TEST_CASE("report: an expert without weight is unused, one that some row prefers is not") {
  TrainedModel description = mmoe_description({20, 4, {16}, 2, {8}, 0, 0});
  for (converter::Gate& gate : description.levels[0].gates) gate.logits->bias = {0, 0, -20, 0};
  const TemporaryDirectory directory;
  const std::string path = directory.write("rows.csv", plain_rows(20));
  Report report = report_of(description, path);
  for (const ExpertReport& expert : report.experts) CHECK(expert.unused() == (expert.index == 2));
  CHECK(report_html(report).find("Unused on these rows: 2.") != std::string::npos);
  description.levels[0].gates[1].logits->bias = {0, 0, 0, 0};
  report = report_of(description, path);
  for (const ExpertReport& expert : report.experts) CHECK(!expert.unused());
}

TEST_CASE("report: with labels, AUC of probabilities and R squared of numbers, by any of the columns' names") {
  TrainedModel description = mmoe_description({20, 4, {16}, 3, {8}, 0, 0});
  description.tasks[2].link = converter::identity_link(2);
  for (std::size_t t = 0; t < 3; ++t) description.tasks[t].name = "t" + std::to_string(t);
  const TemporaryDirectory directory;
  const std::string without = directory.write("x.csv", plain_rows(20));
  const Scored scored = score(description, without, 0);
  // t0: 1 above the first row's score, and a row without a label; t1: always wrong; t2: the score itself.
  const std::vector<float>& first = scored.scores[0];
  const std::string path =
      directory.write("rows.csv", rows_csv(20, 300, ",label_t0,t1,y", [&](std::size_t row) {
                        const std::vector<float>& scores = scored.scores[row];
                        std::string number;
                        append_float(number, scores[2]);
                        const std::string right = row == 7 ? "" : scores[0] > first[0] ? "1" : "0";
                        return "," + right + "," + (scores[1] > first[1] ? "0" : "1") + "," + number;
                      }));
  const Report report = report_of(description, path, {"t2=y"});
  CHECK(report.tasks[0].label_column == "label_t0");
  CHECK(report.tasks[0].num_labels == 299);
  CHECK(report.tasks[1].label_column == "t1");
  const TopKReport& all = report.top_k.back();
  CHECK(all.tasks[0].quality == 1);
  CHECK(all.tasks[1].quality == 0);
  CHECK(all.tasks[2].quality == 1);
  CHECK(all.tasks[2].squared_error == 0);
  CHECK(report.top_k[0].tasks[0].quality < 1);
  CHECK(report.top_k[0].tasks[2].quality < 1);
  CHECK(report.top_k[0].tasks[2].squared_error > 0);
  const std::string html = report_html(report);
  CHECK(html.find("AUC or R² against all experts") != std::string::npos);
  CHECK(html.find("mean<br>squared error") != std::string::npos);
}

TEST_CASE("report: rows and labels that cannot be used are named") {
  TrainedModel description = mmoe_description({2, 3, {4}, 2, {}, 0, 0});
  description.tasks[0].name = "a";
  description.tasks[1].name = "b";
  const TemporaryDirectory directory;
  const auto error_of = [&](const std::string& rows, const Names& labels = {}) {
    const std::string path = directory.write("rows.csv", rows);
    return directory.error_of([&] { report_of(description, path, labels); });
  };
  CHECK(error_of("x0,x1\n") == "rows.csv: no rows");
  CHECK(error_of("x0,x1\nnan,1\n") == "rows.csv: no rows whose inputs and scores are all finite");
  CHECK(error_of("x0,x1,a\n1,2,1\n2,1,yes\n") ==
        "rows.csv:3: column 'a': 'yes' is not a number; expected a label, 0 or 1 "
        "(--label TASK= leaves the column out)");
  CHECK(error_of("x0,x1,a\n1,2,1\n2,1,0.5\n") ==
        "rows.csv:3: column 'a': '0.5': the task's score is a probability, its labels are 0 or 1 "
        "(--label TASK= leaves the column out)");
  CHECK(error_of("x0,x1,a\n1,2,1\n2,1,1\n") ==
        "rows.csv: column 'a': all labels (2) are 1; an AUC needs both classes (--label TASK= leaves the column out)");
  CHECK(error_of("x0,x1,a\n1,2,\n2,1,\n") ==
        "rows.csv: column 'a': no row has a label (--label TASK= leaves the column out)");
  CHECK(error_of("x0,x1,y\n1,2,1\n", {"a=z"}) == "rows.csv:1: no column 'z'; the header has: x0, x1, y");
  CHECK(error_of("x0,x1,y\n1,2,1\n", {"c=y"}) == "--label: 'c=y', expected TASK=COLUMN; the tasks: a, b");
  CHECK(error_of("x0,x1,y\n1,2,1\n", {"a=y", "a=x"}) == "--label: task 'a' twice");
  CHECK(error_of("x0,x1\n1,2\nnan,1\n3,4\n") == "");
}

TEST_CASE("report: rows that are not finite are left out and counted") {
  const TemporaryDirectory directory;
  const std::string path = directory.write("rows.csv", "x0,x1\n1,2\nnan,1\n3,4\n");
  const Report report = report_of(mmoe_description({2, 3, {4}, 2, {}, 0, 0}), path);
  CHECK(report.num_rows == 2);
  CHECK(report.num_skipped == 1);
  CHECK(report_html(report).find("1 row left out of all figures") != std::string::npos);
}

TEST_CASE("report: a row whose score only some k makes infinite is left out as well") {
  TrainedModel description = mmoe_description({2, 2, {2}, 1, {}, 0, 0});
  converter::Level& level = description.levels[0];
  level.experts[0].layers[0].weight.data = {1e37f, 0, 0, 0};  // each expert fills one output,
  level.experts[1].layers[0].weight.data = {0, 0, 1e37f, 0};
  for (converter::Expert& expert : level.experts) expert.layers[0].bias = {0, 0};
  level.gates[0].logits->weight.data = {0, 0, 0, 0};  // both get a half,
  level.gates[0].logits->bias = {0, 0};
  description.towers[0].layers[0].weight.data = {3, -3};  // and the halves cancel
  description.tasks[0].link = converter::identity_link(0);
  const TemporaryDirectory directory;
  const Report report = report_of(description, directory.write("rows.csv", "x0,x1\n18,0\n0.1,0\n-1,0\n"));
  CHECK(report.num_rows == 2);
  CHECK(report.num_skipped == 1);
  for (const TopKReport& top_k : report.top_k) CHECK(std::isfinite(top_k.tasks[0].largest));
}

TEST_CASE("report: a task's name may contain '=', and a task can be told to have no labels") {
  TrainedModel description = mmoe_description({2, 3, {4}, 2, {}, 0, 0});
  description.tasks[0].name = "a";
  description.tasks[1].name = "a=b";
  const TemporaryDirectory directory;
  const std::string path = directory.write("rows.csv", "x0,x1,a,y\n1,2,7,0\n3,4,7,1\n");
  const Report report = report_of(description, path, {"a=b=y", "a="});
  CHECK(report.tasks[0].label_column == "");
  CHECK(report.tasks[1].label_column == "y");
  CHECK(report.tasks[1].num_labels == 2);
}

TEST_CASE("report: the page needs nothing else, and names cannot break it") {
  TrainedModel description = mmoe_description({2, 3, {4}, 2, {}, 0, 0});
  description.name = "<script>alert(\"1\")</script>";
  description.tasks[0].name = "a&b<i>'";
  description.levels[0].experts[0].name = "\xff<b>";
  const TemporaryDirectory directory;
  const std::string html = report_html(report_of(description, directory.write("rows.csv", plain_rows(2, 20))));
  for (const char* foreign : {"<script", "http", "url(", "@import", "<link", "<img", "src=", "<i>'", "<b>\n"}) {
    CAPTURE(foreign);
    CHECK(html.find(foreign) == std::string::npos);
  }
  CHECK(html.find("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;") != std::string::npos);
  CHECK(html.find("a&amp;b&lt;i&gt;&#39;") != std::string::npos);
  CHECK(html.find("\xff") == std::string::npos);
  CHECK(html.find(directory.file("")) == std::string::npos);  // no folders
}

TEST_CASE("html: numbers and texts") {
  CHECK(escaped("a\x01<\xc3\xa4>") == "a\\x01&lt;\xc3\xa4&gt;");
  CHECK(fixed(-1.25, 1) == "−1.2");
  CHECK(fixed(-0.01, 1) == "0.0");
  CHECK(fixed(std::nan(""), 1) == "–");
  CHECK(signed_fixed(0.5, 2) == "+0.50");
  CHECK(signed_fixed(0, 2) == "0.00");
  CHECK(percent(0.1234) == "12.3 %");
  CHECK(short_number(0.00000123) == "1.2e-06");
  CHECK(short_number(0.5) == "0.5000");
  CHECK(short_number(-1.5e76) == "−1.5000e+76");
  CHECK(fixed(999999999999999, 1) == "999999999999999.0");
  CHECK(signed_fixed(1e300, 2) == "+1.00e+300");
  CHECK(at(1.5) == "1.5");
  CHECK(at(-0.001) == "0");
  CHECK(at(100) == "100");
}

}  // namespace
}  // namespace mmoe::tools
