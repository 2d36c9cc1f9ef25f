#include <cstdio>
#include <cstring>
#include <string>

#include <sys/stat.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "mmoe/session.h"
#include "runtime/src/core/xxh64.h"
#include "schema/format.h"
#include "schema/mmoe_generated.h"
#include "tests/unit/models.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace mmoe::test {
namespace {

// A file in the temporary directory that is removed with the object.
class TemporaryFile {
 public:
  TemporaryFile(const void* data, std::size_t size) {
    const int descriptor = mkstemp(path_);
    REQUIRE(descriptor >= 0);
    REQUIRE(write(descriptor, data, size) == static_cast<ssize_t>(size));
    close(descriptor);
  }
  ~TemporaryFile() { unlink(path_); }
  const char* path() const { return path_; }

 private:
  char path_[32] = "/tmp/mmoe_model_test_XXXXXX";
};

TEST_CASE("xxh64: equal to the xxHash library for every length, alignment and seed") {
  Random random(1);
  std::vector<std::uint8_t> bytes(400);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random.next());
  for (std::size_t offset = 0; offset < 9; ++offset) {
    for (std::size_t size = 0; size + offset <= bytes.size(); ++size) {
      REQUIRE(internal::xxh64(bytes.data() + offset, size) == XXH64(bytes.data() + offset, size, 0));
      const std::uint64_t seed = random.next();
      REQUIRE(internal::xxh64(bytes.data() + offset, size, seed) == XXH64(bytes.data() + offset, size, seed));
    }
  }
}

TEST_CASE("Model: names and sizes") {
  const AlignedBytes file = model_file(mmoe_description({}));
  const Model model = load(file);
  CHECK(model.name() == "test");
  CHECK(model.architecture() == "MMoE");
  CHECK(model.input_dim() == 20);
  CHECK(model.num_tasks() == 2);
  CHECK(model.task_name(1) == "task 1");
  CHECK(model.find_task("task 1") == 1);
  CHECK(model.find_task("task") == 2);
  CHECK(model.data() == file.data());
  CHECK(model.golden_rows().num_rows == 4);
  CHECK(model.golden_rows().num_values == 20);
}

TEST_CASE("Model: architectures have the names of the paper") {
  const std::pair<const char*, const char*> expected[] = {
      {"MMoE", "MMoE"},
      {"OMoE", "OMoE"},
      {"MoE", "MoE"},
      {"top-2", "top-k MMoE"},
      {"Shared-Bottom", "Shared-Bottom"},
      {"PLE", "PLE"},
      {"Cross-Stitch", "Cross-Stitch"},
  };
  for (const NamedModel& named : all_models()) {
    for (const auto& [name, architecture] : expected) {
      if (named.name != name) continue;
      const AlignedBytes file = model_file(named.description);
      CHECK(load(file).architecture() == architecture);
    }
  }
}

TEST_CASE("map: the same scores as from bytes, and checksums on request") {
  const AlignedBytes file = model_file(mmoe_description({}));
  const TemporaryFile on_disk(file.data(), file.size());
  LoadOptions options;
  options.verify_checksums = true;
  Result<Model> mapped = Model::map(on_disk.path(), options);
  REQUIRE(mapped.ok());
  Model moved = std::move(*mapped);
  const Model in_memory = load(file);
  const std::vector<float> x(20, 0.25f);
  float scores[2][2];
  REQUIRE(Session::create(moved)->score(Input::x(x, 1), {scores[0]}).ok());
  REQUIRE(Session::create(in_memory)->score(Input::x(x, 1), {scores[1]}).ok());
  CHECK(std::memcmp(scores[0], scores[1], sizeof scores[0]) == 0);
}

// As `cp` does it: the same file, cut to nothing and written anew.
void overwrite(const char* path, const std::vector<std::uint8_t>& bytes) {
  std::FILE* file = std::fopen(path, "wb");
  REQUIRE(file != nullptr);
  if (!bytes.empty()) REQUIRE(std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size());
  std::fclose(file);
}

TEST_CASE("map: what others write to the file changes no header that was verified") {
  const AlignedBytes file = model_file(feature_description());
  const TemporaryFile on_disk(file.data(), file.size());
  Result<Model> mapped = Model::map(on_disk.path());
  REQUIRE(mapped.ok());
  std::uint32_t header = 0;
  std::memcpy(&header, file.data(), sizeof header);
  overwrite(on_disk.path(), std::vector<std::uint8_t>(file.size(), 0xFF));
  CHECK(std::memcmp(mapped->data(), file.data(), header + 4) == 0);
  CHECK(mapped->find_feature("country") < mapped->num_features());
  const std::vector<float> x(mapped->input_dim(), 0.25f);
  std::vector<float> scores(mapped->num_tasks());
  Result<Session> session = Session::create(*mapped);  // of weights that are not the model's: any scores
  REQUIRE(session.ok());
  CHECK(session->score(Input::x(x, 1), {scores}).ok());
}

TEST_CASE("map: a copy has the scores of a file that is gone") {
  const AlignedBytes file = model_file(mmoe_description({20, 4, {64}, 2, {8}, 0, 0}));
  REQUIRE(file.size() > 20000);
  const TemporaryFile on_disk(file.data(), file.size());
  LoadOptions options;
  options.copy = true;
  Result<Model> copied = Model::map(on_disk.path(), options);
  REQUIRE(copied.ok());
  overwrite(on_disk.path(), {});
  CHECK(std::memcmp(copied->data(), file.data(), file.size()) == 0);
  CHECK(copied->verify_checksums().ok());
  const Result<Model> of_bytes = Model::from_bytes(file.data(), file.size(), options);
  REQUIRE(of_bytes.ok());
  CHECK(of_bytes->data() != file.data());
  CHECK(std::memcmp(of_bytes->data(), file.data(), file.size()) == 0);
}

TEST_CASE("map: what is no model file says so") {
  CHECK(Model::map(nullptr).error().code() == ErrorCode::kInvalidArgument);
  CHECK(Model::map("/nowhere/at/all.mmoe").error().code() == ErrorCode::kIo);
  CHECK(Model::map("/tmp").error().code() == ErrorCode::kIo);
  const TemporaryFile empty("", 0);
  CHECK(Model::map(empty.path()).error().code() == ErrorCode::kNotAModel);
  const TemporaryFile text("hello, this is not a model", 26);
  const Result<Model> result = Model::map(text.path());
  CHECK(result.error().code() == ErrorCode::kNotAModel);
  CHECK(std::string(result.error().message()).find(text.path()) != std::string::npos);
  char fifo[] = "/tmp/mmoe_fifo_test_XXXXXX";
  REQUIRE(mkdtemp(fifo) != nullptr);
  const std::string path = std::string(fifo) + "/pipe";
  REQUIRE(mkfifo(path.c_str(), 0600) == 0);
  CHECK(Model::map(path.c_str()).error().code() == ErrorCode::kIo);
  unlink(path.c_str());
  rmdir(fifo);
}

TEST_CASE("from_bytes: an address that is not aligned is refused, or copied on request") {
  const AlignedBytes file = model_file(mmoe_description({}));
  std::vector<std::uint8_t> shifted(file.size() + 65);
  for (const std::size_t shift : {1, 4, 32}) {
    const std::size_t to_aligned = (64 - reinterpret_cast<std::uintptr_t>(shifted.data()) % 64) % 64;
    std::uint8_t* at = shifted.data() + (to_aligned + shift <= 65 ? to_aligned + shift : shift);
    if (reinterpret_cast<std::uintptr_t>(at) % 64 == 0) continue;
    std::memcpy(at, file.data(), file.size());
    CHECK(Model::from_bytes(at, file.size()).error().code() == ErrorCode::kMisaligned);
    LoadOptions options;
    options.copy_if_misaligned = true;
    Result<Model> copied = Model::from_bytes(at, file.size(), options);
    REQUIRE(copied.ok());
    CHECK(copied->data() != at);
  }
  CHECK(Model::from_bytes(nullptr, 5).error().code() == ErrorCode::kInvalidArgument);
}

TEST_CASE("version: a newer minor version is read, a newer major one refused by name") {
  const AlignedBytes file = model_file(mmoe_description({}));
  const schema::Model* root = schema::GetSizePrefixedModel(file.data());
  auto* table = reinterpret_cast<flatbuffers::Table*>(const_cast<schema::Model*>(root));
  const auto set = [&](flatbuffers::voffset_t field, std::uint16_t value) {
    REQUIRE(table->SetField<std::uint16_t>(field, value, 0));
  };
  set(schema::Model::VT_VERSION_MINOR, 77);
  seal(file);
  CHECK(Model::from_bytes(file.data(), file.size()).ok());
  set(schema::Model::VT_VERSION_MAJOR, schema::kVersionMajor + 1);
  seal(file);
  const Result<Model> newer = Model::from_bytes(file.data(), file.size());
  CHECK(newer.error().code() == ErrorCode::kNewerVersion);
  CHECK(std::string(newer.error().message()).find(std::to_string(schema::kVersionMajor + 1) + ".77") !=
        std::string::npos);
}

TEST_CASE("Error: a message that is too long is cut, not overrun") {
  Error error(ErrorCode::kDamaged);
  for (int i = 0; i < 100; ++i) error.append("abcdefghij").append(std::uint64_t{18446744073709551615u});
  CHECK(std::strlen(error.message()) == Error::kMaxMessage - 1);
}

TEST_CASE("errors: text of no length may be null, and numbers may be negative") {
  CHECK(std::string(Error(ErrorCode::kIo).append("a").append(nullptr, 0).append("b").message()) == "ab");
  for (const std::int64_t number : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{-10}, INT64_MIN, INT64_MAX}) {
    CHECK(std::string(Error(ErrorCode::kIo).append(number).message()) == std::to_string(number));
  }
}

TEST_CASE("errors: numbers of 64 bits, which are divided by halves") {
  for (const std::uint64_t number :
       {std::uint64_t{0}, std::uint64_t{9}, std::uint64_t{10}, std::uint64_t{4294967295u}, std::uint64_t{4294967296u},
        std::uint64_t{42949672969u}, std::uint64_t{12345678901234567890u}, std::uint64_t{18446744073709551615u}}) {
    CHECK(std::string(Error(ErrorCode::kIo).append(number).message()) == std::to_string(number));
  }
}

}  // namespace
}  // namespace mmoe::test
