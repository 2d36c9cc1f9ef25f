// Helpers of the weights tests: fixtures, and hostile files made by hand.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "converter/error.h"
#include "converter/importers/open_weights.h"

namespace mmoe::converter::testing {

/// Of safetensors and torch's; those of other formats are "../numpy/kinds.npz" and so on.
inline std::string fixture_path(const std::string& file) {
  return std::string(MMOE_TEST_DATA_DIR) + "/weights/" + file;
}

inline std::string fixture_bytes(const std::string& file) {
  std::ifstream in(fixture_path(file), std::ios::binary);
  REQUIRE_MESSAGE(in.good(), "missing fixture ", file);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

/// Whether there are elements, all of them whole numbers.
inline bool is_whole(const std::vector<float>& values) {
  return !values.empty() &&
         std::all_of(values.begin(), values.end(), [](float value) { return value == std::trunc(value); });
}

/// The message of the ConvertError that `action` throws; "" when it throws none.
template <typename Action>
std::string error_of(Action action) {
  try {
    action();
  } catch (const ConvertError& error) {
    return error.what();
  }
  return "";
}

inline std::string parse_error_of(std::string_view bytes) {
  return error_of([&] { parse_weights("test.file", bytes); });
}

inline bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

#define CHECK_CONTAINS(text, part) CHECK_MESSAGE(contains(text, part), "message: ", text)

/// What make_fixtures.py calls ramp: element i is i * 0.5 - 3.
inline float ramp(size_t i) { return static_cast<float>(i) * 0.5f - 3.0f; }

inline std::vector<float> ramp_of(const std::vector<size_t>& elements) {
  std::vector<float> values;
  for (const size_t i : elements) values.push_back(ramp(i));
  return values;
}

inline size_t index_of(const WeightSource& source, const std::string& name) {
  for (size_t i = 0; i < source.tensors().size(); ++i) {
    if (source.tensors()[i].name == name) return i;
  }
  FAIL("no tensor " << name);
  return 0;
}

inline std::vector<float> read_named(const WeightSource& source, const std::string& name) {
  return source.read(index_of(source, name));
}

/// Whether it is the ramp of make_fixtures.py.
inline bool is_ramp(const std::vector<float>& values) {
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i] != ramp(i)) return false;
  }
  return true;
}

/// Opens and reads everything. Must return or throw ConvertError, whatever the bytes.
inline bool survives(std::string_view bytes) {
  try {
    const auto source = parse_weights("test.file", bytes);
    for (size_t i = 0; i < source->tensors().size(); ++i) {
      try {
        if (source->read(i).size() != source->tensors()[i].num_elements()) return false;
      } catch (const ConvertError&) {
      }
    }
  } catch (const ConvertError&) {
  }
  return true;
}

/// Every truncation of the file must be an error, and no flipped bit may crash.
inline void check_damage(const std::string& file) {
  const std::string bytes = fixture_bytes(file);
  for (size_t size = 0; size < bytes.size(); ++size) {
    CHECK_MESSAGE(!parse_error_of(std::string(bytes, 0, size)).empty(), file, " truncated to ", size);
  }
  for (size_t at = 0; at < bytes.size(); ++at) {
    for (int mask : {1, 2, 4, 8, 16, 32, 64, 128, 255}) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ mask);
      CHECK(survives(damaged));
    }
  }
}

// Bytes by hand.

template <typename Unsigned>
std::string le(Unsigned value) {
  std::string bytes;
  for (size_t i = 0; i < sizeof(Unsigned); ++i) bytes += static_cast<char>((uint64_t{value} >> (8 * i)) & 0xff);
  return bytes;
}

inline std::string safetensors_file(const std::string& header, const std::string& data) {
  return le(uint64_t{header.size()}) + header + data;
}

struct ZipEntry {
  std::string name;
  std::string data;
  uint32_t declared_bytes;  // in the archive's directory
};

/// A zip archive of stored entries. Checksums are 0, which the importer takes for "none".
inline std::string zip_file(const std::vector<ZipEntry>& entries) {
  std::string body, directory;
  for (const ZipEntry& entry : entries) {
    const std::string common = le(uint16_t{0}) + le(uint16_t{0}) + le(uint32_t{0x210000}) + le(uint32_t{0}) +
                               le(entry.declared_bytes) + le(entry.declared_bytes) +
                               le(static_cast<uint16_t>(entry.name.size())) + le(uint16_t{0});
    directory += "PK\x01\x02" + le(uint16_t{20}) + le(uint16_t{20}) + common + le(uint16_t{0}) + le(uint16_t{0}) +
                 le(uint16_t{0}) + le(uint32_t{0}) + le(static_cast<uint32_t>(body.size())) + entry.name;
    body += "PK\x03\x04" + le(uint16_t{20}) + common + entry.name + entry.data;
  }
  const auto count = static_cast<uint16_t>(entries.size());
  return body + directory + "PK\x05\x06" + le(uint32_t{0}) + le(count) + le(count) +
         le(static_cast<uint32_t>(directory.size())) + le(static_cast<uint32_t>(body.size())) + le(uint16_t{0});
}

/// What torch.save would write for this pickle and these storages.
inline std::string torch_file(const std::string& pickle,
                              const std::vector<std::pair<std::string, std::string>>& storages) {
  std::vector<ZipEntry> entries = {{"archive/data.pkl", pickle, static_cast<uint32_t>(pickle.size())}};
  for (const auto& [key, data] : storages) {
    entries.push_back({"archive/data/" + key, data, static_cast<uint32_t>(data.size())});
  }
  return zip_file(entries);
}

// Pickle instructions.

inline std::string text(const std::string& value) { return "X" + le(static_cast<uint32_t>(value.size())) + value; }

inline std::string integer(int64_t value) { return "\x8a\x08" + le(static_cast<uint64_t>(value)); }

inline std::string tuple(const std::vector<int64_t>& values) {
  std::string items = "(";
  for (const int64_t value : values) items += integer(value);
  return items + "t";
}

inline std::string global(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}

inline std::string storage(const std::string& type, const std::string& key, int64_t num_elements) {
  return "(" + text("storage") + global("torch", type) + text(key) + text("cpu") + integer(num_elements) + "tQ";
}

inline std::string tensor(const std::string& stored, int64_t offset, const std::vector<int64_t>& shape,
                          const std::vector<int64_t>& strides) {
  return global("torch._utils", "_rebuild_tensor_v2") + "(" + stored + integer(offset) + tuple(shape) + tuple(strides) +
         "\x89" + global("collections", "OrderedDict") + ")RtR";
}

/// A pickled dictionary.
inline std::string dict(const std::vector<std::pair<std::string, std::string>>& items) {
  std::string out = "}(";
  for (const auto& [key, value] : items) out += text(key) + value;
  return out + "u";
}

inline std::string pickle(const std::string& value) { return "\x80\x02" + value + "."; }

}  // namespace mmoe::converter::testing
