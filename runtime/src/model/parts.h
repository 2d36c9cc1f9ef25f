// What this build of the runtime has: the options of runtime/parts.cmake.
#pragma once

namespace mmoe::internal {

#ifdef MMOE_NO_FEATURES
constexpr bool kHasFeatures = false;  // models are scored from x alone, as if they declared no features
#else
constexpr bool kHasFeatures = true;
#endif

#ifdef MMOE_NO_EXTRAS
constexpr bool kHasExtras = false;  // files that need them are refused
#else
constexpr bool kHasExtras = true;
#endif

#ifdef MMOE_NO_STREAMS
constexpr bool kHasStreams = false;  // files that have streams of parts are refused
#else
constexpr bool kHasStreams = true;
#endif

#if defined(MMOE_NO_NODES) || defined(MMOE_NO_STREAMS)
constexpr bool kHasNodes = false;  // files that have nodes are refused
#else
constexpr bool kHasNodes = true;
#endif

// MMOE_TRANSFORMS: files that need what is left out are refused.
#ifdef MMOE_NO_HASH
constexpr bool kHasHash = false;
#else
constexpr bool kHasHash = true;
#endif

#ifdef MMOE_NO_FUNCTIONS
constexpr bool kHasFunctions = false;
#else
constexpr bool kHasFunctions = true;
#endif

#ifdef MMOE_NO_BINS
constexpr bool kHasBins = false;
#else
constexpr bool kHasBins = true;
#endif

#ifdef MMOE_NO_DATES
constexpr bool kHasDates = false;
#else
constexpr bool kHasDates = true;
#endif

#ifdef MMOE_NO_WEIGHTS  // of sequences, and the pooling SqrtN
constexpr bool kHasWeights = false;
#else
constexpr bool kHasWeights = true;
#endif

#ifdef MMOE_NO_MESSAGES
constexpr bool kHasMessages = false;
#else
constexpr bool kHasMessages = true;
#endif

#ifdef MMOE_TRUST_FILES
constexpr bool kVerifiesFully = false;
#else
constexpr bool kVerifiesFully = true;
#endif

}  // namespace mmoe::internal
