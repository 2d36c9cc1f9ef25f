#include "converter/description/coded_table.h"

#include <cmath>
#include <cstring>
#include <utility>

#include "converter/error.h"
#include "converter/importers/float_convert.h"
#include "converter/shape_text.h"
#include "kernels/stored.h"

namespace mmoe::converter {
namespace {

using kernels::TableType;

constexpr size_t kMostPadding = 127;  // FBGEMM aligns rows to 1, 16 or at most 128 bytes

/// The bytes that codes of a row take.
size_t code_bytes(TableType type, size_t width) {
  return type == TableType::kF16 ? 2 * width : type == TableType::kU8 ? width : (width + 1) / 2;
}

size_t header_bytes(TableType type, bool half) { return type == TableType::kF16 ? 0 : half ? 4 : 8; }

[[noreturn]] void fail(const TensorInfo& info, const std::string& what) {
  throw ConvertError(info.name + ": " + shape_text(info.shape) + " of bytes, " + what);
}

TableType type_of(RowForm form) {
  switch (form) {
    case RowForm::kFbgemmU8:
    case RowForm::kTorchrecU8: return TableType::kU8;
    case RowForm::kFbgemmU4:
    case RowForm::kTorchrecU4: return TableType::kU4;
    case RowForm::kTorchrecF16: break;
  }
  return TableType::kF16;
}

/// TorchRec's `quant_state_dict_split_scale_bias`: weight, weight_qscale, weight_qbias.
bool find_split(TensorIndex& tensors, CodedLayout& layout) {
  const std::string& name = tensors.info(layout.tensor).name;
  layout.scale = tensors.find(name + "_qscale");
  layout.bias = tensors.find(name + "_qbias");
  return layout.scale && layout.bias;
}

void check_split(TensorIndex& tensors, const CodedLayout& layout) {
  for (const size_t tensor : {*layout.scale, *layout.bias}) {
    const TensorInfo& info = tensors.info(tensor);
    const uint64_t rows = tensors.info(layout.tensor).shape[0];
    if (info.shape != std::vector<uint64_t>{rows, 1} && info.shape != std::vector<uint64_t>{rows}) {
      throw ConvertError(info.name + ": " + shape_text(info.shape) + ", expected " + shape_text({rows, 1}) +
                         ", one per row of " + tensors.info(layout.tensor).name);
    }
    const bool fits = info.dtype == "f16" || (info.dtype == "f32" && layout.type == TableType::kU8);
    if (!fits) throw ConvertError(info.name + ": is of type " + info.dtype + ", expected f16");
  }
}

/// Without a width that is given, the widest table that fits; TorchRec's padding leaves that open.
size_t widest(TableType type, size_t bytes) { return type == TableType::kU4 ? 2 * bytes : bytes; }

void take_fbgemm(const TensorInfo& info, std::optional<size_t> width, CodedLayout& layout) {
  layout.half_header = layout.type == TableType::kU4;
  const size_t header = header_bytes(layout.type, layout.half_header);
  if (layout.row_bytes <= header) {
    fail(info, "expected more than the " + std::to_string(header) + " of a row's scale and bias");
  }
  layout.header_at = layout.row_bytes - header;
  layout.width = width.value_or(widest(layout.type, layout.header_at));
  if (code_bytes(layout.type, layout.width) != layout.header_at) {
    fail(info, "but a row of " + std::to_string(layout.width) + " codes with its scale and bias has " +
                   std::to_string(code_bytes(layout.type, layout.width) + header));
  }
}

void take_torchrec(const TensorInfo& info, std::optional<size_t> width, CodedLayout& layout) {
  layout.half_header = true;
  layout.codes_at = layout.scale ? 0 : header_bytes(layout.type, true);
  if (!width && !layout.scale) {
    fail(info, "of which rows may be padding: say \"embedding_width\", the columns of the table");
  }
  layout.width = width.value_or(widest(layout.type, layout.row_bytes));
  const size_t needed = layout.codes_at + code_bytes(layout.type, layout.width);
  const size_t padding = layout.scale ? 0 : kMostPadding;
  if (needed > layout.row_bytes || layout.row_bytes - needed > padding) {
    fail(info, "but a row of " + std::to_string(layout.width) + " columns has " + std::to_string(needed) +
                   (padding == 0 ? "" : " and at most " + std::to_string(padding) + " of padding"));
  }
}

/// The bytes of a row of kernels::table_row_bytes() from those of the tensor.
class RowConverter {
 public:
  RowConverter(const CodedLayout& layout, const std::string& name) : layout_(layout), name_(name) {}

  /// `scale`, `bias`: of tensors of their own, or null.
  void convert(const uint8_t* row, size_t index, const float* scale, const float* bias, uint8_t* to) const {
    const size_t bytes = code_bytes(layout_.type, layout_.width);
    std::memcpy(to, row + layout_.codes_at, bytes);
    if (layout_.type == TableType::kF16) return check_halves(to, index);
    const uint8_t* header = row + layout_.header_at;
    const float its[] = {scale != nullptr ? *scale : number(header, 0), bias != nullptr ? *bias : number(header, 1)};
    check(its[0], its[1], index);
    if (layout_.type == TableType::kU8) {
      std::memcpy(to + bytes, its, sizeof its);
    } else {
      const uint16_t halves[] = {half(its[0]), half(its[1])};
      std::memcpy(to + bytes, halves, sizeof halves);
    }
  }

 private:
  [[noreturn]] void fail(size_t row, const std::string& what) const {
    throw ConvertError(name_ + ": row " + std::to_string(row) + ": " + what +
                       "; are its rows of the form that `quantised` says?");
  }

  float number(const uint8_t* header, size_t which) const {
    if (layout_.half_header) return f16_to_f32(load_little_endian<uint16_t>(header + 2 * which));
    return same_bits<float>(load_little_endian<uint32_t>(header + 4 * which));
  }

  /// Of a finite number that came from an f16.
  static uint16_t half(float value) {
    const uint32_t bits = same_bits<uint32_t>(value), sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7fffffffu;
    const bool subnormal = magnitude < 0x38800000u;
    const uint32_t rest =
        subnormal ? static_cast<uint32_t>(std::fabs(value) * 0x1p24f) : (magnitude - 0x38000000u) >> 13;
    return static_cast<uint16_t>(sign | rest);
  }

  void check(float scale, float bias, size_t row) const {
    const float codes = layout_.type == TableType::kU8 ? 255 : 15;
    if (!std::isfinite(bias) || !std::isfinite(codes * scale) || !std::isfinite(codes * scale + bias)) {
      fail(row, "its scale is " + std::to_string(scale) + " and its bias " + std::to_string(bias) +
                    ", expected finite numbers");
    }
    if (scale < 0) fail(row, "its scale is " + std::to_string(scale) + ", expected one that is not negative");
  }

  void check_halves(const uint8_t* halves, size_t row) const {
    for (size_t i = 0; i < layout_.width; ++i) {
      if (!std::isfinite(f16_to_f32(load_little_endian<uint16_t>(halves + 2 * i)))) {
        fail(row, "element " + std::to_string(i) + " is not a finite number");
      }
    }
  }

  CodedLayout layout_;
  std::string name_;
};

class CodedRows : public TableRows {
 public:
  CodedRows(std::shared_ptr<const WeightSource> source, const CodedLayout& layout, size_t first)
      : source_(std::move(source)), layout_(layout), first_(first) {}

  std::optional<TableType> stored_as() const override { return layout_.type; }

  void read_stored(size_t first, size_t count, uint8_t* to) const override {
    const size_t begin = first_ + first, row_bytes = layout_.row_bytes;
    std::vector<float> bytes(count * row_bytes);
    source_->read(layout_.tensor, uint64_t{begin} * row_bytes, bytes.size(), bytes.data());
    const std::vector<uint8_t> rows(bytes.begin(), bytes.end());
    const std::vector<float> scales = column(layout_.scale, begin, count), biases = column(layout_.bias, begin, count);
    const RowConverter converter(layout_, source_->tensors()[layout_.tensor].name);
    const size_t stored_bytes = kernels::table_row_bytes(layout_.type, layout_.width);
    for (size_t i = 0; i < count; ++i) {
      converter.convert(rows.data() + i * row_bytes, begin + i, scales.empty() ? nullptr : &scales[i],
                        biases.empty() ? nullptr : &biases[i], to + i * stored_bytes);
    }
  }

  void read(size_t first, size_t count, float* to) const override {
    std::vector<uint8_t> rows(count * kernels::table_row_bytes(layout_.type, layout_.width));
    read_stored(first, count, rows.data());
    for (size_t i = 0; i < count * layout_.width; ++i) {
      const size_t row = i / layout_.width;
      to[i] = kernels::table_element(layout_.type, rows.data(), layout_.width, row, i % layout_.width);
    }
  }

 private:
  std::vector<float> column(std::optional<size_t> tensor, size_t first, size_t count) const {
    if (!tensor) return {};
    std::vector<float> values(count);
    source_->read(*tensor, first, count, values.data());
    return values;
  }

  std::shared_ptr<const WeightSource> source_;
  CodedLayout layout_;
  size_t first_;
};

}  // namespace

const std::vector<std::string>& row_form_names() {
  static const std::vector<std::string> names = {"fbgemm_u8", "fbgemm_u4", "torchrec_u8", "torchrec_u4",
                                                 "torchrec_f16"};
  return names;
}

bool holds_codes(const TensorInfo& info) { return info.dtype == "u8"; }

CodedLayout coded_layout(TensorIndex& tensors, size_t tensor, std::optional<RowForm> form,
                         std::optional<size_t> width) {
  const TensorInfo& info = tensors.info(tensor);
  if (!holds_codes(info)) {
    throw ConvertError(info.name + ": is of type " + info.dtype + ", expected bytes, u8, as `quantised` says");
  }
  CodedLayout layout;
  layout.tensor = tensor;
  layout.row_bytes = static_cast<size_t>(info.shape[1]);
  const bool fbgemm = form == RowForm::kFbgemmU8 || form == RowForm::kFbgemmU4;
  const bool split = !fbgemm && form != RowForm::kTorchrecF16 && find_split(tensors, layout);
  if (!split) layout.scale = layout.bias = std::nullopt;
  if (!form && !split) {
    throw ConvertError(
        info.name +
        ": is of type u8, expected f64, f32, f16 or bf16; of a table of codes, `quantised` says their form");
  }
  layout.type = type_of(form.value_or(RowForm::kTorchrecU8));
  if (split) check_split(tensors, layout);
  fbgemm ? take_fbgemm(info, width, layout) : take_torchrec(info, width, layout);
  return layout;
}

Table coded_table(TensorIndex& tensors, const CodedLayout& layout, size_t first, size_t count) {
  if (layout.scale) {
    tensors.use(*layout.scale);
    tensors.use(*layout.bias);
  }
  return Table::of(count, layout.width, std::make_shared<CodedRows>(tensors.use(layout.tensor), layout, first));
}

}  // namespace mmoe::converter
