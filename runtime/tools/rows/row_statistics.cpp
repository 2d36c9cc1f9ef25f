#include "runtime/tools/rows/row_statistics.h"

#include "runtime/tools/support/text.h"

namespace mmoe::tools {
namespace {

constexpr std::size_t kMaxNotes = 20;

// "3 are unknown (37.5 %)"
std::string share_text(std::uint64_t part, std::uint64_t all, const char* what) {
  const std::string percent = significant(100.0 * static_cast<double>(part) / static_cast<double>(all));
  return with_thousands(part) + (part == 1 ? " is " : " are ") + what + " (" + percent + " %)";
}

std::string note_of(const std::string& subject, const ValueCounts& counts) {
  std::string text = subject + ": of " + counted(counts.values, "value") + ", ";
  if (counts.unknown > 0) text += share_text(counts.unknown, counts.values, "unknown");
  if (counts.unknown > 0 && counts.missing > 0) text += ", ";
  if (counts.missing > 0) text += share_text(counts.missing, counts.values, "missing");
  return text;
}

}  // namespace

std::vector<std::string> notes_of(const InputSpec& spec, const std::vector<ValueCounts>& counts) {
  std::vector<std::string> notes;
  std::size_t left_out = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i].unknown == 0 && counts[i].missing == 0) continue;
    if (notes.size() == kMaxNotes) {
      ++left_out;
    } else {
      notes.push_back(note_of(spec.features.empty() ? "x" : "feature " + quoted(spec.features[i].name), counts[i]));
    }
  }
  if (left_out > 0) notes.push_back(counted(left_out, "more feature") + " with unknown or missing values");
  return notes;
}

}  // namespace mmoe::tools
