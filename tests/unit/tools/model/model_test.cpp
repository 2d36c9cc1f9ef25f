// The tools on model files made by the converter.
#include <doctest/doctest.h>

#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "runtime/tools/describe/describe.h"
#include "runtime/tools/describe/print_model.h"
#include "runtime/tools/inspect/vocabulary_dump.h"
#include "runtime/tools/labels/labels.h"
#include "runtime/tools/model/probability.h"
#include "runtime/tools/rows/row_reader.h"
#include "runtime/tools/score/scorer.h"
#include "runtime/tools/support/error.h"
#include "runtime/tools/verify/golden_replay.h"
#include "tests/unit/models.h"
#include "tests/unit/shared_model.h"
#include "tests/unit/tools/temporary_file.h"

namespace mmoe::tools {
namespace {

using mmoe::test::AlignedBytes;
using mmoe::test::load;
using mmoe::test::model_file;
using tools::test::TemporaryDirectory;

constexpr const char* kFeatureRows =
    "shop,price,history.0,history.1,history.2,device,country\n"
    "7,,1,2,3,3,AT\n"
    "8,1e9,0,-1,2,0,unheard-of\n"
    "42,25,0.5,0.25,0.125,1,BR\n";

std::vector<float> score_all(const Model& model, const std::string& path, const ScorerOptions& options) {
  RowReaderOptions rows;
  rows.batch_rows = options.batch_rows;
  RowReader reader(path, input_spec(model), rows);
  Scorer scorer(model, options);
  std::vector<float> scores;
  while (const RowBatch* batch = reader.next()) {
    const float* part = scorer.score(reader, *batch);
    scores.insert(scores.end(), part, part + batch->num_rows() * scorer.task_names().size());
  }
  return scores;
}

std::string error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const ToolError& error) {
    return error.what();
  }
  return "";
}

TEST_CASE("inspect: a small file that shares its layers is not described a thousand times over") {
  const AlignedBytes file = mmoe::test::SharedModel({16, 256, 64, 32, 16}).file();
  const Model model = load(file);
  CHECK(error_of([&] { describe(model, "m.mmoe", false); })
            .find("levels: 398,336 references to layers and experts in a "
                  "file of ") == 0);
  const AlignedBytes small = mmoe::test::SharedModel({2, 16, 4, 32, 16}).file();
  const Model fits = load(small);
  CHECK(describe(fits, "m.mmoe", false)["levels"].size() == 2);
}

TEST_CASE("verify: rows of a few bytes that cost millions of multiply-adds each are refused") {
  const AlignedBytes file = mmoe::test::SharedModel({2, 64, 8, 16, 32, 0, 0, 2000}).file();
  const Model model = load(file);
  const std::uint64_t each = Plan::create(model)->multiply_adds_per_row();
  REQUIRE(each * 2000 > std::uint64_t{1} << 30);
  const std::string message = error_of([&] { replay_golden_rows(model, "scalar", 8); });
  CAPTURE(message);
  CHECK(message.find("2,000 golden rows of ") == 0);
  // As many of a model whose layers take more of the file than the rows ask for.
  const AlignedBytes plain = mmoe::test::SharedModel({1, 2, 1, 1, 16, 0, 0, 2000}).file();
  const Model cheap = load(plain);
  CHECK(replay_golden_rows(cheap, "scalar", 256).report.num_wrong == 0);
}

TEST_CASE("inspect: a file may have an AUC and not the name of the rows that it is of") {
  const AlignedBytes file = model_file(mmoe::test::linked_description(3), 1);
  Json described = describe(load(file), "m.mmoe", false);
  const Json quality = {{"measure", "auc"}, {"f32", 0.75}, {"stored", nullptr}};
  const Json task = {{"task", "y"}, {"largest", 0.5}, {"mean", 0.25}, {"labels", 3}, {"quality", quality}};
  described["score_change"] = {{"rows", 3}, {"rows_file", nullptr}, {"tasks", {task}}};
  const std::string text = model_text(described);
  CHECK(text.find("Quality on the labels\n") != text.npos);
  described["score_change"]["rows_file"] = "rows.csv";
  CHECK(model_text(described).find("Quality on the labels of rows.csv\n") != text.npos);
}

TEST_CASE("inspect: activations, links and gates by the names of the description") {
  const AlignedBytes file = model_file(mmoe::test::linked_description(3), 1);
  const Model model = load(file);
  const Json described = describe(model, "m.mmoe", false);
  REQUIRE(described["tasks"].size() == model.num_tasks());
  const std::string text = model_text(described);
  for (const char* part : {"celu(0.6)",
                           "mish",
                           "hard_swish",
                           "hard_sigmoid(0.2, 0.5)",
                           "swish(1.702)",
                           "log_sigmoid",
                           "threshold(0.1, -0.2)",
                           "squared_relu",
                           "softplus(2.5)",
                           "softsign",
                           "exp",
                           "clamp(-1, 3.40282e+38)",
                           "softmax times ",
                           "softplus of identity of tower 'tower 0', times 2, plus -1, at least -0.5, at most 5",
                           "sigmoid of identity of tower 'tower 0', times -1, plus 1",
                           "log-softmax column 2 of tower 'tower 2'",
                           "expected value of 1, 2, 3.5, -4 of tower 'tower 2'",
                           "tanh of identity of tower 'tower 3', column 2",
                           "hidden x hidden product x class",
                           "Tasks (8)",
                           "Factors that are no task (3)",
                           "hidden x class, times 2"}) {
    CAPTURE(part);
    CHECK(text.find(part) != std::string::npos);
  }
  const auto probability = [&](const std::string& name) {
    for (std::size_t task = 0; task < model.num_tasks(); ++task) {
      if (model.task_name(task) == name) return is_probability(model, task);
    }
    return false;
  };
  CHECK(probability("class"));
  CHECK(probability("not"));
  for (const char* other : {"bounded", "log", "level", "product", "tanh", "raw"}) CHECK_FALSE(probability(other));
}

TEST_CASE("inspect: parts of x are told by features, in their order, or else by columns") {
  const AlignedBytes columns = model_file(mmoe::test::parts_description(0), 1);
  const Json described = describe(load(columns), "m.mmoe", false);
  const Json& experts = described["levels"][0]["experts"];
  CHECK(experts[0]["reads"] == Json{{"stream", "x"}});
  const Json part = {{"stream", "x"}, {"first", 2}, {"count", 5}};
  CHECK(experts[1]["reads"] == Json{{"stream", "parts"}, {"parts", Json::array({part})}});
  CHECK(experts[8]["reads"] == Json{{"stream", "x"}});  // all of x, though in two parts
  CHECK(described["towers"][2]["reads"] == Json{{"stream", "x"}});
  CHECK(described["towers"][3]["reads"]["parts"].size() == 4);
  const std::string text = model_text(described);
  CHECK(text.find("x 2-6") != std::string::npos);
  CHECK(text.find("x 0-2, x 7-10, x 20-22") != std::string::npos);
  const AlignedBytes features = model_file(mmoe::test::feature_parts_description(), 1);
  const Json by_name = describe(load(features), "m.mmoe", false);
  const Json read = by_name["levels"][0]["experts"][0]["reads"]["parts"];
  REQUIRE(read.size() == 2);
  CHECK(read[0] == Json{{"stream", "x"}, {"feature", "price"}});
  CHECK(read[1]["feature"] == "country");
  CHECK(model_text(by_name).find("shop, history") != std::string::npos);
}

TEST_CASE("golden rows of every architecture replay on every kernel set") {
  for (const mmoe::test::NamedModel& named : mmoe::test::all_models()) {
    const AlignedBytes file = model_file(named.description, 5);
    const Model model = load(file);
    for (const std::string& kernel_set : available_kernel_sets()) {
      for (const std::size_t batch : {std::size_t{1}, std::size_t{5}}) {
        INFO(named.name << ", " << kernel_set << ", batch " << batch);
        const Replay replay = replay_golden_rows(model, kernel_set.c_str(), batch);
        CHECK(replay.report.num_scores == 5 * model.num_tasks());
        CHECK(replay.report.num_wrong == 0);
        if (replay.report.exact) CHECK(replay.report.largest_difference == 0);
      }
    }
  }
}

TEST_CASE("a changed golden score is found and named") {
  const AlignedBytes file = model_file(mmoe::test::mmoe_description({}), 3);
  const Model model = load(file);
  const float* scores = model.golden_rows().scores;
  const std::ptrdiff_t offset = reinterpret_cast<const std::uint8_t*>(scores + 5) - file.data();
  file.data()[offset] ^= 1;  // the last bit of row 2, task 1
  const Replay replay = replay_golden_rows(model, "scalar", 3);
  CHECK(replay.report.num_wrong == 1);
  CHECK(replay.report.row == 2);
  CHECK(replay.report.task == 1);
  CHECK(replay.report.found != replay.report.expected);
  CHECK(replay.report.largest_difference < 1e-6);
}

TEST_CASE("an unknown kernel set is a wrong command line that lists what there is") {
  const AlignedBytes file = model_file(mmoe::test::mmoe_description({}), 1);
  const Model model = load(file);
  CHECK_THROWS_AS(replay_golden_rows(model, "mmx", 1), UsageError);
  ScorerOptions options;
  options.kernel_set = "mmx";
  CHECK_THROWS_AS(Scorer(model, options), UsageError);
  options.kernel_set = "";
  options.tasks = {"nope"};
  CHECK_THROWS_WITH(Scorer(model, options), "the model has no task 'nope'; its tasks: task 0, task 1");
}

TEST_CASE("every described model is JSON and text") {
  for (const mmoe::test::NamedModel& named : mmoe::test::all_models()) {
    INFO(named.name);
    const AlignedBytes file = model_file(named.description, 2);
    const Model model = load(file);
    const Json json = describe(model, "some.mmoe", true);
    CHECK(Json::parse(json.dump()) == json);
    CHECK(json["file_bytes"] == file.size());
    CHECK(json["tasks"].size() == model.num_tasks());
    CHECK(json["golden_rows"] == 2);
    const std::string text = model_text(json);
    CHECK(text.find(std::string(model.architecture())) != std::string::npos);
    CHECK(text.find(std::string(model.task_name(0))) != std::string::npos);
  }
}

TEST_CASE("parameters are counted without padding") {
  mmoe::test::MmoeSizes sizes;
  sizes.inputs = 10;
  sizes.experts = 3;
  sizes.expert_widths = {5};
  sizes.tasks = 2;
  sizes.tower_widths = {4};
  const AlignedBytes file = model_file(mmoe::test::mmoe_description(sizes), 1);
  const Json json = describe(load(file), "", false);
  const unsigned experts = 3 * (10 * 5 + 5);
  const unsigned gates = 2 * (10 * 3 + 3);
  const unsigned towers = 2 * (5 * 4 + 4 + 4 * 1 + 1);
  CHECK(json["parameters"] == experts + gates + towers);
}

TEST_CASE("rows with features: any batch size and task subset gives the same scores") {
  const AlignedBytes file = model_file(mmoe::test::feature_description(), 1);
  const Model model = load(file);
  const TemporaryDirectory directory;
  const std::string path = directory.write("rows.csv", kFeatureRows);
  const std::vector<float> all = score_all(model, path, {});
  REQUIRE(all.size() == 3 * model.num_tasks());
  ScorerOptions options;
  options.batch_rows = 1;
  options.tasks = {std::string(model.task_name(1))};
  const std::vector<float> second = score_all(model, path, options);
  REQUIRE(second.size() == 3);
  for (std::size_t row = 0; row < 3; ++row) {
    CHECK(std::memcmp(&second[row], &all[row * model.num_tasks() + 1], sizeof(float)) == 0);
  }
}

// hashed_description(): city (texts, "" is masked, ids from 1), shop (integers of 32 bits, refuses unknown ones),
// words, user (integers, -7 is masked). The ids are those of find_id() in the runtime's tests.
TEST_CASE("rows with hashed values: texts as they stand, integers, what is masked") {
  const AlignedBytes file = model_file(mmoe::test::hashed_description(), 1);
  const Model model = load(file);
  const TemporaryDirectory directory;
  const auto ids_of = [&](const std::string& row) {
    const std::string path = directory.write("rows.csv", "city,shop,words,user\n" + row + "\n");
    RowReader reader(path, input_spec(model), {});
    const RowBatch* batch = reader.next();
    std::vector<std::int32_t> ids;
    for (std::size_t i = 0; i < 4; ++i) ids.insert(ids.end(), batch->ids(i, 0), batch->ids(i, 0) + (i == 2 ? 3 : 1));
    return ids;
  };
  CHECK(ids_of("Wien,7,shoes|bags,7") == std::vector<std::int32_t>{2, 332, 447, 69, -2, 663});
  CHECK(ids_of("7,-3,,5000000000") == std::vector<std::int32_t>{9, 396, -2, -2, -2, 431});
  CHECK(ids_of(" 7, 7 ,shoes,-7") == std::vector<std::int32_t>{1, 332, 447, -2, -2, -1});
  CHECK(ids_of(",7.0,shoes,") == std::vector<std::int32_t>{-1, 332, 447, -2, -2, -1});
  CHECK(directory.error_of([&] { ids_of("a,2147483648,b,1"); }) ==
        "rows.csv:2: column 'shop': '2147483648' is not in the vocabulary, and the feature refuses unknown values");
  CHECK(directory.error_of([&] { ids_of("a,seven,b,1"); }) ==
        "rows.csv:2: column 'shop': 'seven' is not a whole number");
}

TEST_CASE("rows with numbers in bins, and the bins") {
  const AlignedBytes file = model_file(mmoe::test::binned_description(), 1);
  const Model model = load(file);
  const TemporaryDirectory directory;
  const auto ids_of = [&](const std::string& row) {
    const std::string path = directory.write("rows.csv", "age,price,steps\n" + row + "\n");
    RowReader reader(path, input_spec(model), {});
    const RowBatch* batch = reader.next();
    std::vector<std::int32_t> ids;
    for (std::size_t i = 0; i < 3; ++i) ids.insert(ids.end(), batch->ids(i, 0), batch->ids(i, 0) + (i == 2 ? 3 : 1));
    return ids;
  };
  CHECK(ids_of("18,0.1,-1|1") == std::vector<std::int32_t>{2, 2, 0, 2, -2});
  CHECK(ids_of(" +25.5 ,0.10000000000000002,nan") == std::vector<std::int32_t>{3, 3, -1, -2, -2});
  CHECK(ids_of("1e999,,") == std::vector<std::int32_t>{3, -1, -2, -2, -2});
  CHECK(ids_of("-1e999,1e-999,") == std::vector<std::int32_t>{0, 2, -2, -2, -2});
  CHECK(directory.error_of([&] { ids_of("old,1,1"); }) == "rows.csv:2: column 'age': 'old' is not a number");
  CHECK(directory.error_of([&] { ids_of(",1,1"); }) ==
        "rows.csv:2: column 'age': no value, and the feature refuses unknown ones");
  const auto bins_of = [&](const char* feature) {
    OutputFile out(directory.file("bins.csv"));
    write_vocabulary(model, feature, out);
    out.commit();
    return directory.read("bins.csv");
  };
  CHECK(bins_of("age") ==
        "value,id\n\"[-inf, 0.100000001)\",0\n\"[0.100000001, 18)\",1\n\"[18, 25.5)\",2\n"
        "\"[25.5, inf]\",3\n");
  CHECK(bins_of("price") ==
        "value,id\n\"[-inf, 0.10000000000000001]\",2\n"
        "\"(0.10000000000000001, 9.9900000000000002]\",3\n\"(9.9900000000000002, inf]\",4\n");
  const Json vocabulary = describe(model, "", false)["features"][1]["vocabulary"];
  CHECK(vocabulary["kind"] == "bins");
  CHECK(vocabulary["side"] == "left");
  CHECK(model_text(describe(model, "", false)).find("3 bins; unknown: id 1") != std::string::npos);
}

TEST_CASE("describe: how values are hashed") {
  const AlignedBytes file = model_file(mmoe::test::hashed_description(), 1);
  const Json features = describe(load(file), "", false)["features"];
  CHECK(features[0]["vocabulary"]["kind"] == "hash");
  CHECK(features[0]["vocabulary"]["size"] == 11);
  CHECK(features[1]["vocabulary"]["hashing"].dump() ==
        R"({"function":"murmur3","seed":42,"bytes":"int32","modulo":"floored","first_id":2,"mask":null,"parts":null})");
  CHECK(features[0]["vocabulary"]["hashing"]["mask"] == "");
  CHECK(model_text(describe(load(file), "", false)).find("11 buckets of farmhash64; unknown: id 0") !=
        std::string::npos);
}

// weighted_description(): price, tags (mean of 3), words (sum of 4), seen (sqrtn of 2), clicks without weights.
TEST_CASE("rows with weights: in a cell as the elements, or in columns") {
  const AlignedBytes file = model_file(mmoe::test::weighted_description(), 1);
  const Model model = load(file);
  const TemporaryDirectory directory;
  const auto weights_of = [&](const std::string& header, const std::string& row) {
    const std::string path =
        directory.write("rows.csv", header + ",price,seen,seen weights,clicks\n" + row + ",1,,,\n");
    RowReader reader(path, input_spec(model), {});
    const RowBatch* batch = reader.next();
    std::vector<float> weights(batch->values(1, 0), batch->values(1, 0) + 3);
    weights.insert(weights.end(), batch->values(2, 0), batch->values(2, 0) + 4);
    for (float& weight : weights) weight = std::isnan(weight) ? -9 : weight;
    return weights;
  };
  const std::string cells = "tag weights,tags,words,word weights";
  CHECK(weights_of(cells, "0.5|2,7|8,1|2|3, -1 |0|1e2") == std::vector<float>{0.5f, 2, -9, -1, 0, 100, -9});
  CHECK(weights_of(cells, ",,,") == std::vector<float>(7, -9));
  CHECK(weights_of(cells, "|2,7|8,1,3") == std::vector<float>{-9, 2, -9, 3, -9, -9, -9});
  CHECK(weights_of("tags.0,tags.1,tag weights.0,tag weights.1,words,word weights", "7,8,0.5,,1,2") ==
        std::vector<float>{0.5f, -9, -9, 2, -9, -9, -9});
  CHECK(directory.error_of([&] { weights_of(cells, "1,7|8,,"); }) ==
        "rows.csv:2: column 'tag weights': 1 weight of 2 elements");
  CHECK(directory.error_of([&] { weights_of(cells, "1|2|3|4,7,,"); }) ==
        "rows.csv:2: column 'tag weights': 4 weights of 1 element");
  CHECK(directory.error_of([&] { weights_of(cells, "one,7,,"); }) ==
        "rows.csv:2: column 'tag weights': 'one' is not a number");
  CHECK(directory.error_of([&] { weights_of("tags,words,word weights", "7,,"); }).find("no column 'tag weights'") !=
        std::string::npos);
  const Json sequence = describe(model, "", false)["features"][1]["sequence"];
  CHECK(sequence["pooling"] == "weighted_mean");
  CHECK(sequence["weights"] == "tag weights");
  CHECK(model_text(describe(model, "", false)).find("weighted_mean by tag weights of at most 3") != std::string::npos);
}

// crossed_description(): place (city as text, hour as integer), pair (both as texts); the buckets are TensorFlow's.
TEST_CASE("rows with crosses: a column per part, by its name") {
  const AlignedBytes file = model_file(mmoe::test::crossed_description(), 1);
  const Model model = load(file);
  const TemporaryDirectory directory;
  const auto ids_of = [&](const std::string& row, const std::string& header = "hour,other,city") {
    const std::string path = directory.write("rows.csv", header + "\n" + row + "\n");
    RowReader reader(path, input_spec(model), {});
    const RowBatch* batch = reader.next();
    return std::vector<std::int32_t>{*batch->ids(0, 0), *batch->ids(1, 0)};
  };
  CHECK(ids_of("7,,Wien")[0] == 965);
  CHECK(ids_of(",1,") == std::vector<std::int32_t>{-1, 3});  // an empty text is a text, and no integer
  CHECK(directory.error_of([&] { ids_of("seven,1,Wien"); }) ==
        "rows.csv:2: column 'hour': a value of the cross 'place' is not a whole number");
  CHECK(directory.error_of([&] { ids_of("7", "hour"); }).find("no columns 'city'") != std::string::npos);
  const Json features = describe(model, "", false)["features"];
  CHECK(features[0]["vocabulary"]["hashing"]["parts"].dump() ==
        R"([{"column":"city","bytes":"text"},{"column":"hour","bytes":"int64"}])");
  CHECK(model_text(describe(model, "", false)).find("1,000 buckets of city x hour; unknown: id 0") !=
        std::string::npos);
}

TEST_CASE("rows that the model refuses are named by their line") {
  const AlignedBytes file = model_file(mmoe::test::feature_description(), 1);
  const Model model = load(file);
  const TemporaryDirectory directory;
  const auto error_of = [&](const std::string& row, NonFinite rule) {
    const std::string path = directory.write("rows.csv", kFeatureRows + row);
    ScorerOptions options;
    options.non_finite = rule;
    return directory.error_of([&] { score_all(model, path, options); });
  };
  CHECK(error_of("7,1,1,2,3,4,AT\n", NonFinite::kNanScores) ==
        "rows.csv:5: column 'device': '4' is not in the vocabulary, and the feature refuses unknown values");
  CHECK(error_of("7,1,1,,3,1,AT\n", NonFinite::kNanScores) ==
        "rows.csv:5: column 'history.1': no value, and the feature has none for missing ones");
  CHECK(error_of("7,1,1,nan,3,1,AT\n", NonFinite::kNanScores) == "");
  CHECK(error_of("7,1,1,nan,3,1,AT\n", NonFinite::kError) ==
        "rows.csv:5: feature \"history\": the input is missing, NaN or infinite");
}

TEST_CASE("vocabularies") {
  const AlignedBytes file = model_file(mmoe::test::feature_description(), 1);
  const Model model = load(file);
  const TemporaryDirectory directory;
  OutputFile out(directory.file("shop.csv"));
  write_vocabulary(model, "shop", out);
  CHECK_THROWS_AS(write_vocabulary(model, "price", out), UsageError);
  const AlignedBytes hashed = model_file(mmoe::test::hashed_description(), 1);
  const Model without = load(hashed);
  CHECK_THROWS_AS(write_vocabulary(without, "city", out), UsageError);
  out.commit();
  const std::string text = directory.read("shop.csv");
  CHECK(text.substr(0, 9) == "value,id\n");
  CHECK(text.find("\n42,0\n") != std::string::npos);
}

}  // namespace
}  // namespace mmoe::tools
