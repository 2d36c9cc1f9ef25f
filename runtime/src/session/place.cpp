#include "session/place.h"

#include "model/access.h"

namespace mmoe::internal {

void append_part(Error& error, const FeatureName& feature) {
  const auto& features = *ModelAccess::root(feature.file)->features();
  append_part(error, "feature ");
  append_part(error, Quoted{text_of(features.Get(static_cast<flatbuffers::uoffset_t>(feature.index))->name())});
}

}  // namespace mmoe::internal
