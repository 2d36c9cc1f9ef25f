#include "converter/importers/hdf5_file.h"

#include <hdf5.h>
#include <hdf5_hl.h>

#include <algorithm>
#include <optional>

#include "converter/error.h"
#include "converter/importers/messages.h"
#include "converter/importers/strided_view.h"
#include "converter/shape_text.h"

namespace mmoe::converter {
namespace {

constexpr size_t kMaxDepth = 32;
constexpr size_t kMaxObjects = 200'000;
constexpr size_t kMaxAttributeBytes = size_t{1} << 26;
constexpr size_t kPartBytes = size_t{1} << 24;

/// An object of the library, closed by the function that fits it.
class Handle {
 public:
  Handle(hid_t id, herr_t (*close)(hid_t)) : id_(id), close_(close) {}
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  hid_t get() const { return id_; }
  bool valid() const { return id_ >= 0; }

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

[[noreturn]] void fail(const std::string& path, const std::string& what) {
  throw ConvertError("HDF5 object " + in_quotes(path) + ": " + what);
}

const char* path_in_file(const std::string& path) { return path.empty() ? "/" : path.c_str(); }

/// For H5Literate: collects the names of a group's hard links. Nothing may be thrown through the library.
herr_t collect_name(hid_t, const char* name, const H5L_info_t* info, void* names_of_group) {
  auto& names = *static_cast<std::vector<std::string>*>(names_of_group);
  if (info->type != H5L_TYPE_HARD) return 0;
  if (names.size() >= kMaxObjects) return -1;
  names.emplace_back(name);
  return 0;
}

std::optional<DType> dtype_of(hid_t type) {
  const size_t bytes = H5Tget_size(type);
  switch (H5Tget_class(type)) {
    case H5T_FLOAT: return bytes > 4 ? DType::kF64 : DType::kF32;
    case H5T_INTEGER: return DType::kI64;
    default: return std::nullopt;
  }
}

hid_t memory_type(DType dtype) {
  if (dtype == DType::kF64) return H5T_IEEE_F64LE;
  return dtype == DType::kF32 ? H5T_IEEE_F32LE : H5T_STD_I64LE;
}

std::vector<uint64_t> shape_of(hid_t space, const std::string& path) {
  const int rank = H5Sget_simple_extent_ndims(space);
  if (rank < 0 || rank > H5S_MAX_RANK) fail(path, "has no shape");
  hsize_t sizes[H5S_MAX_RANK] = {};
  if (H5Sget_simple_extent_dims(space, sizes, nullptr) != rank) fail(path, "has no shape");
  return {sizes, sizes + rank};
}

/// Elsewhere than in this file there is nothing to be read.
void require_own_data(hid_t dataset, const std::string& path) {
  const Handle list(H5Dget_create_plist(dataset), H5Pclose);
  const H5D_layout_t layout = list.valid() ? H5Pget_layout(list.get()) : H5D_LAYOUT_ERROR;
  if (layout != H5D_COMPACT && layout != H5D_CONTIGUOUS && layout != H5D_CHUNKED) fail(path, "is of an unknown layout");
  if (H5Pget_external_count(list.get()) != 0) fail(path, "has its elements in another file");
}

/// The shape of a dataset's chunks: ones where it has none.
std::vector<uint64_t> chunk_of(hid_t dataset, const Hdf5Dataset& described) {
  std::vector<uint64_t> chunk(described.shape.size(), 1);
  const Handle list(H5Dget_create_plist(dataset), H5Pclose);
  if (!list.valid() || H5Pget_layout(list.get()) != H5D_CHUNKED) return chunk;
  hsize_t sizes[H5S_MAX_RANK] = {};
  const int rank = H5Pget_chunk(list.get(), H5S_MAX_RANK, sizes);
  if (rank == static_cast<int>(chunk.size())) std::copy_n(sizes, chunk.size(), chunk.begin());
  return chunk;
}

/// Cuts a dataset into parts of about kPartBytes that lie one behind the other in row-major order: runs of whole chunks
/// along one dimension, of all that the later dimensions have and of one index of the earlier ones.
class Parts {
 public:
  Parts(const Hdf5Dataset& dataset, const std::vector<uint64_t>& chunk)
      : shape_(dataset.shape), start_(shape_.size(), 0), count_(shape_.begin(), shape_.end()) {
    uint64_t inner = dtype_info(dataset.dtype).bytes;
    for (axis_ = shape_.size(); axis_ > 0 && inner * shape_[axis_ - 1] <= kPartBytes; --axis_) {
      inner *= shape_[axis_ - 1];
    }
    if (axis_ == 0) return;  // everything at once
    --axis_;
    const uint64_t fitting = std::max<uint64_t>(1, kPartBytes / inner);
    step_ = std::max<uint64_t>(1, chunk[axis_]);
    if (step_ < fitting) step_ = fitting / step_ * step_;
    std::fill(count_.begin(), count_.begin() + static_cast<std::ptrdiff_t>(axis_), 1);
    set_count();
  }

  bool at_end() const { return at_end_; }
  const hsize_t* start() const { return start_.data(); }
  const hsize_t* count() const { return count_.data(); }

  uint64_t num_elements() const {
    uint64_t elements = 1;
    for (const hsize_t size : count_) elements *= size;
    return elements;
  }

  void next() {
    if (step_ == 0) {
      at_end_ = true;
      return;
    }
    start_[axis_] += step_;
    for (size_t d = axis_; start_[d] >= shape_[d]; --d) {
      if (d == 0) {
        at_end_ = true;
        return;
      }
      start_[d] = 0;
      ++start_[d - 1];
    }
    set_count();
  }

 private:
  void set_count() { count_[axis_] = std::min<hsize_t>(step_, shape_[axis_] - start_[axis_]); }

  std::vector<uint64_t> shape_;
  std::vector<hsize_t> start_, count_;
  size_t axis_ = 0;
  uint64_t step_ = 0;  // 0: one part
  bool at_end_ = false;
};

std::vector<std::string> read_variable_texts(hid_t attribute, hid_t type, hid_t space, size_t count) {
  std::vector<char*> pointers(count, nullptr);
  std::vector<std::string> texts;
  if (H5Aread(attribute, type, pointers.data()) < 0) return texts;
  for (const char* text : pointers) texts.emplace_back(text == nullptr ? "" : text);
  H5Dvlen_reclaim(type, space, H5P_DEFAULT, pointers.data());
  return texts;
}

std::vector<std::string> read_fixed_texts(hid_t attribute, hid_t type, size_t count) {
  const size_t size = H5Tget_size(type);
  std::vector<std::string> texts;
  if (size == 0 || count > kMaxAttributeBytes / size) return texts;
  std::vector<char> characters(size * count);
  if (H5Aread(attribute, type, characters.data()) < 0) return texts;
  for (size_t i = 0; i < count; ++i) {
    const std::string_view padded(characters.data() + i * size, size);
    texts.emplace_back(padded.substr(0, padded.find('\0')));
  }
  return texts;
}

}  // namespace

uint64_t Hdf5Dataset::num_bytes() const {
  const auto elements = checked_num_elements(shape);
  const auto bytes = elements ? checked_product(*elements, dtype_info(dtype).bytes) : std::nullopt;
  if (!bytes) fail(path, "shape " + shape_text(shape) + " needs more than 2^63 bytes");
  return *bytes;
}

Hdf5File::Hdf5File(std::string_view bytes) {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  H5PLset_loading_state(0);
  // The library asks for a writable pointer, and with these flags neither writes nor frees.
  file_ = H5LTopen_file_image(const_cast<char*>(bytes.data()), bytes.size(),
                              H5LT_FILE_IMAGE_DONT_COPY | H5LT_FILE_IMAGE_DONT_RELEASE);
  if (file_ < 0) throw ConvertError("damaged or truncated HDF5 file");
  visit_group("", 0);
}

Hdf5File::~Hdf5File() { H5Fclose(file_); }

void Hdf5File::visit_group(const std::string& path, size_t depth) {
  if (depth > kMaxDepth) fail(path, "lies more than 32 groups deep");
  if (groups_.size() + datasets_.size() > kMaxObjects) throw ConvertError("more than 200000 HDF5 objects");
  groups_.insert(path);
  std::vector<std::string> names;
  {
    const Handle group(H5Gopen2(file_, path_in_file(path), H5P_DEFAULT), H5Gclose);
    if (!group.valid() || H5Literate(group.get(), H5_INDEX_NAME, H5_ITER_INC, nullptr, collect_name, &names) < 0) {
      fail(path, "cannot be read: the file is damaged");
    }
  }
  for (const std::string& name : names) {
    const std::string child = path.empty() ? name : path + "/" + name;
    H5O_info_t info;
    if (H5Oget_info_by_name2(file_, child.c_str(), &info, H5O_INFO_BASIC, H5P_DEFAULT) < 0) {
      fail(child, "cannot be read: the file is damaged");
    }
    if (info.type == H5O_TYPE_GROUP) visit_group(child, depth + 1);
    if (info.type == H5O_TYPE_DATASET) visit_dataset(child);
  }
}

void Hdf5File::visit_dataset(const std::string& path) {
  const Handle dataset(H5Dopen2(file_, path.c_str(), H5P_DEFAULT), H5Dclose);
  if (!dataset.valid()) fail(path, "cannot be read: the file is damaged");
  const Handle type(H5Dget_type(dataset.get()), H5Tclose);
  const Handle space(H5Dget_space(dataset.get()), H5Sclose);
  if (!type.valid() || !space.valid()) fail(path, "has no type or shape");
  const std::optional<DType> dtype = dtype_of(type.get());
  if (!dtype || H5Sget_simple_extent_type(space.get()) == H5S_NULL) return;  // text, records: no tensor
  require_own_data(dataset.get(), path);
  datasets_.push_back({path, shape_of(space.get(), path), *dtype});
}

std::vector<std::string> Hdf5File::texts(const std::string& group, const std::string& attribute) const {
  const char* const name = path_in_file(group);
  if (H5Aexists_by_name(file_, name, attribute.c_str(), H5P_DEFAULT) <= 0) return {};
  const Handle opened(H5Aopen_by_name(file_, name, attribute.c_str(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  const Handle type(opened.valid() ? H5Aget_type(opened.get()) : -1, H5Tclose);
  const Handle space(opened.valid() ? H5Aget_space(opened.get()) : -1, H5Sclose);
  if (!type.valid() || !space.valid() || H5Tget_class(type.get()) != H5T_STRING) return {};
  const hssize_t count = H5Sget_simple_extent_npoints(space.get());
  if (count <= 0 || static_cast<size_t>(count) > kMaxObjects) return {};
  const auto items = static_cast<size_t>(count);
  return H5Tis_variable_str(type.get()) > 0 ? read_variable_texts(opened.get(), type.get(), space.get(), items)
                                            : read_fixed_texts(opened.get(), type.get(), items);
}

void Hdf5File::read(const Hdf5Dataset& dataset, const std::function<void(const void*, size_t)>& write) const {
  if (dataset.num_bytes() == 0) return;
  const Handle access(H5Pcreate(H5P_DATASET_ACCESS), H5Pclose);
  // A part is read by whole chunks, and the library unpacks a chunk once where its cache holds those of one part.
  H5Pset_chunk_cache(access.get(), H5D_CHUNK_CACHE_NSLOTS_DEFAULT, 4 * kPartBytes, H5D_CHUNK_CACHE_W0_DEFAULT);
  const Handle opened(H5Dopen2(file_, dataset.path.c_str(), access.get()), H5Dclose);
  const Handle space(opened.valid() ? H5Dget_space(opened.get()) : -1, H5Sclose);
  const char* const damaged = "its elements cannot be read: the file is damaged or truncated";
  if (!space.valid()) fail(dataset.path, damaged);
  std::vector<unsigned char> bytes;
  for (Parts parts(dataset, chunk_of(opened.get(), dataset)); !parts.at_end(); parts.next()) {
    bytes.resize(parts.num_elements() * dtype_info(dataset.dtype).bytes);
    const hsize_t elements = parts.num_elements();
    const Handle memory(H5Screate_simple(1, &elements, nullptr), H5Sclose);
    const bool whole = dataset.shape.empty();
    if (!memory.valid() ||
        (!whole &&
         H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, parts.start(), nullptr, parts.count(), nullptr) < 0) ||
        H5Dread(opened.get(), memory_type(dataset.dtype), memory.get(), whole ? H5S_ALL : space.get(), H5P_DEFAULT,
                bytes.data()) < 0) {
      fail(dataset.path, damaged);
    }
    write(bytes.data(), bytes.size());
  }
}

}  // namespace mmoe::converter
