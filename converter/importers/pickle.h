// A reader of Python pickles that executes nothing: it follows the opcodes of protocols 2 to 5 and keeps what
// describes tensors and arrays. (Python's own description of the opcodes: Lib/pickletools.py.)
#pragma once

#include <cstdint>
#include <deque>
#include <string_view>
#include <vector>

#include "converter/importers/pickle_globals.h"

namespace mmoe::converter {

/// A value of a pickle, as an index: values may be shared and may contain themselves, and freeing them must
/// not recurse, so all of them live in one PickleValues.
using PickleRef = uint32_t;

enum class PickleKind : uint8_t {
  kOpaque,   ///< carried along, never looked into: None, numpy scalars ...
  kInteger,  ///< also True and False
  kReal,
  kText,
  kBytes,
  kLatin1,  ///< bytes too, of which text() is the UTF-8 of the characters U+0000 to U+00FF
  kList,    ///< or a set; its items are not kept
  kTuple,
  kDict,
  kGlobal,
  kStorage,     ///< a persistent id: the tuple ("storage", type, key, location, num_elements)
  kNumpyDtype,  ///< of a type that NumPy and the table of dtype.h have
  kArray,       ///< of NumPy: a call of GlobalKind::kNumpyFromBuffer, or kNumpyReconstruct and a state; not yet checked
  kTensor,      ///< a call of one of GlobalKind::kRebuildTensor*, not yet checked
};

/// Some consecutive values.
struct PickleSpan {
  const PickleRef* first = nullptr;
  size_t count = 0;

  const PickleRef* begin() const { return first; }
  const PickleRef* end() const { return first + count; }
  PickleRef operator[](size_t i) const { return first[i]; }
};

/// Every value of one pickle. Text points into the pickle's bytes. Each accessor REQUIRES the kind it names.
class PickleValues {
 public:
  PickleKind kind(PickleRef ref) const { return values_[ref].kind; }
  int64_t integer(PickleRef ref) const { return values_[ref].integer; }
  double real(PickleRef ref) const { return values_[ref].real; }
  std::string_view text(PickleRef ref) const { return {values_[ref].text, values_[ref].count}; }
  /// kGlobal; kTensor, kArray: the function called; kNumpyDtype: its type.
  PickleGlobal global(PickleRef ref) const { return values_[ref].global; }
  bool big_endian(PickleRef ref) const { return values_[ref].count != 0; }  ///< kNumpyDtype
  PickleSpan tuple(PickleRef ref) const;
  PickleSpan dict(PickleRef ref) const;  ///< key, value, key, value ...
  /// The tuple of a kStorage's id, of a kTensor's arguments, of a kArray's arguments or state (not a
  /// tuple where it got none).
  PickleRef arguments(PickleRef ref) const { return static_cast<PickleRef>(values_[ref].index); }

  PickleRef add_opaque() { return 0; }
  PickleRef add_integer(int64_t value);
  PickleRef add_real(double value);
  PickleRef add_text(std::string_view text, PickleKind kind = PickleKind::kText);  ///< kText, kBytes, kLatin1
  PickleRef add_list();
  PickleRef add_tuple(PickleSpan items);
  PickleRef add_dict();
  PickleRef add_global(PickleGlobal global);
  PickleRef add_storage(PickleRef id);
  PickleRef add_tensor(PickleGlobal function, PickleRef arguments, PickleKind kind = PickleKind::kTensor);
  PickleRef add_numpy_dtype(DType dtype);
  void set_array_state(PickleRef array, PickleRef state);
  void set_big_endian(PickleRef dtype);
  void append_to_dict(PickleRef dict, PickleSpan keys_and_values);

 private:
  // 16 bytes: a hostile pickle can ask for one value per byte.
  struct Value {
    PickleKind kind = PickleKind::kOpaque;
    PickleGlobal global = {GlobalKind::kHarmless, DType::kU8};
    uint32_t count = 0;  // of text's bytes, of a tuple's items
    union {
      int64_t integer = 0;
      double real;
      const char* text;
      uint64_t index;  // kTuple: in tuple_items_; kDict: in dicts_, or kEmpty; else see arguments()
    };
  };
  static constexpr uint64_t kEmpty = ~uint64_t{0};

  PickleRef add(const Value& value);

  std::deque<Value> values_{Value{}};  // the first is the one opaque value
  std::vector<PickleRef> tuple_items_;
  std::deque<std::vector<PickleRef>> dicts_;
};

/// Reads the pickle into `values` and returns its outermost value. Time and memory are linear in bytes.size(),
/// at some 40 bytes of memory per byte at worst. `bytes` must outlive `values`.
/// Throws ConvertError, without the file's name, on damage, on opcodes of no use to tensors, and on any global
/// that is not on the list of pickle_globals.h.
PickleRef parse_pickle(std::string_view bytes, PickleValues& values);

}  // namespace mmoe::converter
