#include "converter/prune/prune.h"

#include <doctest/doctest.h>

#include <string>

#include "converter/error.h"
#include "converter/prune/selected_rows.h"
#include "mmoe/session.h"
#include "runtime/tools/support/error.h"
#include "tests/unit/models.h"
#include "tests/unit/tools/temporary_file.h"

namespace mmoe::converter {
namespace {

using mmoe::test::AlignedBytes;
using mmoe::test::Random;
using tools::test::TemporaryDirectory;

// In the order of the features.
constexpr size_t kItem = 0, kLast = 1, kShop = 2, kDevice = 3;
constexpr uint32_t kPadding = 5;

Vocabulary strings(UnknownRule unknown) {
  Vocabulary vocabulary;
  vocabulary.keys = std::vector<std::string>{"k1", "k2", "k3", "k4", "k5", "k6", "k7", "k8"};
  vocabulary.ids = {1, 2, 3, 4, 5, 6, 7, 8};
  vocabulary.size = 8;
  vocabulary.unknown = unknown;
  return vocabulary;
}

Vocabulary identity(size_t size, UnknownRule unknown) {
  Vocabulary vocabulary;
  vocabulary.identity = true;
  vocabulary.size = size;
  vocabulary.unknown = unknown;
  return vocabulary;
}

// item and last share a table of 10 rows, of which no key has the last; shop and device are integers.
TrainedModel model() {
  TrainedModel model = mmoe::test::mmoe_description({13, 3, {16}, 2, {8}, 0, 0});
  Random random(5);
  const auto table = [&](const std::string& name, size_t rows, size_t cols) {
    model.embeddings.push_back({name, {rows, cols, random.floats(rows * cols)}});
  };
  table("items", 10, 4), table("shops", 8, 3), table("devices", 4, 2);
  model.features.push_back({"item", Side::kContext, 4, SparseFeature{strings(UnknownRule::kId), 0}});
  SequenceFeature last;
  last.vocabulary = strings(UnknownRule::kZero);
  last.length = 3;
  last.pooling = Pooling::kMean;
  last.padding_id = kPadding;
  model.features.push_back({"last", Side::kContext, 4, last});
  model.features.push_back({"shop", Side::kContext, 3, SparseFeature{identity(8, UnknownRule::kZero), 1}});
  model.features.push_back({"device", Side::kContext, 2, SparseFeature{identity(4, UnknownRule::kError), 2}});
  return model;
}

// Ids 2 and 7 of the items are frequent only in both features together.
IdCounts counts() {
  IdCounts counts;
  counts.num_rows = 20;
  counts.features = {
      {0, 5, 2, 0, 4, 0, 1, 1, 0, 0}, {0, 0, 1, 1, 1, 0, 0, 2, 0, 0}, {3, 0, 3, 0, 0, 9, 2, 0}, {3, 0, 0, 0}};
  return counts;
}

std::string key(const Vocabulary& vocabulary, size_t index) {
  const auto* texts = std::get_if<StringList>(&vocabulary.keys);
  return texts != nullptr ? std::string((*texts)[index])
                          : std::to_string(std::get<std::vector<int64_t>>(vocabulary.keys)[index]);
}

std::vector<std::string> keys(const Feature& feature) {
  std::vector<std::string> result;
  for (size_t i = 0; i < feature.vocabulary()->size; ++i) result.push_back(key(*feature.vocabulary(), i));
  return result;
}

using Keys = std::vector<std::string>;

TEST_CASE("prune: keys and rows that go, and what stays whatever its count") {
  TrainedModel pruned = model();
  const TrainedModel whole = model();
  const PruneReport report = prune(counts(), 3, pruned);
  CHECK(keys(pruned.features[kItem]) == Keys{"k1", "k2", "k4", "k5", "k7"});  // k5 is padding
  CHECK(keys(pruned.features[kLast]) == Keys{"k1", "k2", "k4", "k5", "k7"});
  CHECK(keys(pruned.features[kShop]) == Keys{"0", "2", "5"});
  CHECK(pruned.features[kDevice].vocabulary()->identity);
  CHECK(pruned.features[kDevice].vocabulary()->size == 4);
  CHECK(pruned.features[kItem].vocabulary()->ids == std::vector<uint32_t>{1, 2, 3, 4, 5});
  CHECK(pruned.features[kItem].vocabulary()->unknown_id == 0);
  CHECK(std::get<SequenceFeature>(pruned.features[kLast].kind).padding_id == 4u);
  const std::vector<size_t> rows = {0, 1, 2, 4, 5, 7};
  REQUIRE(pruned.embeddings[0].table.rows == rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    CHECK(pruned.embeddings[0].table.row(i) == whole.embeddings[0].table.row(rows[i]));
  }
  CHECK(pruned.embeddings[1].table.rows == 3);
  CHECK(pruned.embeddings[2].table.rows == 4);

  CHECK(report.num_rows == 20);
  REQUIRE(report.features.size() == 4);
  CHECK(report.features[0].name == "item");
  CHECK(report.features[0].num_keys == 8);
  CHECK(report.features[0].num_dropped == 3);
  CHECK(report.features[0].num_values == 13);
  CHECK(report.features[0].num_dropped_values == 1);  // of k6
  CHECK(report.features[2].num_dropped == 5);
  CHECK(report.features[2].num_dropped_values == 2);
  CHECK(report.features[3].refuses_unknown);
  CHECK(report.features[3].num_dropped == 0);
  REQUIRE(report.tables.size() == 3);
  CHECK(report.tables[0].num_rows == 10);
  CHECK(report.tables[0].num_kept == 6);
}

TEST_CASE("prune: an identity whose first ids stay is one still") {
  TrainedModel pruned = model();
  IdCounts first = counts();
  first.features[kShop] = {1, 1, 1, 0, 0, 0, 0, 0};
  prune(first, 1, pruned);
  CHECK(pruned.features[kShop].vocabulary()->identity);
  CHECK(pruned.features[kShop].vocabulary()->size == 3);
  CHECK(pruned.embeddings[1].table.rows == 3);
}

TEST_CASE("prune: where nothing is rare, only rows that no key reaches go") {
  TrainedModel pruned = model();
  IdCounts many = counts();
  for (std::vector<uint32_t>& feature : many.features) feature.assign(feature.size(), 100);
  const PruneReport report = prune(many, 100, pruned);
  for (const PrunedFeature& feature : report.features) CHECK(feature.num_dropped == 0);
  CHECK(pruned.embeddings[0].table.rows == 9);
  CHECK(pruned.features[kShop].vocabulary()->identity);
}

TEST_CASE("prune: the element of empty rows keeps its row, and not its key") {
  TrainedModel pruned = model();
  std::get<SequenceFeature>(pruned.features[kLast].kind).empty_id = 8;
  prune(counts(), 3, pruned);
  CHECK(std::get<SequenceFeature>(pruned.features[kLast].kind).empty_id == 6u);
  CHECK(keys(pruned.features[kLast]) == Keys{"k1", "k2", "k4", "k5", "k7"});
  CHECK(pruned.embeddings[0].table.row(6) == model().embeddings[0].table.row(8));
}

TEST_CASE("prune: a padding id that the table has no row for is no element's") {
  TrainedModel pruned = model();
  std::get<SequenceFeature>(pruned.features[kLast].kind).padding_id = 50000;  // of a tensor that the table is a part of
  prune(counts(), 2, pruned);
  CHECK(std::get<SequenceFeature>(pruned.features[kLast].kind).padding_id == 50000u);
}

TEST_CASE("prune: a feature that would lose all keys is refused by name") {
  TrainedModel pruned = model();
  IdCounts none = counts();
  none.features[kShop].assign(8, 1);
  CHECK_THROWS_WITH_AS(prune(none, 2, pruned),
                       "feature \"shop\": every id is in the rows fewer than 2 times, so that none would be kept",
                       ConvertError);
}

// [rows, tasks] of some rows whose items are among `items` and whose shops are among `shops`.
std::vector<float> scores(const AlignedBytes& file, const Keys& items, const std::vector<int64_t>& shops) {
  const Model model = mmoe::test::load(file);
  constexpr size_t kRows = 40;
  Random random(3);
  std::vector<std::vector<int32_t>> ids(4);
  const auto item = [&] { return model.find_id(kItem, items[random.below(items.size())]); };
  for (size_t row = 0; row < kRows; ++row) {
    ids[kItem].push_back(random.below(8) == 0 ? Model::kUnknownId : item());
    const size_t length = random.below(4);
    for (size_t i = 0; i < 3; ++i) ids[kLast].push_back(i < length ? item() : Model::kNoElement);
    ids[kShop].push_back(model.find_id(kShop, shops[random.below(shops.size())]));
    ids[kDevice].push_back(static_cast<int32_t>(random.below(4)));
  }
  std::vector<FeatureColumn> columns(4);
  for (size_t i = 0; i < 4; ++i) columns[i].ids = ids[i];
  Result<Session> session = Session::create(model);
  REQUIRE(session.ok());
  std::vector<float> result(kRows * model.num_tasks());
  REQUIRE(session->score(Input::columns(columns, kRows), {result}).ok());
  return result;
}

TEST_CASE("prune: rows of kept values have the same bits, whatever the numbers are stored as; others are unknown") {
  std::vector<NumberOptions> all = mmoe::test::all_numbers();
  all.emplace_back();
  for (const NumberOptions& numbers : all) {
    TrainedModel pruned = model();
    prune(counts(), 3, pruned);
    const AlignedBytes before = mmoe::test::model_file(model(), 4, numbers);
    const AlignedBytes after = mmoe::test::model_file(pruned, 4, numbers);
    const Keys items = {"k1", "k2", "k4", "k5", "k7"};
    CHECK(scores(before, items, {0, 2, 5}) == scores(after, items, {0, 2, 5}));
    CHECK(scores(before, {"k6"}, {0}) != scores(after, {"k6"}, {0}));
    CHECK(scores(before, {"never"}, {99}) == scores(after, {"k6"}, {6}));
  }
}

TEST_CASE("count_ids: of sparse features and sequences, without unknown values and those that are not there") {
  const TemporaryDirectory directory;
  const std::string path = directory.write("rows.csv",
                                           "device,shop,item,last\n"
                                           "0,7,k1,k1|k8|k1\n"
                                           "1,,k9,\n"
                                           "1,99,k1,k2|zz\n");
  const AlignedBytes file = mmoe::test::model_file(model());
  const std::string_view bytes(reinterpret_cast<const char*>(file.data()), file.size());
  const IdCounts counts = count_ids(bytes, model(), path);
  CHECK(counts.num_rows == 3);
  REQUIRE(counts.features.size() == 4);
  CHECK(counts.features[kItem] == std::vector<uint32_t>{0, 2, 0, 0, 0, 0, 0, 0, 0, 0});
  CHECK(counts.features[kLast] == std::vector<uint32_t>{0, 2, 1, 0, 0, 0, 0, 0, 1, 0});
  CHECK(counts.features[kShop] == std::vector<uint32_t>{0, 0, 0, 0, 0, 0, 0, 1});
  CHECK(counts.features[kDevice] == std::vector<uint32_t>{1, 2, 0, 0});
  CHECK_THROWS_AS(count_ids(bytes, model(), directory.write("none.csv", "device,shop,item,last\n")), tools::ToolError);
}

// Whole numbers, which say where they come from.
TEST_CASE("selected rows: any range of them") {
  std::vector<float> numbers;
  for (size_t i = 0; i < 20; ++i) numbers.push_back(static_cast<float>(i));
  const std::vector<uint32_t> rows = {0, 1, 3, 6, 7, 8, 9};
  const SelectedRows selected(Table(10, 2, numbers), rows);
  for (size_t first = 0; first < rows.size(); ++first) {
    for (size_t count = 0; first + count <= rows.size(); ++count) {
      std::vector<float> found(count * 2);
      selected.read(first, count, found.data());
      for (size_t i = 0; i < found.size(); ++i) {
        CHECK(found[i] == static_cast<float>(rows[first + i / 2] * 2 + i % 2));
      }
    }
  }
  CHECK_FALSE(selected.stored_as().has_value());
}

}  // namespace
}  // namespace mmoe::converter
