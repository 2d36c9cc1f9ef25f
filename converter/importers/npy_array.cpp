#include "converter/importers/npy_array.h"

#include <algorithm>

#include "converter/error.h"
#include "converter/importers/float_convert.h"
#include "converter/importers/messages.h"
#include "converter/importers/weight_source.h"
#include "converter/shape_text.h"
#include "runtime/tools/rows/npy_header.h"
#include "runtime/tools/support/error.h"

namespace mmoe::converter {
namespace {

const unsigned char* unsigned_bytes(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

/// The header's text, after the magic, the version and its length.
std::string_view header_text(std::string_view start) {
  constexpr size_t kVersionAt = 6, kLengthAt = 8;
  const char* const cut_off = "the file ends within the array's header";
  if (start.size() < kLengthAt + 2) throw ConvertError(cut_off);
  const int version = static_cast<unsigned char>(start[kVersionAt]);
  if (version < 1 || version > 3) throw ConvertError("version " + std::to_string(version) + " of the .npy format");
  const size_t text_at = kLengthAt + (version == 1 ? 2 : 4);
  if (start.size() < text_at) throw ConvertError(cut_off);
  const unsigned char* length = unsigned_bytes(start) + kLengthAt;
  const uint64_t bytes = version == 1 ? load_little_endian<uint16_t>(length) : load_little_endian<uint32_t>(length);
  if (bytes > kMaxNpyHeaderBytes - text_at) {
    throw ConvertError("the array's header claims " + std::to_string(bytes) + " bytes; at most 65524 are allowed");
  }
  if (bytes > start.size() - text_at) throw ConvertError(cut_off);
  return start.substr(text_at, static_cast<size_t>(bytes));
}

tools::NpyHeader parse_header(std::string_view text) {
  try {
    return tools::parse_npy_header(text);
  } catch (const tools::ToolError& error) {
    throw ConvertError(error.what());
  }
}

/// "<f4": byte order (< little, > big, | none), kind and size.
void read_dtype(const std::string& text, NpyArray& array) {
  const bool ordered = !text.empty() && (text[0] == '<' || text[0] == '>' || text[0] == '|' || text[0] == '=');
  const DTypeInfo* info = ordered ? find_dtype(&DTypeInfo::numpy, std::string_view(text).substr(1)) : nullptr;
  if (info != nullptr) {
    array.dtype = info->dtype;
    array.big_endian = text[0] == '>';
  } else if (text == "|O") {
    array.refusal = "holds Python objects (a pickle), expected numbers: numpy.savez(path, **{name: array})";
  } else {
    array.refusal = "is of dtype " + in_quotes(text) + ", expected f64, f32 or f16";
  }
}

void check_size(const NpyArray& array, uint64_t found_bytes) {
  const auto elements = checked_num_elements(array.view.shape);
  const auto bytes = elements ? checked_product(*elements, dtype_info(array.dtype).bytes) : std::nullopt;
  if (bytes && *bytes == found_bytes) return;
  throw ConvertError("shape " + shape_text(array.view.shape) + " of " + std::string(dtype_info(array.dtype).name) +
                     " needs " + (bytes ? std::to_string(*bytes) : "more than 2^63") + " bytes, but " +
                     std::to_string(found_bytes) + " follow the header");
}

}  // namespace

uint64_t npy_header_bytes(std::string_view start) {
  constexpr size_t kLengthAt = 8, kLongest = 12;
  if (!looks_like_npy(start) || start.size() < kLongest) return kMaxNpyHeaderBytes;
  const unsigned char* length = unsigned_bytes(start) + kLengthAt;
  const uint64_t bytes = start[6] == 1 ? kLengthAt + 2 + uint64_t{load_little_endian<uint16_t>(length)}
                                       : kLengthAt + 4 + uint64_t{load_little_endian<uint32_t>(length)};
  return std::min(bytes, kMaxNpyHeaderBytes);
}

NpyArray parse_npy(std::string_view start, uint64_t file_bytes) {
  if (!looks_like_npy(start)) throw ConvertError("does not begin like a .npy file");
  const std::string_view text = header_text(start);
  const tools::NpyHeader header = parse_header(text);
  NpyArray array;
  read_dtype(header.dtype, array);
  array.data_begin = static_cast<uint64_t>(text.data() + text.size() - start.data());
  if (header.shape.size() > kMaxDims) {
    throw ConvertError(std::to_string(header.shape.size()) + " dimensions; at most 64 are allowed");
  }
  array.view = header.fortran_order ? fortran_view(header.shape) : contiguous_view(header.shape);
  if (array.refusal.empty()) check_size(array, file_bytes - array.data_begin);
  return array;
}

void read_npy(const NpyArray& array, std::string_view bytes, uint64_t first, uint64_t count, float* to) {
  const unsigned char* elements = unsigned_bytes(bytes) + array.data_begin;
  read_view(array.view, {elements, array.dtype, array.big_endian}, first, count, to);
}

}  // namespace mmoe::converter
