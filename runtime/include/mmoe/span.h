// A pointer and a length: how arrays are handed to the runtime and back. C++17 has none of its own.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

namespace mmoe {
inline namespace v0_1 {

/// `size` objects of type T from `data` on, which stay their owner's. Made from an array, a std::vector, a
/// std::array, or anything else that has data() and size(); from a pointer by Span<T>{pointer, size} or {pointer,
/// size}.
template <class T>
class Span {
  template <class From>
  using IfElements = std::enable_if_t<std::is_convertible_v<From (*)[], T (*)[]>>;

 public:
  constexpr Span() = default;
  constexpr Span(T* data, std::size_t size) : data_(data), size_(size) {}
  template <std::size_t kSize>
  constexpr Span(T (&array)[kSize]) : data_(array), size_(kSize) {}  // NOLINT: implicit, as all that follow
  template <class From, std::size_t kSize, class = IfElements<From>, class = std::enable_if_t<!std::is_same_v<From, T>>>
  constexpr Span(From (&array)[kSize]) : data_(array), size_(kSize) {}  // NOLINT
  template <class Container, class = IfElements<std::remove_pointer_t<decltype(std::declval<Container&>().data())>>,
            class = decltype(std::declval<Container&>().size()),
            class = std::enable_if_t<!std::is_same_v<std::remove_const_t<std::remove_reference_t<Container>>, Span>>>
  constexpr Span(Container&& container) : data_(container.data()), size_(container.size()) {}  // NOLINT

  constexpr T* data() const { return data_; }           ///< null or not where it is empty
  constexpr std::size_t size() const { return size_; }  ///< elements
  constexpr bool empty() const { return size_ == 0; }   ///< size() == 0
  /// REQUIRES: index < size().
  constexpr T& operator[](std::size_t index) const { return data_[index]; }
  constexpr T* begin() const { return data_; }        ///< for loops over the elements
  constexpr T* end() const { return data_ + size_; }  ///< behind the last element

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace v0_1
}  // namespace mmoe
