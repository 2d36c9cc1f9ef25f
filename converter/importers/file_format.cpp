#include "converter/importers/file_format.h"

#include <algorithm>
#include <cctype>

#include "converter/importers/keras_source.h"
#include "converter/importers/messages.h"
#include "converter/importers/npy_array.h"
#include "converter/importers/onnx_graph.h"
#include "converter/importers/pickled_arrays.h"
#include "converter/importers/protobuf_fields.h"
#include "converter/importers/safetensors.h"
#include "converter/importers/zip_archive.h"

namespace mmoe::converter {
namespace {

using namespace std::string_view_literals;

// It is a pickle of a number of torch's, followed by more pickles.
constexpr std::string_view kOldTorch = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"sv;

constexpr const char* kFromTensorFlow =
    "the converter does not read TensorFlow's own formats. In Python: a Keras model saves its weights with "
    "model.save_weights(\"weights.weights.h5\"); of any checkpoint, reader = tf.train.load_checkpoint(path) and "
    "numpy.savez(\"weights.npz\", **{name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}); "
    "or "
    "export the model to ONNX with tf2onnx";

struct OtherFormat {
  size_t offset;
  std::string_view magic;
  const char* what;
};

// Files that users have been known to pass, by what they begin with. The first match wins.
constexpr OtherFormat kOtherFormats[] = {
    {0, kOldTorch,
     "a PyTorch file of the old format, from torch before 1.6 or _use_new_zipfile_serialization=False; load it and "
     "torch.save it again with a newer torch"},
    {0, "PK\x05\x06"sv, "an empty zip archive"},
    {0, "\x1f\x8b"sv, "gzip-compressed; unpack it first"},
    {0, "BZh"sv, "bzip2-compressed; unpack it first"},
    {0,
     "\xfd"
     "7zXZ\0"sv,
     "xz-compressed; unpack it first"},
    {0, "\x28\xb5\x2f\xfd"sv, "zstd-compressed; unpack it first"},
    {0, "7z\xbc\xaf\x27\x1c"sv, "a 7-Zip archive; unpack it first"},
    {0, "GGUF"sv, "a GGUF file, of a language model: none of the models that the converter knows"},
    {4, "TFL3"sv,
     "a TensorFlow Lite model, whose weights have been rewritten for its own runtime; take the model that it was made "
     "of"},
    {8, "MMOE"sv, "a model that mmoe-convert has written; its weights are already converted"},
    {257, "ustar"sv, "a tar archive (torch before 0.1.10 wrote these); unpack it, or save again with a newer torch"},
    {0, "version https://git-lfs"sv, "a Git LFS pointer, not the file itself; run git lfs pull"},
};

/// An ONNX model is a protobuf with a version (field 1) and a graph (field 7). What is cut off or damaged has to begin
/// as exporters begin it.
bool is_onnx(std::string_view bytes, const ProtobufFields& fields) {
  if (fields.whole) return fields.has_number(1) && (fields.has_message(7) || looks_like_onnx(bytes));
  return looks_like_onnx(bytes) && bytes.substr(4, 4) != "TFL3";
}

/// saved_model.pb: version 1 (field 1) and messages with the graphs (field 2). ONNX has a text there, and version 3 at
/// least.
bool is_saved_model(const ProtobufFields& fields) {
  return fields.whole && fields.first_number == 1 && fields.has_message(2) && !fields.has_message(7) &&
         read_protobuf_fields(fields.first_second).whole;
}

/// A table of LevelDB ends with this number; TensorFlow writes a checkpoint's index as one.
bool is_checkpoint_index(std::string_view bytes) {
  constexpr std::string_view kEnd = "\x57\xfb\x80\x8b\x24\x75\x47\xdb"sv;
  return bytes.size() > 48 && bytes.substr(bytes.size() - kEnd.size()) == kEnd;
}

/// "model.ckpt.data-00000-of-00001": weights without any word of what they are.
bool is_checkpoint_data(std::string_view name) {
  const size_t at = name.rfind(".data-");
  if (at == std::string_view::npos) return false;
  const std::string_view numbers = name.substr(at + 6);
  const size_t of = numbers.find("-of-");
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return of == 5 && numbers.size() == 14 && std::count_if(numbers.begin(), numbers.end(), digit) == 10;
}

std::string describe_json(std::string_view bytes) {
  constexpr size_t kLooked = 1 << 16;
  if (bytes.substr(0, kLooked).find("\"weight_map\"") != std::string_view::npos) {
    return "the index of weights that are cut into several files; save them as one";
  }
  return "JSON; the first argument is the file of the weights, the second one the description";
}

/// Protocols 0 and 1 begin with the first value, without a number for the protocol.
bool is_old_pickle(std::string_view bytes) {
  constexpr std::string_view kStarts[] = {"(dp", "(lp", "ccollections\n", "ctorch", "cnumpy", "}q"};
  return bytes.back() == '.' && std::any_of(std::begin(kStarts), std::end(kStarts), [&](std::string_view start) {
           return bytes.substr(0, start.size()) == start;
         });
}

std::string describe_text(std::string_view bytes) {
  const size_t begin = bytes.find_first_not_of(" \t\r\n\xef\xbb\xbf");
  const std::string_view text = begin == std::string_view::npos ? std::string_view() : bytes.substr(begin);
  if (text.substr(0, 1) == "<") return "a web page or XML, perhaps a failed download";
  if (text.substr(0, 1) == "{" || text.substr(0, 1) == "[") return describe_json(text);
  if (text.substr(0, 22) == "model_checkpoint_path:") {
    return std::string("the list of a folder's TensorFlow checkpoints; ") + kFromTensorFlow;
  }
  return "";
}

}  // namespace

FileFormat detect_format(std::string_view bytes) {
  // Safetensors first: its first bytes are a length, which can have any other format's mark in it. The check is certain
  // in the other direction: no other format has a number below 100,000,000 in its first eight bytes and '{' behind
  // them.
  // - In a pickle, bytes 4 to 7 would be zeros. No opcode is zero, so that they are an argument: a length that counts
  // no
  //   bytes, with '{', which is no opcode, as the next one.
  // - In a zip archive, byte 8 is the method of packing, and '{' is none.
  // - In NumPy's, HDF5's and protobuf's files one of the bytes 4 to 7 is not zero.
  if (looks_like_safetensors(bytes)) return FileFormat::kSafetensors;
  if (looks_like_zip(bytes)) return FileFormat::kZip;
  if (looks_like_npy(bytes)) return FileFormat::kNpy;
  if (looks_like_hdf5(bytes)) return FileFormat::kHdf5;
  if (looks_like_pickle(bytes)) {
    return bytes.substr(0, kOldTorch.size()) == kOldTorch ? FileFormat::kUnknown : FileFormat::kPickle;
  }
  const ProtobufFields fields = read_protobuf_fields(bytes);
  if (!is_saved_model(fields) && is_onnx(bytes, fields)) return FileFormat::kOnnx;
  // Nothing else, and a '{' where a header would begin: its length is damaged.
  constexpr size_t kHeaderAt = 8;
  const std::string_view header = bytes.substr(std::min(kHeaderAt, bytes.size()));
  if (header.size() > 1 && header[0] == '{' && (header[1] == '"' || header[1] == '}')) return FileFormat::kSafetensors;
  return FileFormat::kUnknown;
}

std::string describe_other(std::string_view name, std::string_view bytes) {
  for (const OtherFormat& format : kOtherFormats) {
    if (bytes.size() > format.offset && bytes.substr(format.offset, format.magic.size()) == format.magic) {
      return format.what;
    }
  }
  if (const std::string text = describe_text(bytes); !text.empty()) return text;
  if (is_checkpoint_index(bytes)) return std::string("the index of a TensorFlow checkpoint; ") + kFromTensorFlow;
  if (is_checkpoint_data(name)) return std::string("a part of a TensorFlow checkpoint; ") + kFromTensorFlow;
  const ProtobufFields fields = read_protobuf_fields(bytes);
  if (is_saved_model(fields)) {
    return std::string("the graph of a TensorFlow SavedModel, without its weights; ") + kFromTensorFlow;
  }
  if (is_old_pickle(bytes)) return "a pickle of protocol 0 or 1; save it again with protocol 2 or newer";
  if (fields.whole && fields.messages != 0) {
    return std::string("a protobuf but no ONNX model, perhaps a TensorFlow graph; ") + kFromTensorFlow;
  }
  return "of no known format; it begins with " + in_quotes(bytes.substr(0, 16));
}

std::string describe_folder(const std::filesystem::path& folder) {
  const auto has = [&](const char* file) {
    std::error_code error;
    return std::filesystem::is_regular_file(folder / file, error);
  };
  if (has("saved_model.pb")) return std::string("a folder with a TensorFlow SavedModel; ") + kFromTensorFlow;
  if (has("checkpoint")) return std::string("a folder with TensorFlow checkpoints; ") + kFromTensorFlow;
  for (const char* file :
       {"model.safetensors", "pytorch_model.bin", "model.pt", "model.pth", "model.onnx", "data.pkl"}) {
    if (!has(file)) continue;
    if (file == "data.pkl"sv) return "an unpacked PyTorch file; pass the file itself, as torch.save wrote it";
    return std::string("a directory; pass the file in it, ") + file;
  }
  return "a directory; expected one file of weights (.safetensors, or .pt from torch.save)";
}

}  // namespace mmoe::converter
