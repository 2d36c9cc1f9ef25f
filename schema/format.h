// The version and the limits of the file format that mmoe.fbs describes: what the writer, the reader and the
// converter's description share. README.md beside this file explains both.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mmoe::schema {

constexpr std::uint16_t kVersionMajor = 3;
constexpr std::uint16_t kVersionMinor = 2;
constexpr std::uint16_t kVersionMinorOfFirst = 0;  // of files that need nothing newer

constexpr std::size_t kMaxLevels = 16;
constexpr std::size_t kMaxExperts = 256;   // per level
constexpr std::size_t kMaxGates = 64;      // per level
constexpr std::size_t kMaxSelectors = 64;  // of a gate of smooth steps
constexpr std::size_t kMaxTasks = 64;      // auxiliary ones included; also towers
constexpr std::size_t kMaxLayers = 32;     // per MLP
constexpr std::size_t kMaxFeatures = 4096;
constexpr std::size_t kMaxStreams = 1024;  // of parts of x
constexpr std::size_t kMaxParts = 512;     // of a stream
constexpr std::size_t kMaxCrossed = 8;     // values of a cross
constexpr std::size_t kMaxJoined = 1024;   // bytes of a text that is joined of several values
constexpr std::size_t kMaxNodes = 256;
constexpr std::size_t kMaxNodeInputs = 64;  // of a node
constexpr std::size_t kMaxBucketKeys = 64;  // keys of a vocabulary that share a bucket: what a look-up may cost
constexpr std::size_t kMaxDim = std::size_t{1} << 20;  // outputs of a layer, columns of x, elements of a sequence

}  // namespace mmoe::schema
