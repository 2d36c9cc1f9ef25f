// What constants and shapes alone decide, and the batch's size among them.
#include <functional>
#include <limits>

#include "converter/recognise/tensor_value.h"
#include "tests/unit/converter/importers/weights_test_support.h"
#include "tests/unit/converter/proof/proof_test_support.h"

namespace mmoe::converter::testing {
namespace {

using B = GraphBuilder;

const std::map<std::string, OnnxAttribute> kAxis1 = {{"axis", B::integer(1)}};

/// A lookup of the ids that `change` makes of the input's.
std::string lookup_error(const std::function<std::string(B&, const std::string&)>& change, bool floats = false) {
  B build;
  std::string ids = build.input("ids", {0, 2}, !floats);
  if (floats) ids = build.node("Cast", {ids}, {{"to", B::integer(6)}});
  const std::string rows = build.node("Gather", {build.weights({9, 2}), change(build, ids)});
  build.model_of(build.node("Flatten", {rows}), 4);
  return proof_of(build);
}

}  // namespace

TEST_CASE("constants: expand(-1, ...) as torch's exporter writes it") {
  B build;
  const std::string x = build.input("x", {0, 4});
  const std::string target = build.integers({-1, 3, -1});
  const std::string ones = build.node("ConstantOfShape", {build.integers({3})});
  build.graph.nodes.back().attributes["value"].tensor = build.graph.initializers.at(build.integers({1}));
  const std::string same = build.node("Equal", {target, build.node("Mul", {ones, build.integers({}, {-1})})});
  const std::string sizes = build.node("Where", {same, ones, target});
  const std::string repeated = build.node("Expand", {build.node("Unsqueeze", {x, build.integers({1})}), sizes});
  build.model_of(build.node("Flatten", {repeated}), 12);
  CHECK(proof_of(build) == "");
}

TEST_CASE("constants: the batch's size is a symbol") {
  const auto with_batch =
      [](const std::function<std::string(B&, const std::string& x, const std::string& batch)>& sizes) {
        B build;
        const std::string x = build.input("x", {0, 4});
        const std::string batch = build.node("Gather", {build.node("Shape", {x}), build.integers({0})});
        build.model_of(build.node("Reshape", {x, sizes(build, x, batch)}), 4);
        return proof_of(build);
      };
  const auto joined = [](B& b, const std::string& batch) {
    return b.node("Concat", {batch, b.integers({4})}, {{"axis", B::integer(0)}});
  };
  CHECK(with_batch([&](B& b, const std::string&, const std::string& batch) { return joined(b, batch); }) == "");
  for (const char* operation : {"Mul", "Div", "Max"}) {
    CHECK(with_batch([&](B& b, const std::string&, const std::string& batch) {
            return joined(b, b.node(operation, {batch, b.integers({1})}));
          }) == "");
  }
  CHECK_CONTAINS(with_batch([&](B& b, const std::string&, const std::string& batch) {
                   return joined(b, b.node("Mul", {batch, b.integers({2})}));
                 }),
                 "gives [batch, 4] a shape that does not fit");
  CHECK_CONTAINS(with_batch([&](B& b, const std::string&, const std::string& batch) {
                   return joined(b, b.node("Where", {b.node("Less", {batch, b.integers({5})}), batch, batch}));
                 }),
                 "depends on the batch's size in another way");
  CHECK_CONTAINS(with_batch([&](B& b, const std::string&, const std::string& batch) {
                   return joined(b, b.node("Range", {b.integers({}, {0}), batch, b.integers({}, {1})}));
                 }),
                 "takes elements by the rows of the batch");
}

TEST_CASE("constants: the least and largest numbers mean to the end, and none of the file is the batch's size") {
  constexpr int64_t kLeast = std::numeric_limits<int64_t>::min(), kLargest = std::numeric_limits<int64_t>::max();
  const auto sliced = [](int64_t start, int64_t end, int64_t step) {
    B build;
    const std::string x = build.input("x", {0, 4});
    build.model_of(build.node("Slice", {x, build.integers({start}), build.integers({end}), build.integers({1}),
                                        build.integers({step})}),
                   4);
    return proof_of(build);
  };
  for (const int64_t end : {kLeast, kLeast + 1, kLeast + 2, int64_t{-5}})
    CHECK(sliced(-1, end, -1) == "");  // x.flip(1)
  for (const int64_t end : {kLargest, kLargest - 1, int64_t{4}}) CHECK(sliced(0, end, 1) == "");
  for (const int64_t symbol : {kBatchSize, kUnknownSize})
    CHECK_CONTAINS(sliced(0, symbol, 1), "keeps for the batch's size");
}

TEST_CASE("constants: a column of ones beside x is a bias") {
  for (const char* how : {"ConstantOfShape", "Expand"}) {
    CAPTURE(how);
    B build;
    const std::string x = build.input("x", {0, 4});
    const std::string batch = build.node("Shape", {x}, {{"end", B::integer(1)}});
    build.graph.opset = 18;
    const std::string sizes = build.node("Concat", {batch, build.integers({1})}, {{"axis", B::integer(0)}});
    const bool expands = std::string(how) == "Expand";
    const std::string ones = expands ? build.node(how, {build.floats({1, 1}, 1), sizes}) : build.node(how, {sizes});
    if (!expands)
      build.graph.nodes.back().attributes["value"].tensor = build.graph.initializers.at(build.floats({1}, 1));
    build.model_of(build.node("Concat", {x, ones}, kAxis1), 5);
    CHECK(proof_of(build) == "");
    CHECK(build.recognise().levels[0].experts[0].layers[0].bias.size() == 3);
  }
}

TEST_CASE("constants: a fixed batch may be written out") {
  B build;
  const std::string x = build.input("x", {3, 4});
  build.model_of(build.node("Concat", {x, build.node("Expand", {build.scalar(0.5f), build.integers({3, 2})})}, kAxis1),
                 6);
  CHECK(proof_of(build) == "");
  B different;
  const std::string y = different.input("x", {3, 4});
  different.model_of(different.node("Concat", {y, different.weights({3, 2})}, kAxis1), 6);
  CHECK_CONTAINS(proof_of(different), "a constant that rows do not repeat");
}

TEST_CASE("constants: arithmetic, comparisons, ranges, choices") {
  // Each gives the positions 3, 1 of x's columns.
  const std::vector<std::function<std::string(B&)>> positions = {
      [](B& b) {
        return b.node("Sub", {b.integers({4, 4}), b.integers({1, 3})});
      },
      [](B& b) {
        return b.node("Div", {b.integers({7, -3}), b.integers({2, -2})});
      },
      [](B& b) {
        return b.node("Mod", {b.integers({7, -3}), b.integers({}, {4})});
      },
      [](B& b) {
        return b.node("Range", {b.integers({}, {3}), b.integers({}, {0}), b.integers({}, {-2})});
      },
      [](B& b) {
        return b.node("Min", {b.integers({3, std::numeric_limits<int64_t>::max()}), b.integers({9, 1})});
      },
      [](B& b) {
        return b.node("Max", {b.integers({3, -2}), b.integers({-1, 1})});
      },
      [](B& b) {
        return b.node("Where", {b.node("Less", {b.integers({0, 5}), b.integers({}, {2})}), b.integers({}, {3}),
                                b.integers({}, {1})});
      },
      [](B& b) {
        return b.node("Where", {b.node("Not", {b.node("Equal", {b.integers({1, 2}), b.integers({}, {2})})}),
                                b.integers({}, {3}), b.integers({}, {1})});
      },
      [](B& b) {
        return b.node("Cast", {b.node("Floor", {b.floats({2}, 3.75f)})}, {{"to", B::integer(7)}});
      },
      [](B& b) {
        return b.node("Squeeze", {b.node("NonZero", {b.integers({0, 1, 0, 2})}), b.integers({0})});
      },
      [](B& b) {
        return b.node("ReduceProd",
                      {
                          b.integers({2, 2}, {3, 1, 1, 1}),
                      },
                      {{"axes", B::list({1})}, {"keepdims", B::integer(0)}});
      },
      [](B& b) {
        return b.node("GatherND", {b.integers({4, 3, 1}), b.integers({2, 1}, {1, 2})});
      },
      [](B& b) {
        return b.node("Tile", {b.integers({1}), b.integers({2})});
      }};
  for (size_t i = 0; i < positions.size(); ++i) {
    CAPTURE(i);
    B build;
    const std::string x = build.input("x", {0, 5});
    build.model_of(build.node("Gather", {x, positions[i](build)}, kAxis1), 2);
    CHECK(proof_of(build) == "");
  }
  B zero;
  zero.model_of(
      zero.node("Gather", {zero.input("x", {0, 4}), zero.node("Div", {zero.integers({1}), zero.integers({0})})},
                kAxis1),
      1);
  CHECK_CONTAINS(zero.error(), "divides by zero");
  B endless;
  endless.model_of(
      endless.node("Gather",
                   {endless.input("x", {0, 4}),
                    endless.node("Range", {endless.integers({}, {0}), endless.integers({}, {int64_t{1} << 60}),
                                           endless.integers({}, {1})})},
                   kAxis1),
      1);
  CHECK_CONTAINS(endless.error(), "numbers per row, the most for a file of its size");
}

TEST_CASE("constants: rows are chosen, tiled and looked up by constants") {
  const auto proved = [](uint64_t width, const std::function<std::string(B&, const std::string&)>& change) {
    B build;
    build.model_of(change(build, build.input("x", {0, 4})), width);
    return proof_of(build);
  };
  CHECK(proved(4, [](B& b, const std::string& x) {
          return b.node("Where",
                        {b.integers({4}, {1, 0, 0, 1}), x, b.node("Gather", {x, b.integers({1, 2, 3, 0})}, kAxis1)});
        }) == "");
  CHECK(proved(4, [](B& b, const std::string& x) {
          return b.node("Where", {b.integers({4}, {1, 0, 1, 1}), x, b.scalar(0.5f)});
        }) == "");
  CHECK(proved(8, [](B& b, const std::string& x) { return b.node("Tile", {x, b.integers({1, 2})}); }) == "");
  CHECK_CONTAINS(proved(4,
                        [](B& b, const std::string& x) {
                          return b.node("Tile", {x, b.integers({2, 1})});
                        }),
                 "works along the batch");
  CHECK(proved(2, [](B& b, const std::string& x) {
          const std::string columns = b.node("Transpose", {x});
          return b.node("Transpose", {b.node("GatherND", {columns, b.integers({2, 1}, {3, -4})})});
        }) == "");
  CHECK_CONTAINS(proved(1,
                        [](B& b, const std::string& x) {
                          return b.node("Gather", {x, b.integers({4})}, kAxis1);
                        }),
                 "takes element 4 of an axis of 4");
}

TEST_CASE("constants: Keras's ids < 0 ? ids + n : ids") {
  const auto as_where = [](B& b, const std::string& ids) {
    const std::string negative = b.node("Less", {ids, b.integers({}, {0})});
    return b.node("Where", {negative, b.node("Add", {ids, b.integers({}, {9})}), ids});
  };
  const auto as_product = [](B& b, const std::string& ids) {
    const std::string negative = b.node("Cast", {b.node("Less", {ids, b.integers({}, {0})})}, {{"to", B::integer(6)}});
    return b.node("Add", {ids, b.node("Mul", {negative, b.integers({}, {9})})});
  };
  const auto as_tf2onnx = [](B& b, const std::string& ids) {  // WHERE of opset 15 by two products, compared as floats
    const std::string shifted = b.node("Add", {ids, b.integers({}, {9})});
    const std::string negative = b.node("Less", {b.node("Cast", {ids}, {{"to", B::integer(1)}}), b.scalar(0)});
    const std::string positive = b.node("Cast", {b.node("Not", {negative})}, {{"to", B::integer(6)}});
    const std::string as_number = b.node("Cast", {negative}, {{"to", B::integer(6)}});
    return b.node("Add", {b.node("Mul", {as_number, shifted}), b.node("Mul", {ids, positive})});
  };
  const auto mirrored = [](B& b, const std::string& ids) {
    const std::string fine = b.node("GreaterOrEqual", {ids, b.integers({}, {0})});
    return b.node("Where", {fine, ids, b.node("Add", {ids, b.integers({}, {9})})});
  };
  CHECK(lookup_error(as_where) == "");
  CHECK(lookup_error(as_product) == "");
  CHECK(lookup_error(as_tf2onnx) == "");
  CHECK(lookup_error(mirrored) == "");
  CHECK(lookup_error(as_where, true) == "");
  // A choice that ids do decide.
  CHECK_CONTAINS(lookup_error([](B& b, const std::string& ids) {
                   return b.node("Where", {b.node("Less", {ids, b.integers({}, {3})}), ids, ids});
                 }),
                 "not recognised");
  // Whole numbers that nothing is looked up with may be below 0.
  B number;
  const std::string count = number.input("count", {0, 4}, true);
  const std::string as_float = number.node("Cast", {count}, {{"to", B::integer(1)}});
  const std::string negative = number.node("Less", {as_float, number.scalar(0)});
  number.model_of(number.node("Where", {negative, number.weights({1, 4}), as_float}), 4);
  CHECK_CONTAINS(number.error(),
                 "input 'count' is compared with 0, as ids are, but no row of a table is looked up with it");
}

TEST_CASE("constants: a graph of few bytes makes few numbers") {
  B build;
  std::string x = build.input("x", {0, 8});
  for (int i = 0; i < 60; ++i) x = build.node("Add", {x, x});
  build.model_of(x, 8);
  CHECK(build.error() == "");  // 2^60 x
  B outer;                     // of a row and a column of constants
  const std::string column = outer.node("Unsqueeze", {outer.input("x", {0, 4000}), outer.integers({2})});
  outer.model_of(outer.node("Mul", {column, outer.floats({1, 4000})}), 4000);
  CHECK_CONTAINS(outer.error(), "numbers per row, the most for a file of its size");
}

TEST_CASE("recognise: one-hot vectors of constants, as a shape's repeats") {
  GraphBuilder build;
  const std::string x = build.input("x", {0, 2});
  // [1, 3] repeats: ones, and 3 at place 1.
  const std::string places =
      build.node("OneHot", {build.integers({}, {1}), build.integers({}, {2}), build.integers({1, 3})});
  build.model_of(build.node("Tile", {x, places}), 6);
  CHECK(build.error() == "");
  CHECK(proof_of(build) == "");
  GraphBuilder other;
  const std::string first = other.node("OneHot", {other.integers({1}), other.integers({}, {2}), other.integers({1, 3})},
                                       {{"axis", GraphBuilder::integer(0)}});
  other.model_of(other.node("Tile", {other.input("x", {0, 2}), other.node("Reshape", {first, other.integers({2})})}),
                 6);
  CHECK(other.error().find("another axis than the last") != std::string::npos);
}

TEST_CASE("recognise: softplus and erf of constants") {
  GraphBuilder build;
  const std::string x = build.input("x", {0, 3});
  const std::string scale =
      build.node("Add", {build.node("Softplus", {build.weights({3})}), build.node("Erf", {build.weights({3})})});
  build.model_of(build.node("Mul", {x, scale}), 3);
  CHECK(build.error() == "");
  CHECK(proof_of(build) == "");
}

}  // namespace mmoe::converter::testing
