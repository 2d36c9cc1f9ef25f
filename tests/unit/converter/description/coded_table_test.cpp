#include "converter/description/coded_table.h"

#include <doctest/doctest.h>

#include <cstring>
#include <limits>
#include <list>

#include "converter/quantise/tables.h"
#include "kernels/stored.h"
#include "tests/unit/converter/description/memory_weights.h"

namespace mmoe::converter {
namespace {

using test::bind_error;
using test::contains;
using test::MemoryWeights;

using Bytes = std::vector<uint8_t>;

template <class Number>
void append(Bytes& bytes, Number number) {
  const auto* begin = reinterpret_cast<const uint8_t*>(&number);
  bytes.insert(bytes.end(), begin, begin + sizeof number);
}

// Two rows of three codes with scale and bias of f32, as FBGEMM has them.
Bytes fbgemm_rows(float scale = 0.25F) {
  Bytes bytes;
  for (const uint8_t row : {uint8_t{0}, uint8_t{1}}) {
    for (const int code : {0, 200 + row, 255}) bytes.push_back(static_cast<uint8_t>(code));
    append(bytes, scale * static_cast<float>(1 + row));
    append(bytes, -1.5F);
  }
  return bytes;
}

// The same with f16 in front of the codes, and padding behind them, as TorchRec has them. 0x3400: 0.25; 0xbe00: -1.5
Bytes torchrec_rows(size_t padding) {
  Bytes bytes;
  for (const uint16_t scale : {uint16_t{0x3400}, uint16_t{0x3800}}) {
    append(bytes, scale);
    append(bytes, uint16_t{0xbe00});
    for (const int code : {0, scale == 0x3400 ? 200 : 201, 255}) bytes.push_back(static_cast<uint8_t>(code));
    bytes.resize(bytes.size() + padding, 99);
  }
  return bytes;
}

MemoryWeights weights(const Bytes& rows, uint64_t width = 3, const std::string& type = "u8") {
  MemoryWeights result;
  result.linear("e", 2, width).linear("t", 1, 2);
  return result.add("c.weight", {2, rows.size() / 2}, {rows.begin(), rows.end()}).type(type);
}

std::string description(const std::string& keys, const std::string& more = "") {
  return R"({"mmoe_description": 1, "features": [{"name": "c", "kind": "categorical", "embedding": "c.weight",
    "vocabulary": {"identity": 2})" +
         keys + "}" + more + R"(],
    "levels": [{"experts": {"layers": "e", "activation": "relu"}, "gates": {"constant": [1]}}],
    "towers": {"layers": "t"}, "tasks": [{"name": "x", "link": "identity"}]})";
}

// The table reads its weights as long as it is used.
TrainedModel bound(const std::string& description, const MemoryWeights& weights) {
  static std::list<MemoryWeights> kept;
  kept.push_back(weights);
  return bind_description_text(description, kept.back(), "m");
}

Table table_of(const MemoryWeights& weights, const std::string& keys) {
  const TrainedModel model = bound(description(keys), weights);
  REQUIRE(model.embeddings.size() == 1);
  CHECK(model.embeddings[0].type == model.embeddings[0].table.stored_as());
  return model.embeddings[0].table;
}

Bytes stored(const Table& table, kernels::TableType type) {
  Bytes bytes(table.rows * kernels::table_row_bytes(type, table.cols));
  read_encoded(table, type, 0, table.rows, bytes.data(), "c");
  return bytes;
}

std::string read_error(const MemoryWeights& weights, const std::string& keys) {
  try {
    table_of(weights, keys).row(1);
  } catch (const ConvertError& error) {
    return error.what();
  }
  return "";
}

const std::string kFbgemm = R"(, "quantised": "fbgemm_u8")";

TEST_CASE("rows of FBGEMM are stored as they are, and are the numbers that the runtime reads") {
  const Table table = table_of(weights(fbgemm_rows()), kFbgemm);
  CHECK(table.cols == 3);
  CHECK(stored(table, kernels::TableType::kU8) == fbgemm_rows());
  CHECK(table.row(0) == std::vector<float>{-1.5F, 48.5F, 62.25F});
  CHECK(table.row(1) == std::vector<float>{-1.5F, 201 * 0.5F - 1.5F, 126});
  // In another type they are rounded like any numbers.
  CHECK(stored(table, kernels::TableType::kF32).size() == 24);
}

TEST_CASE("rows of TorchRec: scale and bias go behind the codes as f32, padding is left out") {
  for (const size_t padding : {size_t{0}, size_t{9}}) {
    const Table table =
        table_of(weights(torchrec_rows(padding)), R"(, "quantised": "torchrec_u8", "embedding_width": 3)");
    CHECK(stored(table, kernels::TableType::kU8) == fbgemm_rows());
  }
}

TEST_CASE("scales and biases in tensors of their own are found by their names") {
  const auto with = [](const std::string& type, std::vector<uint64_t> shape) {
    MemoryWeights split = weights({0, 200, 255, 0, 201, 255});
    split.add("c.weight_qscale", shape, {0.25F, 0.5F}).type(type);
    return split.add("c.weight_qbias", {2, 1}, {-1.5F, -1.5F}).type(type);
  };
  CHECK(stored(table_of(with("f16", {2, 1}), ""), kernels::TableType::kU8) == fbgemm_rows());
  CHECK(stored(table_of(with("f32", {2}), ""), kernels::TableType::kU8) == fbgemm_rows());
  CHECK(contains(bind_error(description(""), with("f16", {1, 2})),
                 "c.weight_qscale: [1, 2], expected [2, 1], one per row of c.weight"));
  CHECK(contains(bind_error(description(""), with("i32", {2, 1})), "c.weight_qscale: is of type i32, expected f16"));
  // One of the two alone says nothing.
  CHECK(contains(bind_error(description(""), with("f16", {2, 1}).remove("c.weight_qbias")), "c.weight: is of type u8"));
}

TEST_CASE("u4: two codes in a byte, f16 as they are, also subnormal ones") {
  for (const uint16_t scale : {uint16_t{0x3400}, uint16_t{0x0001}, uint16_t{0x03ff}, uint16_t{0x0400}, uint16_t{0}}) {
    Bytes rows, split;
    for (const uint8_t codes : {uint8_t{0xf1}, uint8_t{0x20}}) {
      for (Bytes* bytes : {&rows, &split}) bytes->insert(bytes->end(), {codes, 0x0a});
      append(rows, scale);
      append(rows, uint16_t{0x8001});  // -2^-24
    }
    for (const uint64_t width : {3, 4}) {
      const std::string keys = R"(, "quantised": "fbgemm_u4", "embedding_width": )" + std::to_string(width);
      const Table table = table_of(weights(rows, width), keys);
      CHECK(stored(table, kernels::TableType::kU4) == rows);
      const float step = kernels::widen(kernels::F16{}, scale);
      CHECK(table.row(0)[1] == 15 * step - 0x1p-24F);
    }
    MemoryWeights in_tensors = weights(split, 4);
    const float step = kernels::widen(kernels::F16{}, scale);
    in_tensors.add("c.weight_qscale", {2, 1}, {step, step}).type("f16");
    in_tensors.add("c.weight_qbias", {2, 1}, {-0x1p-24F, -0x1p-24F}).type("f16");
    CHECK(stored(table_of(in_tensors, R"(, "quantised": "torchrec_u4")"), kernels::TableType::kU4) == rows);
  }
}

TEST_CASE("halves in bytes, with padding") {
  Bytes rows, halves;
  for (int i = 0; i < 2; ++i) {
    for (const uint16_t half : {uint16_t{0x3c00}, uint16_t{0xc000}, uint16_t{1}}) {
      append(rows, half);
      append(halves, half);
    }
    rows.resize(rows.size() + 10, 255);
  }
  const std::string keys = R"(, "quantised": "torchrec_f16", "embedding_width": 3)";
  const Table table = table_of(weights(rows), keys);
  CHECK(stored(table, kernels::TableType::kF16) == halves);
  CHECK(table.row(1) == std::vector<float>{1, -2, 0x1p-24F});
  rows[17] = 0x7c;  // infinity
  CHECK(contains(read_error(weights(rows), keys), "c.weight: row 1: element 0 is not a finite number"));
}

TEST_CASE("bytes without a word about them are no numbers") {
  CHECK(contains(bind_error(description(""), weights(fbgemm_rows())),
                 "c.weight: is of type u8, expected f64, f32, f16 or bf16; of a table of codes, `quantised` says"));
  for (const char* type : {"u8", "i8", "i32", "i64"}) {
    MemoryWeights layer = weights(fbgemm_rows());
    layer.remove("e.weight").add("e.weight", {2, 3}).type(type);
    CHECK(contains(bind_error(description(kFbgemm), layer), std::string("e.weight: is of type ") + type));
  }
  CHECK(contains(bind_error(description(kFbgemm), weights(fbgemm_rows(), 3, "f32")),
                 "c.weight: is of type f32, expected bytes, u8, as `quantised` says"));
  CHECK(contains(bind_error(description(R"(, "quantised": "u8")"), weights(fbgemm_rows())), "quantised"));
}

TEST_CASE("widths that do not fit are refused with both sizes") {
  const auto error = [](const std::string& keys, const Bytes& rows = fbgemm_rows()) {
    return bind_error(description(keys), weights(rows));
  };
  CHECK(contains(error(kFbgemm + R"(, "embedding_width": 4)"),
                 "c.weight: [2, 11] of bytes, but a row of 4 codes with its scale and bias has 12"));
  CHECK(contains(error(kFbgemm, Bytes(16)), "expected more than the 8 of a row's scale and bias"));
  CHECK(contains(error(R"(, "quantised": "torchrec_u8")"), "say \"embedding_width\", the columns of the table"));
  CHECK(contains(error(R"(, "quantised": "torchrec_u8", "embedding_width": 8)"),
                 "but a row of 8 columns has 12 and at most 127 of padding"));
  CHECK(contains(error(R"(, "quantised": "torchrec_u8", "embedding_width": 1)", Bytes(2 * 133)), "has 5 and at most"));
  CHECK(contains(error(R"(, "embedding_width": 0)"), "embedding_width"));
  // A table of floats has the columns that it has.
  MemoryWeights floats = weights(Bytes(6), 3, "f32");
  CHECK(bind_error(description(R"(, "embedding_width": 3)"), floats) == "");
  CHECK(contains(bind_error(description(R"(, "embedding_width": 4)"), floats), "expected 3, the columns of c.weight"));
  // The layers say how wide x is: codes taken for other ones do not fit.
  CHECK(contains(bind_error(description(R"(, "quantised": "fbgemm_u4")"), weights(fbgemm_rows())), "e.weight"));
}

TEST_CASE("scales that no quantiser writes are refused when rows are read") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(contains(read_error(weights(fbgemm_rows(nan)), kFbgemm), "c.weight: row 1: its scale is nan"));
  CHECK(contains(read_error(weights(fbgemm_rows(1e37F)), kFbgemm), "expected finite numbers"));
  CHECK(contains(read_error(weights(fbgemm_rows(-0.5F)), kFbgemm),
                 "row 1: its scale is -1.000000, expected one that is not negative; are its rows of the form"));
  CHECK(read_error(weights(fbgemm_rows(0)), kFbgemm) == "");
}

TEST_CASE("features may share a table of codes, but not read it in two forms") {
  const auto second = [](const std::string& keys) {
    return R"(, {"name": "d", "kind": "categorical", "embedding": "c.weight", "vocabulary": {"identity": 2})" + keys +
           "}";
  };
  const MemoryWeights both = weights(fbgemm_rows(), 6);
  CHECK(bind_description_text(description(kFbgemm, second(kFbgemm)), both, "m").embeddings.size() == 1);
  CHECK(contains(bind_error(description(kFbgemm, second(R"(, "quantised": "fbgemm_u4")")), both),
                 "reads c.weight in another form or width than a feature before it"));
}

TEST_CASE("a part of a table of codes has its rows") {
  const TrainedModel model =
      bound(test::replaced(description(kFbgemm + R"(, "first_row": 1)"), "\"identity\": 2", "\"identity\": 1"),
            weights(fbgemm_rows()));
  const Bytes all = fbgemm_rows();
  CHECK(stored(model.embeddings[0].table, kernels::TableType::kU8) == Bytes(all.begin() + 11, all.end()));
}

}  // namespace
}  // namespace mmoe::converter
