// Datasets and text attributes of an HDF5 file in memory, through the HDF5 library. That library is not made for
// hostile files: call this in a child process (child_process.h).
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "converter/importers/dtype.h"

namespace mmoe::converter {

struct Hdf5Dataset {
  std::string path;  ///< from the root, without a slash in front: "dense/dense/kernel:0"
  std::vector<uint64_t> shape;
  DType dtype = DType::kF32;  ///< as read() gives it: kF64 for doubles, kF32 for any smaller float, kI64 for integers

  uint64_t num_bytes() const;  ///< of all elements, as read() gives them
};

/// Only what lies in the file itself is followed: no soft or external link, no virtual dataset, no filter plugin.
class Hdf5File {
 public:
  /// `bytes` must outlive it. Throws ConvertError.
  explicit Hdf5File(std::string_view bytes);
  ~Hdf5File();
  Hdf5File(const Hdf5File&) = delete;
  Hdf5File& operator=(const Hdf5File&) = delete;

  /// Datasets of numbers, groups in the order of their names.
  const std::vector<Hdf5Dataset>& datasets() const { return datasets_; }
  bool has_group(const std::string& path) const { return groups_.count(path) != 0; }

  /// The text of a group's attribute: one, or the items of an array. Nothing when there is none, or no text.
  std::vector<std::string> texts(const std::string& group, const std::string& attribute) const;

  /// Hands the elements, row-major, little-endian, in num_bytes() bytes altogether, to `write`, a part after the other:
  /// some 16 MiB, or more where the file's own chunks are larger. Throws ConvertError naming the dataset.
  void read(const Hdf5Dataset& dataset, const std::function<void(const void*, size_t)>& write) const;

 private:
  void visit_group(const std::string& path, size_t depth);
  void visit_dataset(const std::string& path);

  int64_t file_ = -1;
  std::vector<Hdf5Dataset> datasets_;
  std::set<std::string> groups_;
};

}  // namespace mmoe::converter
