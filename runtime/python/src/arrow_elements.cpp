#include "runtime/python/src/arrow_elements.h"

#include <limits>

namespace mmoe::python {

ArrowElements::ArrowElements(const ArrowColumn& list, std::size_t row) {
  const ArrowColumn elements = list.elements();
  std::size_t first = 0, count = 0;
  list.range(row, first, count);
  if (elements.type() != 0) {
    values_ = elements.values(first, count);
  } else if (elements.is_text()) {
    copy_texts(elements, first, count);
  } else {
    copy_numbers(elements, first, count);
  }
}

// A missing one is a null pointer, which packed texts cannot say.
void ArrowElements::copy_texts(const ArrowColumn& elements, std::size_t first, std::size_t count) {
  for (std::size_t i = first; i < first + count; ++i) {
    texts_.emplace_back(elements.is_missing(i) ? std::string_view() : elements.text(i));
  }
  for (std::size_t i = 0; i < count; ++i) {
    pointers_.push_back(elements.is_missing(first + i) ? nullptr : texts_[i].c_str());
  }
  values_ = {pointers_.data(), count, nullptr, 0, MMOE_TEXTS, 0};
}

void ArrowElements::copy_numbers(const ArrowColumn& elements, std::size_t first, std::size_t count) {
  if (elements.is_integer() && !elements.has_missing()) {
    for (std::size_t i = first; i < first + count; ++i) integers_.push_back(elements.integer(i));
    values_ = {integers_.data(), count, nullptr, 0, MMOE_INT64S, 0};
    return;
  }
  for (std::size_t i = first; i < first + count; ++i) {
    const double number = elements.is_missing(i) ? std::numeric_limits<double>::quiet_NaN()
                          : elements.is_float()  ? elements.number(i)
                                                 : static_cast<double>(elements.integer(i));
    floats_.push_back(number);
  }
  values_ = {floats_.data(), count, nullptr, 0, MMOE_DOUBLES, 0};
}

}  // namespace mmoe::python
