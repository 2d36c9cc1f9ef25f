// Vocabularies of the kind Date: an integer's id is a part of the date that it stands for.
#pragma once

#include <cstdint>

#include "mmoe/model.h"
#include "schema/mmoe_generated.h"

namespace mmoe::internal {

/// The number of ids that a part has.
constexpr std::uint32_t num_of(schema::DatePart part) {
  switch (part) {
    case schema::DatePart_Minute: return 60;
    case schema::DatePart_Hour: return 24;
    case schema::DatePart_DayOfWeek: return 7;
    case schema::DatePart_Day: return 31;
    case schema::DatePart_Month: break;
  }
  return 12;
}

/// Day of the month and month, both from 0 on, of a day that is counted from the 1st of January 1970.
struct Day {
  std::uint32_t day, month;
};

// Years begin with March here, so that the leap day is a year's last. 400 years are 146,097 days; of a year's months
// from March on, the first m have (153 m + 2) / 5 days.
inline Day day_of(std::int64_t days) {
  constexpr std::int64_t kEra = 146097, kFromMarch0 = 719468;  // days from March of the year 0 to 1970
  const std::int64_t rest = (days + kFromMarch0) % kEra;
  const auto of_era = static_cast<std::uint32_t>(rest < 0 ? rest + kEra : rest);
  const std::uint32_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  const std::uint32_t of_year = of_era - (365 * year + year / 4 - year / 100);
  const std::uint32_t month = (5 * of_year + 2) / 153;
  return {of_year - (153 * month + 2) / 5, month < 10 ? month + 2 : month - 10};
}

/// Model::kUnknownId for an unsigned integer of 2^63 or more.
inline std::int32_t find_date(const schema::Vocabulary& vocabulary, std::int64_t value, bool is_unsigned) {
  if (is_unsigned && value < 0) return Model::kUnknownId;
  constexpr std::int64_t kDay = 86400;
  const auto floored = [](std::int64_t number, std::int64_t divisor) {
    return number / divisor - (number % divisor < 0 ? 1 : 0);
  };
  const auto rest = [](std::int64_t number) { return (number % kDay + kDay) % kDay; };
  // Days and their seconds by themselves: with the offset, all seconds could overflow.
  const std::int64_t seconds = floored(value, vocabulary.date_ticks());
  const std::int64_t shifted = rest(seconds) + vocabulary.date_offset();
  const std::int64_t days = floored(seconds, kDay) + floored(shifted, kDay);
  const auto of_day = static_cast<std::uint32_t>(rest(shifted));
  std::uint32_t part = 0;
  switch (vocabulary.date_part()) {
    case schema::DatePart_Minute: part = of_day / 60 % 60; break;
    case schema::DatePart_Hour: part = of_day / 3600; break;
    case schema::DatePart_DayOfWeek: part = static_cast<std::uint32_t>((days % 7 + 10) % 7); break;  // 1970: a Thursday
    case schema::DatePart_Day: part = day_of(days).day; break;
    case schema::DatePart_Month: part = day_of(days).month; break;
  }
  return static_cast<std::int32_t>(vocabulary.first_id() + part);
}

}  // namespace mmoe::internal
