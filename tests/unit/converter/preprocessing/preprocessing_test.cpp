#include "converter/preprocessing/preprocessing.h"

#include <doctest/doctest.h>

#include <cmath>
#include <memory>

#include "converter/error.h"
#include "tests/unit/converter/description/memory_weights.h"

namespace mmoe::converter {
namespace {

// What stands for {"preprocessing": "p.json", ...} where the file is that text.
std::vector<MadeFeature> made(const std::string& file, const std::string& more = "",
                              std::vector<std::string>* notes = nullptr) {
  KeySources sources;
  sources.open = [&file](const std::string& location) {
    if (location != "p.json") throw ConvertError(location + " is not there");
    const auto text = std::make_shared<const std::string>(file);
    return SharedBytes{text, *text};
  };
  const nlohmann::json entry = parse_json(R"({"preprocessing": "p.json")" + more + "}");
  const test::MemoryWeights weights;
  const TensorIndex tensors(weights, {});
  const std::vector<MadeFeature> features = read_preprocessing(JsonReader(entry, "features[0]"), sources, tensors);
  if (notes != nullptr) *notes = sources.notes;
  return features;
}

std::string error_of(const std::string& file, const std::string& more = "") {
  try {
    made(file, more);
  } catch (const ConvertError& error) {
    return error.what();
  }
  return "";
}

bool contains(const std::string& text, const std::string& part) {
  const bool found = text.find(part) != text.npos;
  if (!found) MESSAGE(text);
  return found;
}

nlohmann::json described(const std::string& file, const std::string& more = "") {
  nlohmann::json list = nlohmann::json::array();
  for (const MadeFeature& feature : made(file, more)) list.push_back(feature.description);
  return list;
}

nlohmann::json json(const std::string& text) { return nlohmann::json::parse(text); }

// Steps of a pipeline that was fitted with columns a, b, ...
std::string pipeline(const std::vector<std::string>& steps, const std::string& names = R"(["a"])") {
  std::string text;
  for (const std::string& step : steps) text += (text.empty() ? "" : ", ") + std::string("[\"s\", ") + step + "]";
  return R"({"class": "Pipeline", "feature_names_in_": )" + names + R"(, "steps": [)" + text + "]}";
}

const char* const kImputer = R"({"class": "SimpleImputer", "missing_values": null, "statistics_": [3.5]})";
const char* const kStandard =
    R"({"class": "StandardScaler", "with_mean": true, "with_std": true, "mean_": [2.0], "scale_": [4.0]})";
std::string function_of_numpy(const std::string& name) {
  return R"({"class": "FunctionTransformer", "func": "numpy.)" + name + R"(", "kw_args": null})";
}

const char* const kLog1p = R"({"class": "FunctionTransformer", "func": "numpy.log1p", "kw_args": null})";

std::string min_max(const std::string& clip) {
  return R"({"class": "MinMaxScaler", "feature_range": [0, 1], "min_": [-0.5], "scale_": [0.25], "clip": )" + clip +
         "}";
}

std::string one_hot(const std::string& categories, const std::string& rule = "error", const std::string& more = "") {
  return R"({"class": "OneHotEncoder", "feature_names_in_": ["a"], "categories_": [)" + categories +
         R"(], "handle_unknown": ")" + rule + "\"" + more + "}";
}

std::string ordinal(const std::string& categories, const std::string& more = R"(, "handle_unknown": "error")") {
  return R"({"class": "OrdinalEncoder", "feature_names_in_": ["a"], "categories_": [)" + categories + "]" + more + "}";
}

std::string bins(const std::string& encode, const std::string& edges = "[0, 1.5, 2, 9]") {
  return R"({"class": "KBinsDiscretizer", "feature_names_in_": ["a"], "encode": ")" + encode + R"(", "bin_edges_": [)" +
         edges + "]}";
}

TEST_CASE("preprocessing: numbers in steps") {
  CHECK(described(pipeline({kImputer, kLog1p, kStandard})) ==
        json(R"([{"name": "a", "kind": "dense", "missing": 3.5, "function": "log1p",
                  "scale": {"offset": 2.0, "factor": 0.25}}])"));
  // ((v - 2) / 4 - 2) * 0.25 = (v - 10) / 16
  CHECK(described(pipeline({kStandard, min_max("false")})) ==
        json(R"([{"name": "a", "kind": "dense", "scale": {"offset": 10.0, "factor": 0.0625}}])"));
  // 0 and 1 of what v / 4 - 1 / 2 gives
  CHECK(described(pipeline({min_max("true")})) ==
        json(R"([{"name": "a", "kind": "dense", "clip": [2.0, 6.0], "scale": {"offset": 2.0, "factor": 0.25}}])"));
  CHECK(described(pipeline({R"("passthrough")"})) == json(R"([{"name": "a", "kind": "dense"}])"));
  CHECK(described(R"({"class": "MaxAbsScaler", "n_features_in_": 2, "scale_": [2, 4]})") ==
        json(R"([{"name": "x0", "kind": "dense", "scale": {"offset": 0.0, "factor": 0.5}},
                 {"name": "x1", "kind": "dense", "scale": {"offset": 0.0, "factor": 0.25}}])"));
}

TEST_CASE("preprocessing: what is missing is a column beside the number, also scaled") {
  const std::string imputer = R"({"class": "SimpleImputer", "statistics_": [1, 2],
    "indicator_": {"class": "MissingIndicator", "features_": [1]}})";
  CHECK(described(pipeline({imputer}, R"(["a", "b"])")) ==
        json(R"([{"name": "a", "kind": "dense", "missing": 1}, {"name": "b", "kind": "dense", "missing": 2},
                 {"name": "b is missing", "column": "b", "kind": "dense", "function": "is_missing"}])"));
  const std::string indicator = R"({"class": "MissingIndicator", "features_": [0]})";
  // 0 - 0.5 and 1 / 4 - 0.5 are clipped to 0
  CHECK(contains(error_of(pipeline({indicator, min_max("true")})), "to one number"));
}

TEST_CASE("preprocessing: one-hot columns") {
  CHECK(described(one_hot(R"(["x", "y"])")) ==
        json(R"([{"name": "a", "kind": "categorical", "vocabulary": ["x", "y"], "ids": [0, 1],
                  "embedding": {"one_hot": 2, "ids": 2}}])"));
  CHECK(described(one_hot("[5.0, 7.0]", "ignore")) ==
        json(R"([{"name": "a", "kind": "categorical", "vocabulary": [5, 7], "ids": [0, 1], "unknown": {"id": 2},
                  "embedding": {"one_hot": 2, "ids": 3}}])"));
  // The first category is dropped: zeros, as are unknown ones.
  CHECK(described(one_hot(R"(["x", "y", "z"])", "ignore", R"(, "drop_idx_": [0])")) ==
        json(R"([{"name": "a", "kind": "categorical", "vocabulary": ["x", "y", "z"], "ids": [2, 0, 1],
                  "unknown": {"id": 2}, "embedding": {"one_hot": 2, "ids": 3}}])"));
  // Infrequent ones share the last column.
  const std::string infrequent = R"(, "min_frequency": 3, "infrequent_categories_": [["x", "z"]])";
  CHECK(described(one_hot(R"(["w", "x", "y", "z"])", "infrequent_if_exist", infrequent)) ==
        json(R"([{"name": "a", "kind": "categorical", "vocabulary": ["w", "x", "y", "z"], "ids": [0, 2, 1, 2],
                  "unknown": {"id": 2}, "embedding": {"one_hot": 3, "ids": 3}}])"));
  // A scaler behind it scales the zeros too.
  CHECK(described(pipeline({one_hot(R"(["x"])", "ignore"), kStandard})) ==
        json(R"([{"name": "a", "kind": "categorical", "vocabulary": ["x"], "ids": [0], "unknown": {"id": 1},
                  "embedding": {"rows": [[-0.25], [-0.5]]}}])"));
}

TEST_CASE("preprocessing: missing categories are empty texts, or what replaces them") {
  const std::string most_frequent = R"({"class": "SimpleImputer", "statistics_": ["y"]})";
  CHECK(described(pipeline({most_frequent, one_hot(R"(["x", "y"])", "ignore")}))[0]["vocabulary"] ==
        json(R"(["x", "y", ""])"));
  CHECK(described(pipeline({most_frequent, one_hot(R"(["x", "y"])", "ignore")}))[0]["ids"] == json("[0, 1, 1]"));
  CHECK(described(one_hot(R"(["x", null])", "ignore"))[0]["ids"] == json("[0, 1]"));
  CHECK(described(one_hot(R"(["x", ""])", "ignore"))[0]["ids"] == json("[0, 1]"));
  // Nothing tells a missing whole number from an unknown one, but a text.
  std::vector<std::string> notes;
  const std::string seven = R"({"class": "SimpleImputer", "statistics_": [7.0]})";
  const nlohmann::json texts = made(pipeline({seven, one_hot("[5, 7]", "ignore")}), "", &notes)[0].description;
  CHECK(texts["vocabulary"] == json(R"(["5", "7", "5.0", "7.0", ""])"));
  CHECK(texts["ids"] == json("[0, 1, 0, 1, 1]"));
  REQUIRE(notes.size() == 1);
  CHECK(contains(notes[0], "column \"a\": its whole numbers are looked up as texts"));
}

TEST_CASE("preprocessing: codes as numbers, and as rows of tables") {
  const std::string encoder =
      ordinal(R"(["x", "y"])", R"(, "handle_unknown": "use_encoded_value", "unknown_value": -1)");
  CHECK(described(encoder) == json(R"([{"name": "a", "kind": "categorical", "vocabulary": ["x", "y"], "ids": [0, 1],
                                       "unknown": {"id": 2}, "embedding": {"rows": [[0.0], [1.0], [-1.0]]}}])"));
  CHECK(described(encoder, R"(, "embedding": "t.{column}.weight", "first_id": 1, "side": "item")") ==
        json(R"([{"name": "a", "side": "item", "kind": "categorical", "vocabulary": ["x", "y"], "ids": [1, 2],
                  "unknown": {"id": 0}, "embedding": "t.a.weight"}])"));
  CHECK(described(bins("ordinal"), R"(, "embedding": "t", "first_id": 1)") ==
        json(R"([{"name": "a", "kind": "categorical", "embedding": "t", "first_id": 1,
                  "vocabulary": {"bounds": [1.5, 2.0], "side": "right", "values": "float64"}}])"));
  // The missing category has a code of its own: scikit-learn numbers the others without it.
  const std::string grouped = ordinal(R"(["x", null, "y", "z"])",
                                      R"(, "handle_unknown": "use_encoded_value", "unknown_value": -1,
                                          "encoded_missing_value": -2, "infrequent_categories_": [["y"]])");
  CHECK(described(grouped)[0]["embedding"]["rows"] == json("[[0.0], [-2.0], [2.0], [1.0], [-1.0]]"));
  CHECK(contains(error_of(encoder, R"(, "embedding": "t")"), "a code is -1.0, which with `first_id` 0 is no row"));
  CHECK(contains(error_of(one_hot(R"(["x", "y"])"), R"(, "embedding": "t")"), "is one-hot"));
  CHECK(contains(error_of(pipeline({kStandard}), R"(, "embedding": "t")"), "no encoder gives it ids"));
  CHECK(contains(error_of(encoder, R"(, "first_id": 1)"), "features[0].first_id: only with `embedding`"));
}

TEST_CASE("preprocessing: bins") {
  const nlohmann::json list = described(pipeline({kImputer, bins("onehot")}));
  REQUIRE(list.size() == 1);
  CHECK(list[0]["unknown"] == json(R"({"id": 2})"));  // 3.5, which replaces a missing number, is in the last bin
  CHECK(list[0]["embedding"] == json(R"({"one_hot": 3, "ids": 3})"));
  CHECK(described(bins("ordinal"))[0]["embedding"] == json(R"({"rows": [[0.0], [1.0], [2.0]]})"));
  CHECK(contains(error_of(bins("onehot", "[0, 1]")), "expected 3 or more edges"));
}

TEST_CASE("preprocessing: numbers above a threshold") {
  const std::string above = R"({"class": "Binarizer", "threshold": 2.5})";
  CHECK(described(pipeline({above})) ==
        json(R"([{"name": "a", "kind": "categorical", "embedding": {"rows": [[0.0], [1.0]]},
                  "vocabulary": {"bounds": [2.5], "side": "left", "values": "float64"}}])"));
  CHECK(described(pipeline({kImputer, above}))[0]["unknown"] == json(R"({"id": 1})"));  // 3.5
  const std::string equal = R"({"class": "SimpleImputer", "statistics_": [2.5]})";
  CHECK(described(pipeline({equal, above}))[0]["unknown"] == json(R"({"id": 0})"));
  CHECK(described(pipeline({ordinal("[5, 6, 7, 8]"), above}))[0]["embedding"]["rows"] ==
        json("[[0.0], [0.0], [0.0], [1.0]]"));
  CHECK(contains(error_of(pipeline({kStandard, above})), "\"a\" behind another step than SimpleImputer"));
}

TEST_CASE("preprocessing: averages of the target") {
  const auto target = [](const std::string& categories, const std::string& learned) {
    return R"({"class": "TargetEncoder", "feature_names_in_": ["a"], "categories_": [)" + categories + "], " + learned +
           "}";
  };
  CHECK(described(target(R"(["x", "y"])", R"("target_mean_": 0.5, "encodings_": [[0.25, 0.75]])")) ==
        json(R"([{"name": "a", "kind": "categorical", "vocabulary": ["x", "y"], "ids": [0, 1], "unknown": {"id": 2},
                  "embedding": {"rows": [[0.25], [0.75], [0.5]]}}])"));
  // Of three classes; a missing value is a category of its own.
  const std::string classes = R"("target_mean_": [0.5, 0.3, 0.2], "encodings_": [[1, 2], [3, 4], [5, 6]])";
  const nlohmann::json three = described(target(R"(["x", null])", classes));
  REQUIRE(three.size() == 1);
  CHECK(three[0]["vocabulary"] == json(R"(["x", ""])"));
  CHECK(three[0]["embedding"]["rows"] == json("[[1.0, 3.0, 5.0], [2.0, 4.0, 6.0], [0.5, 0.3, 0.2]]"));
  CHECK(contains(error_of(target(R"(["x", "y"])", R"("target_mean_": 0.5, "encodings_": [[0.25]])")),
                 "encodings_[0]: found a list of 1, expected a number for each category"));
  CHECK(contains(error_of(target(R"(["x"])", R"("target_mean_": [1, 2], "encodings_": [[1]])")), "expected 2 items"));
}

TEST_CASE("preprocessing: functions of NumPy that a description has by another name") {
  const auto function = function_of_numpy;
  CHECK(described(pipeline({function("square")}))[0]["function"] == json(R"({"power": 2})"));
  CHECK(described(pipeline({function("reciprocal")}))[0]["function"] == json(R"({"power": -1})"));
  const nlohmann::json binary = described(pipeline({function("log2")}))[0];
  CHECK(binary["function"] == "log");
  CHECK(binary["scale"]["factor"].get<double>() == doctest::Approx(1 / std::log(2.0)).epsilon(1e-15));
  CHECK(described(pipeline({ordinal("[7, 9]"), function("square")}))[0]["embedding"]["rows"] == json("[[0.0], [1.0]]"));
}

TEST_CASE("preprocessing: columns by name, number and mask, and those that are wanted") {
  const auto columns = [](const std::string& parts) {
    return R"({"class": "ColumnTransformer", "feature_names_in_": ["a", "b", "c"], "transformers_": [)" + parts + "]}";
  };
  const std::string standard = std::string(kStandard);
  const std::string file = columns(R"(["p", "passthrough", [2]], ["d", "drop", ["a"]], ["s", )" + standard +
                                   R"(, [false, true, false]], ["r", "passthrough", [-3]])");
  const nlohmann::json all = described(file);
  REQUIRE(all.size() == 3);
  CHECK(all[0]["name"] == "c");
  CHECK(all[1]["name"] == "b");
  CHECK(all[1].contains("scale"));
  CHECK(all[2]["name"] == "a");
  CHECK(described(file, R"(, "columns": ["a", "c"])").size() == 2);
  const nlohmann::json sides = described(file, R"(, "side": {"user": ["a"], "item": ["b"]})");
  CHECK(!sides[0].contains("side"));
  CHECK(sides[1]["side"] == "item");
  CHECK(sides[2]["side"] == "user");
  CHECK(
      contains(error_of(file, R"(, "columns": ["z"])"), "features[0].columns[0]: found \"z\", expected a raw column"));
  CHECK(contains(error_of(file, R"(, "side": {"user": ["a"], "item": ["a"]})"), "has two sides"));
  CHECK(contains(error_of(columns(R"-(["p", "passthrough", "slice(0, 2, None)"])-")), "slices are not supported"));
  CHECK(contains(error_of(columns(R"(["p", "passthrough", [3]])")), "found 3, expected a number below 3"));
  CHECK(contains(error_of(columns(R"(["p", "passthrough", [true]])")), "a value for each column"));
  CHECK(described(columns(R"(["p", "passthrough", ["a", "a"]])")) ==
        json(R"([{"name": "a", "kind": "dense"}, {"name": "a 2", "column": "a", "kind": "dense"}])"));
}

TEST_CASE("preprocessing: steps that pass, and a scaler that clips") {
  const std::string largest = R"({"class": "MaxAbsScaler", "scale_": [2.0], "clip": true})";
  CHECK(described(pipeline({largest}))[0]["clip"] == json("[-2.0, 2.0]"));
  const std::string named =
      R"({"class": "StandardScaler", "feature_names_in_": ["a"], "with_mean": false, "with_std": true, "scale_": [2.0]})";
  const std::string both =
      R"({"class": "FeatureUnion", "transformer_list": [["p", "passthrough"], ["s", )" + named + "]]}";
  CHECK(described(both).size() == 2);
}

TEST_CASE("preprocessing: powers and quantiles") {
  const auto power = [](const std::string& method, const std::string& standardize) {
    return R"({"class": "PowerTransformer", "method": ")" + method + R"(", "lambdas_": [0.5], "standardize": )" +
           standardize + R"(, "_scaler": )" + kStandard + "}";
  };
  CHECK(described(pipeline({kImputer, power("yeo-johnson", "true")}))[0] ==
        json(R"({"name": "a", "kind": "dense", "missing": 3.5, "function": {"yeo_johnson": 0.5},
                 "scale": {"offset": 2.0, "factor": 0.25}})"));
  CHECK(described(pipeline({power("box-cox", "false")}))[0]["function"] == json(R"({"box_cox": 0.5})"));
  CHECK(contains(error_of(pipeline({kStandard, power("box-cox", "false")})), "is behind an encoder, another function"));
  const auto quantiles = [](const std::string& output, const std::string& rows) {
    return R"({"class": "QuantileTransformer", "output_distribution": ")" + output +
           R"(", "references_": [0, 0.5, 1], "quantiles_": )" + rows + "}";
  };
  CHECK(described(pipeline({quantiles("uniform", "[[1], [2], [2]]")}))[0]["function"] ==
        json(R"({"points": [[1.0, 0.0], [2.0, 0.5], [2.0, 1.0]]})"));
  const nlohmann::json normal = described(pipeline({quantiles("normal", "[[0], [2], [4]]")}))[0]["function"];
  CHECK(normal["normal"] == true);
  REQUIRE(normal["points"].size() == 5);  // the margin is less than a float's step at 4, not at 0
  CHECK(normal["points"][1] == nlohmann::json({static_cast<double>(1e-7f), 0.0}));
  CHECK(normal["points"][2][1].get<double>() == doctest::Approx(0.25e-7));
  CHECK(contains(error_of(pipeline({quantiles("normal", "[[0], [0], [0]]")})), "lie within 2e-7"));
  CHECK(contains(error_of(pipeline({quantiles("uniform", "[[0, 1], [0, 1], [0, 1]]")})), "expected 1 numbers"));
  CHECK(contains(error_of(pipeline({quantiles("uniform", "[[0], [1]]")})), "expected 3 items"));
}

TEST_CASE("preprocessing: what is refused names the transformer") {
  CHECK(contains(error_of(pipeline({R"({"class": "Mine"})"})),
                 "p.json.steps[0][1].class: found \"Mine\", expected one of OneHotEncoder"));
  CHECK(contains(error_of(pipeline({R"({"class": "PolynomialFeatures"})"})),
                 "p.json.steps[0][1].class: PolynomialFeatures is not supported: it multiplies columns: write the "
                 "products as `nodes`"));
  for (const char* name : {"SplineTransformer", "Normalizer", "KNNImputer", "PCA", "LabelEncoder", "FeatureHasher",
                           "TfidfVectorizer", "DictVectorizer"}) {
    CHECK(contains(error_of(pipeline({R"({"class": ")" + std::string(name) + "\"}"})),
                   std::string(name) + " is not supported: it "));
  }
  CHECK(contains(error_of(pipeline({R"({"class": "StandardScaler", "with_mean": true, "with_std": true})"})),
                 "mean_: missing: what the transformer has learned; is it fitted?"));
  CHECK(contains(error_of(pipeline({R"({"class": "FunctionTransformer", "func": "<lambda>"})"})),
                 "found \"<lambda>\", expected NumPy's log1p"));
  // A function of the user's own.
  CHECK(contains(error_of(pipeline({R"({"class": "FunctionTransformer", "func": "log1p"})"})),
                 "saved as \"numpy.log1p\": a function of one's own may have the same name"));
  CHECK(contains(error_of(pipeline({ordinal("[7, 9]"), function_of_numpy("log")})),
                 "numpy.log of column \"a\" gives a number that is not finite"));
  CHECK(contains(error_of(pipeline({kStandard, kLog1p})),
                 "numpy.log1p of column \"a\" behind another function or a scaling"));
  CHECK(contains(error_of(pipeline({kLog1p, min_max("true")})), "clips what a function gives"));
  CHECK(
      contains(error_of(pipeline({kStandard, kImputer})), "behind another step, which is not supported; put it first"));
  CHECK(contains(error_of(pipeline({kStandard, bins("onehot")})), "behind another step than SimpleImputer"));
  CHECK(contains(error_of(pipeline({R"({"class": "SimpleImputer", "missing_values": -1, "statistics_": [1]})"})),
                 "found -1, expected NaN"));
  CHECK(contains(error_of(pipeline({R"({"class": "SimpleImputer", "statistics_": [null]})"})),
                 "which the imputer drops"));
  CHECK(contains(error_of(pipeline({R"({"class": "SimpleImputer", "statistics_": ["x"]})"})), "becomes a text"));
  CHECK(contains(error_of(one_hot("[1.5]")), "found 1.5, expected a text or a whole number"));
  CHECK(contains(error_of(one_hot("[true]")), "found true"));
  CHECK(contains(error_of(one_hot(R"(["x", 1])")), "texts or whole numbers, all of one kind"));
  CHECK(contains(error_of(one_hot(R"(["x"])", "error", R"(, "drop_idx_": [0])")), "no column is left of it"));
  CHECK(contains(error_of(one_hot(R"(["x"])", "error", R"(, "min_frequency": 2)")), "infrequent_categories_: missing"));
  const std::string imputed = R"({"class": "SimpleImputer", "statistics_": ["x"]})";
  CHECK(contains(error_of(pipeline({imputed, one_hot(R"(["x", null])", "ignore")})),
                 "has a missing value, though a SimpleImputer is in front"));
  CHECK(contains(error_of(one_hot(R"(["x", null, null])")), "has None and NaN"));
  const std::string weighted = R"({"class": "FeatureUnion", "transformer_weights": {"s": 2}, "transformer_list": []})";
  CHECK(contains(error_of(pipeline({weighted})), "weights of transformers are not supported"));
  CHECK(contains(error_of(ordinal(R"(["x", null])")), "a missing value becomes NaN; set encoded_missing_value"));
  CHECK(contains(error_of(min_max("false")), "n_features_in_: missing"));
  CHECK(contains(error_of("[1"), "features[0].preprocessing: not valid JSON"));
  CHECK(contains(error_of(pipeline({kStandard}), R"(, "vocabulary": [1])"), "features[0].vocabulary: unknown key"));
  std::string deep = kStandard;
  for (size_t i = 0; i < 20; ++i) deep = pipeline({deep});
  CHECK(contains(error_of(deep), "transformers in transformers, more than 16"));
}

}  // namespace
}  // namespace mmoe::converter
