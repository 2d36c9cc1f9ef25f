#include "session/place.h"

#include "model/access.h"
#include "model/checker.h"

namespace mmoe::internal {

void append_part(Error& error, const FeatureName& feature) {
  const auto& features = *ModelAccess::root(feature.file)->features();
  append_part(error, "feature ");
  append_part(error, Quoted{text_of(features.Get(static_cast<flatbuffers::uoffset_t>(feature.index))->name())});
}

void append_part(Error& error, const Needed& needed) {
#ifdef MMOE_NO_MESSAGES
  static_cast<void>(error), static_cast<void>(needed);
#else
  const std::uint64_t numbers[] = {needed.count, needed.num_rows, needed.width};
  append_text(error, ", needs % (rows: %, per row: %)", numbers);
#endif
}

}  // namespace mmoe::internal
