// A row builder: turns raw values by name (numbers, strings, integers, lists) into the input of Session::score().
//
//   mmoe::Result<mmoe::Rows> rows = mmoe::Rows::create(*model);
//   rows->set(0, "age", 39);
//   rows->set(0, "country", "DE");
//   rows->set(0, "history", {"shoes", "bags"});
//   mmoe::Status status = session->score(mmoe::Input::rows(*rows), {scores});
//   if (!status) std::puts(status.error().message());   // feature "contry": the model has none of that name
//
// A value that is not set is missing: NaN for a Dense feature, an unknown category for a Sparse one, no elements for
// a Sequence. The rule of the feature says what happens then. The first error stays until clear(): later calls of
// set(), and scoring, return it. So a program can check once, at the end. Messages begin with the feature and the
// row.
//
// Memory is allocated when the builder is created, never later. A builder belongs to one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <type_traits>
#include <utility>

#include "mmoe/error.h"
#include "mmoe/input.h"
#include "mmoe/model.h"
#include "mmoe/span.h"

namespace mmoe {

namespace internal {
struct RowsState;
struct RowsAccess;
class RawItem;
}  // namespace internal

inline namespace v0_1 {

/// A feature, by its name or by its index in the model. An index is faster, since nothing is searched.
class FeatureKey {
 public:
  template <class Name, std::enable_if_t<std::is_convertible_v<const Name&, std::string_view>, int> = 0>
  FeatureKey(const Name& name) : name_(view_of(name)), by_name_(true) {}  // NOLINT: implicit
  template <class Index, std::enable_if_t<std::is_integral_v<Index>, int> = 0>
  FeatureKey(Index index) : index_(static_cast<std::size_t>(index)) {}  // NOLINT: implicit

 private:
  friend struct internal::RowsAccess;
  friend class RawValue;
  /// The view of a text; of a null pointer one at a null address.
  template <class Text>
  static std::string_view view_of(const Text& text) {
    if constexpr (std::is_same_v<Text, std::nullptr_t>) {
      return {};
    } else {
      if constexpr (std::is_convertible_v<const Text&, const char*>) {
        const char* chars = text;
        if (!chars) return {};
      }
      return text;
    }
  }

  std::string_view name_;
  std::size_t index_ = 0;
  bool by_name_ = false;
};

class RawElement;

/// A number, an integer, a string, or a list of them. It refers to data of the caller, which are read during the call.
class RawValue {
 public:
  /// What it holds; one value is a list of one. kElements is a list in braces, whose elements have types of their own.
  enum class Type : std::uint8_t {
    kMissing,
    kElements,
    kFloats,
    kDoubles,
    kInt32s,
    kInt64s,
    kUint64s,
    kStrings,
    kCStrings,
    kPackedStrings
  };

  /// Missing.
  RawValue() = default;
  RawValue(std::nullptr_t) {}  // NOLINT: implicit, as all that follow

  // One value. A null const char* is missing, also in a list. Integers are signed or unsigned.
  RawValue(double number) : type_(Type::kDoubles), double_(number) {}  // NOLINT
  RawValue(float number) : RawValue(static_cast<double>(number)) {}    // NOLINT
  template <class Integer, std::enable_if_t<std::is_integral_v<Integer>, int> = 0>
  RawValue(Integer integer)  // NOLINT
      : type_(std::is_signed_v<Integer> || sizeof(Integer) < 8 ? Type::kInt64s : Type::kUint64s),
        int64_(static_cast<std::int64_t>(integer)) {
    static_assert(!std::is_same_v<Integer, bool>, "a truth value: 0 or 1?");
  }
  template <class Text, std::enable_if_t<std::is_convertible_v<const Text&, std::string_view>, int> = 0>
  RawValue(const Text& text) : type_(Type::kStrings), bytes_(FeatureKey::view_of(text)) {  // NOLINT
    if (std::is_convertible_v<const Text&, const char*> && !bytes_.data()) type_ = Type::kMissing;
  }

  // A list: of one row's Sequence or Dense feature, or a whole column.
  /// In braces, of any values that a single one may be: {0.5, 1}, {"shoes", std::string("bags")}.
  RawValue(std::initializer_list<RawElement> list);  // NOLINT
  /// A Span, std::vector, std::array or array of float, double, signed integers of 32 or 64 bits, unsigned ones of 64,
  /// const char*, std::string or another type that becomes a std::string_view.
  template <class List, class = decltype(std::declval<const List&>().data()),
            std::enable_if_t<!std::is_convertible_v<const List&, std::string_view>, int> = 0>
  RawValue(const List& list) : RawValue(list.data(), list.size()) {}  // NOLINT
  template <class Element, std::size_t kSize, std::enable_if_t<!std::is_same_v<Element, char>, int> = 0>
  RawValue(const Element (&list)[kSize]) : RawValue(list, kSize) {}  // NOLINT

  /// Strings in one buffer, as in Arrow: string i has the bytes from offsets[i] up to offsets[i + 1]. There is one
  /// offset more than strings.
  static RawValue packed(Span<const char> bytes, Span<const std::int32_t> offsets) {
    RawValue value(offsets.data(), offsets.size() == 0 ? 0 : offsets.size() - 1);
    value.type_ = Type::kPackedStrings;
    value.bytes_ = bytes;
    return value;
  }

  Type type() const { return type_; }  ///< of the value, or of the list's elements

 private:
  friend class internal::RawItem;
  template <class Element>
  RawValue(const Element* list, std::size_t size)
      : type_(type_of<Element>()), is_list_(true), list_(list), size_(size), text_at_(text_at_of<Element>()) {}

  template <class Element>
  static constexpr Type type_of() {
    constexpr bool kInteger = std::is_integral_v<Element> && std::is_signed_v<Element> && sizeof(Element) >= 4;
    constexpr bool kUnsigned = std::is_integral_v<Element> && std::is_unsigned_v<Element> && sizeof(Element) == 8;
    constexpr Type kType = kInteger                              ? sizeof(Element) == 4 ? Type::kInt32s : Type::kInt64s
                           : kUnsigned                           ? Type::kUint64s
                           : std::is_same_v<Element, float>      ? Type::kFloats
                           : std::is_same_v<Element, double>     ? Type::kDoubles
                           : std::is_same_v<Element, RawElement> ? Type::kElements
                           : std::is_same_v<std::remove_cv_t<std::remove_pointer_t<Element>>, char> ? Type::kCStrings
                           : std::is_convertible_v<const Element&, std::string_view>                ? Type::kStrings
                                                                                                    : Type::kMissing;
    static_assert(kType != Type::kMissing,
                  "float, double, std::int32_t, std::int64_t, std::uint64_t, const char*, std::string or "
                  "std::string_view");
    return kType;
  }

  using TextAt = std::string_view (*)(const void* list, std::size_t index);
  /// How a list of strings of any type is read.
  template <class Element>
  static constexpr TextAt text_at_of() {
    if constexpr (type_of<Element>() != Type::kStrings) {
      return nullptr;
    } else {
      return [](const void* list, std::size_t index) -> std::string_view {
        return static_cast<const Element*>(list)[index];
      };
    }
  }

  Type type_ = Type::kMissing;
  bool is_list_ = false;
  double double_ = 0;
  std::int64_t int64_ = 0;  ///< or the bits of an unsigned one
  Span<const char> bytes_;  ///< a single string, or those that kPackedStrings are in
  const void* list_ = nullptr;
  std::size_t size_ = 1;
  TextAt text_at_ = nullptr;  ///< of a list of kStrings
};

/// One element of a list in braces: what a RawValue can be, without being a list itself.
class RawElement {
 public:
  template <
      class Value,
      std::enable_if_t<std::is_arithmetic_v<Value> || std::is_convertible_v<const Value&, std::string_view>, int> = 0>
  RawElement(const Value& value) : value_(value) {}  // NOLINT: implicit
  RawElement(std::nullptr_t) {}                      // NOLINT: missing

 private:
  friend class internal::RawItem;
  RawValue value_;
};

inline RawValue::RawValue(std::initializer_list<RawElement> list) : RawValue(list.begin(), list.size()) {}

/// Options of a row builder.
struct RowsOptions {
  std::size_t max_rows = 1;  ///< rows that it has room for
  Part part = Part::kWhole;  ///< which features it takes: all, those of the user's part or of the candidates'
};

/// Rows of raw features of a model, or of one part of them. Not for models without features, which take x.
class Rows {
 public:
  /// Makes one allocation. The model must outlive the rows; it may be moved. There are max_rows rows, with nothing
  /// set. Errors: kInvalidArgument (no features, none in the part, max_rows 0); kUnsupported (more memory than the
  /// machine can address); kOutOfMemory.
  static Result<Rows> create(const Model& model, const RowsOptions& options = {});
  static Result<Rows> create(const Model&& model, const RowsOptions& options = {}) = delete;  ///< must outlive
  /// Makes no allocation: the builder uses the caller's memory, at any address, which must outlive it. Also:
  /// kArenaTooSmall if `size` is less than Rows::bytes().
  static Result<Rows> create(const Model& model, void* memory, std::size_t size, const RowsOptions& options = {});
  static Result<Rows> create(const Model&& model, void* memory, std::size_t size,
                             const RowsOptions& options = {}) = delete;  ///< must outlive
  /// Exactly the bytes that create() needs; SIZE_MAX if the machine cannot address them.
  static std::size_t bytes(const Model& model, const RowsOptions& options = {});

  Rows(Rows&& other) noexcept;
  Rows& operator=(Rows&& other) noexcept;
  ~Rows();

  /// Sets one feature of one row. A second value replaces the first.
  ///
  /// - Dense: `width` numbers; integers are numbers too. NaN or RawValue() means missing.
  /// - Sparse: one string or one integer, as in the vocabulary. A number without a fraction is an integer.
  /// - Sparse, a cross: a list of feature.num_parts strings and integers. A string in decimal is an integer where the
  ///   cross has integers, and an integer is a string in decimal where it has strings.
  /// - Sequence: a list of at most `length` of them, in order.
  ///
  /// A category that is not in the vocabulary is unknown, and so is NaN.
  ///
  /// Errors: the first error since clear(); kInvalidArgument (no such feature, a feature of another part, the row is
  /// out of range, a value of another kind, a wrong number of values); kUnknownCategory (if the feature refuses
  /// unknown values). Returns status(), which may be ignored.
  const Status& set(std::size_t row, const FeatureKey& feature, const RawValue& value);

  /// Sets one feature of all rows. `values` has num_rows() times the width (Dense), num_parts (Sparse) or length of the
  /// feature, row after row. For a Sequence whose rows differ in length, pass `row_offsets`, [num_rows() + 1], as in
  /// lists of Arrow: row r has the elements from row_offsets[r] up to row_offsets[r + 1]. Errors: as set().
  const Status& set_column(const FeatureKey& feature, const RawValue& values,
                           Span<const std::int32_t> row_offsets = {});

  /// Sets a Sparse feature of all rows by ids, one per row, as Model::find_id() gives them: where the same categories
  /// come again and again, each is then looked up once. Model::kUnknownId: not in the vocabulary, or missing. Errors:
  /// as set_column(); kInvalidArgument: the feature is not Sparse. Other ids that are none are found when rows are
  /// scored.
  const Status& set_ids(const FeatureKey& feature, Span<const std::int32_t> ids);

  /// Sets the weights of a Sequence's elements in one row: as many numbers as elements, in their order. An element
  /// without one makes the row's input missing. Errors: as set(); kInvalidArgument: the feature has no `weights`.
  const Status& set_weights(std::size_t row, const FeatureKey& feature, const RawValue& weights);
  /// The same of all rows, as set_column() takes a Sequence's elements.
  const Status& set_weights_column(const FeatureKey& feature, const RawValue& weights,
                                   Span<const std::int32_t> row_offsets = {});

  /// Starts again with `num_rows` rows, nothing set and no error. More than max_rows() are kInvalidArgument: an error
  /// as those of set(), which stays until the next clear(). Returns status(), which may be ignored.
  const Status& clear(std::size_t num_rows);
  /// Starts again with max_rows() rows.
  void clear();

  std::size_t num_rows() const;  ///< as clear() said last; at first max_rows()
  std::size_t max_rows() const;  ///< as RowsOptions said
  Part part() const;             ///< as RowsOptions said
  /// The first error since clear().
  const Status& status() const;
  /// The rows as Input::columns() takes them: one column per feature of the model, empty for features of another part.
  /// set() changes them.
  Span<const FeatureColumn> columns() const;

 private:
  friend class Input;
  friend struct internal::RowsAccess;
  const Status& set(std::size_t row, const FeatureKey& feature, const RawValue& value, bool weights);
  const Status& set_column(const FeatureKey& feature, const RawValue& values, Span<const std::int32_t> row_offsets,
                           bool weights);
  Rows(internal::RowsState* state, void* owned) : state_(state), owned_(owned) {}

  internal::RowsState* state_;  ///< in the memory
  void* owned_;                 ///< the allocation, or null when the memory is the caller's
};

}  // namespace v0_1
}  // namespace mmoe
