// Sequences of ids that are pooled.
#include "tests/unit/converter/importers/weights_test_support.h"
#include "tests/unit/converter/proof/proof_test_support.h"

namespace mmoe::converter::testing {
namespace {

/// ids [batch, 3] of a table [5, 2], beside a number.
struct Pooled {
  GraphBuilder build;
  std::string ids = build.input("ids", {0, 3}, true);
  std::string embedded = build.node("Gather", {build.floats({5, 2}), ids});

  std::string sum(const std::string& of) {
    return build.node("ReduceSum", {of, build.integers({1})}, {{"keepdims", GraphBuilder::integer(0)}});
  }
  std::string mean(const std::string& of) {
    return build.node("ReduceMean", {of}, {{"axes", GraphBuilder::list({1})}, {"keepdims", GraphBuilder::integer(0)}});
  }
  /// 1 where an id is not `padding`.
  std::string mask(int64_t padding = 0) {
    const std::string other = build.node("Not", {build.node("Equal", {ids, build.integers({padding})})});
    return build.node("Cast", {other}, {{"to", GraphBuilder::integer(1)}});
  }
  std::string masked(const std::string& mask) {
    return build.node("Mul", {embedded, build.node("Unsqueeze", {mask, build.integers({2})})});
  }
  std::string count(const std::string& mask) { return build.node("ReduceSum", {mask, build.integers({1})}); }
  void finish(const std::string& pooled) {
    const std::string joined =
        build.node("Concat", {build.input("price", {0, 1}), pooled}, {{"axis", GraphBuilder::integer(1)}});
    build.task(build.expert(joined, 3, 2), 2);
  }
  SequenceFeature feature(const std::string& pooled) {
    finish(pooled);
    const TrainedModel model = build.recognise();
    REQUIRE(model.features.size() == 2);
    REQUIRE(model.input_dim == 3);
    CHECK(model.features[0].name == "ids");
    CHECK(model.features[0].width == 2);
    // The layer read the number first; x has the sequence first.
    CHECK(model.levels.at(0).experts.at(0).layers.at(0).weight.at(0, 2) == 0.25f);
    return std::get<SequenceFeature>(model.features[0].kind);
  }
  std::string error(const std::string& pooled) {
    finish(pooled);
    return build.error();
  }
};

}  // namespace

TEST_CASE("recognise: sums and means over a sequence") {
  Pooled sum;
  const SequenceFeature summed = sum.feature(sum.sum(sum.embedded));
  CHECK(summed.pooling == Pooling::kSum);
  CHECK(summed.length == 3);
  CHECK(summed.vocabulary.size == 5);
  CHECK_FALSE(summed.padding_id);
  Pooled mean;
  CHECK(mean.feature(mean.mean(mean.embedded)).pooling == Pooling::kMean);
}

TEST_CASE("recognise: sequences without their padding") {
  Pooled sum;
  const SequenceFeature summed = sum.feature(sum.sum(sum.masked(sum.mask())));
  CHECK(summed.pooling == Pooling::kSum);
  CHECK(summed.padding_id == 0u);
  Pooled clipped;
  const std::string mask = clipped.mask(4);
  const std::string count = clipped.build.node("Clip", {clipped.count(mask), clipped.build.scalar(1)});
  const SequenceFeature mean = clipped.feature(clipped.build.node("Div", {clipped.sum(clipped.masked(mask)), count}));
  CHECK(mean.pooling == Pooling::kMean);
  CHECK(mean.padding_id == 4u);
  Pooled greater;  // ids > 0, with a little added to their number
  const std::string positive =
      greater.build.node("Cast", {greater.build.node("Greater", {greater.ids, greater.build.integers({0})})},
                         {{"to", GraphBuilder::integer(1)}});
  const std::string number = greater.build.node("Add", {greater.count(positive), greater.build.scalar(1e-9f)});
  CHECK(greater.feature(greater.build.node("Div", {greater.sum(greater.masked(positive)), number})).padding_id == 0u);
}

TEST_CASE("recognise: the largest numbers of a sequence's embeddings") {
  const std::map<std::string, OnnxAttribute> axis = {{"axes", GraphBuilder::list({1})},
                                                     {"keepdims", GraphBuilder::integer(0)}};
  Pooled largest;
  CHECK(largest.feature(largest.build.node("ReduceMax", {largest.embedded}, axis)).pooling == Pooling::kMax);
  CHECK(proof_of(largest.build) == "");
  Pooled masked;  // of numbers of which some are 0: no maximum of embeddings
  CHECK(masked.error(masked.build.node("ReduceMax", {masked.masked(masked.mask())}, axis)) == "");
  CHECK(proof_of(masked.build) == "");
}

TEST_CASE("recognise: one id in two tables, and as a number too") {
  GraphBuilder build;
  const std::string id = build.input("id", {0, 1}, true);
  const auto flat = [&](const std::string& of) { return build.node("Flatten", {of}); };
  const std::string first = flat(build.node("Gather", {build.weights({9, 2}), id}));
  const std::string second = flat(build.node("Gather", {build.weights({6, 3}), id}));
  const std::string number = build.node("Cast", {id}, {{"to", GraphBuilder::integer(1)}});
  build.model_of(build.node("Concat", {first, number, second}, {{"axis", GraphBuilder::integer(1)}}), 6);
  const TrainedModel model = build.recognise();
  REQUIRE(model.features.size() == 3);
  CHECK(model.features[0].name == "id");
  CHECK(model.features[1].name == "id@2");
  CHECK(model.features[1].source == "id");
  CHECK(model.features[1].vocabulary()->size == 6);
  CHECK(model.features[2].name == "id@number");
  CHECK(model.embeddings.size() == 2);
  CHECK(proof_of(build) == "");
}

TEST_CASE("recognise: what looks like a pooled sequence is what it computes, or refused") {
  Pooled mixed;  // the sum leaves out another id than the count
  const std::string count = mixed.build.node("Clip", {mixed.count(mixed.mask(1)), mixed.build.scalar(1)});
  CHECK(mixed.error(mixed.build.node("Div", {mixed.sum(mixed.masked(mixed.mask(0))), count})) == "");
  CHECK(proof_of(mixed.build) == "");
  Pooled whole;  // the padding is left out of the sum, but counted
  CHECK(whole.error(whole.mean(whole.masked(whole.mask()))) == "");
  CHECK(proof_of(whole.build) == "");
  Pooled bare;  // by a number that may be 0, where the graph has no score
  const std::string mask = bare.mask();
  CHECK(bare.error(bare.build.node("Div", {bare.sum(bare.masked(mask)), bare.count(mask)})) == "");
  CHECK(proof_of(bare.build) == "");
  Pooled twice;
  const std::string both = twice.build.node("Concat", {twice.sum(twice.embedded), twice.mean(twice.embedded)},
                                            {{"axis", GraphBuilder::integer(1)}});
  twice.build.task(twice.build.expert(both, 4, 2), 2);
  CHECK(twice.build.recognise().features.size() == 2);
  CHECK(proof_of(twice.build) == "");
  Pooled alone;
  const std::string flat = alone.build.node("Flatten", {alone.embedded});
  alone.build.task(
      alone.build.expert(
          alone.build.node("Concat", {alone.sum(alone.embedded), flat}, {{"axis", GraphBuilder::integer(1)}}), 8, 2),
      2);
  CHECK(alone.build.recognise().features.size() == 2);
  CHECK(proof_of(alone.build) == "");
}

}  // namespace mmoe::converter::testing
