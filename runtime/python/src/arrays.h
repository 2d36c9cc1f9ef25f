// Matrices of float32 in the memory of Python's objects.
#pragma once

#include <memory>

#include "runtime/python/src/python.h"

namespace mmoe::python {

/// Rows of floats of an object that has the buffer protocol, or DLPack: used where they lie, as long as this lives.
class Floats {
 public:
  Floats() = default;
  Floats(const Floats&) = delete;
  Floats& operator=(const Floats&) = delete;
  ~Floats() {
    if (is_open_) PyBuffer_Release(&view_);
  }

  /// One row of `width` floats, or [rows, width], whose rows may have gaps between them. False: an exception that names
  /// `name`, what was found and what to do.
  bool open(const char* name, PyObject* object, std::size_t width, bool writable);

  /// The result [num_rows, width], or [width] for a single row: an array of NumPy where it is installed, else a
  /// memoryview. Null: an exception.
  PyObject* make(std::size_t num_rows, std::size_t width, bool single);

  float* data() const { return static_cast<float*>(view_.buf); }
  std::size_t num_rows() const { return num_rows_; }
  std::size_t stride() const { return stride_; }  ///< floats from row to row
  bool is_single() const { return is_single_; }   ///< one row without the first dimension
  /// From the first float to the last one's end.
  std::size_t num_floats() const { return num_rows_ == 0 ? 0 : (num_rows_ - 1) * stride_ + width_; }

 private:
  bool check(const char* name, std::size_t width);

  Py_buffer view_{};
  Ref holder_;  // what a conversion has made
  std::size_t num_rows_ = 0, width_ = 0, stride_ = 0;
  bool is_open_ = false, is_single_ = false;
};

/// New arrays of NumPy for one row's results, each a row of an array of many: a view and its address cost a third of
/// what an array does that is asked for its buffer.
class ResultRows {
 public:
  /// The next row, [width], always of the same width. Null: an exception, or there is no NumPy.
  PyObject* take(std::size_t width, float*& data);

 private:
  static constexpr std::size_t kRows = 64;

  std::unique_ptr<Floats> floats_;
  Ref array_;
  std::size_t next_ = kRows;
};

/// The format of one element, without its byte order; 0 where it is not the machine's, or no single element.
char element_format(const Py_buffer& view);

}  // namespace mmoe::python
