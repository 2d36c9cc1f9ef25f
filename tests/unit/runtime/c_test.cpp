#include <cstring>
#include <string>

#include <doctest/doctest.h>

#include "mmoe/mmoe.h"
#include "mmoe/session.h"
#include "tests/unit/models.h"

namespace mmoe::test {
namespace {

TEST_CASE("C interface: statuses are numbered like ErrorCode") {
  CHECK(MMOE_OK == static_cast<int>(ErrorCode::kOk));
  CHECK(MMOE_IO == static_cast<int>(ErrorCode::kIo));
  CHECK(MMOE_MISALIGNED == static_cast<int>(ErrorCode::kMisaligned));
  CHECK(MMOE_UNKNOWN_CATEGORY == static_cast<int>(ErrorCode::kUnknownCategory));
  CHECK(MMOE_LIMIT_EXCEEDED == static_cast<int>(ErrorCode::kLimitExceeded));
  CHECK(std::string(mmoe_status_name(MMOE_DAMAGED)) == "damaged file");
  CHECK(std::string(mmoe_status_name(1234)) == "unknown error");
}

TEST_CASE("C interface: null handles and arguments are answered, not followed") {
  size_t size = 7;
  CHECK(mmoe_model_input_dim(nullptr) == 0);
  CHECK(mmoe_model_num_tasks(nullptr) == 0);
  CHECK(mmoe_model_user_dim(nullptr) == 0);
  CHECK(mmoe_model_candidate_dim(nullptr) == 0);
  CHECK(mmoe_model_task_name(nullptr, 0, &size) == nullptr);
  CHECK(size == 0);
  CHECK(mmoe_model_num_features(nullptr) == 0);
  CHECK(mmoe_model_find_feature(nullptr, "a") == 0);
  CHECK(mmoe_model_feature_width(nullptr, 0) == 0);
  CHECK(mmoe_model_feature_is_sparse(nullptr, 0) == 0);
  CHECK(mmoe_model_feature_length(nullptr, 0) == 0);
  CHECK(mmoe_model_find_id_text(nullptr, 0, "a", 1) == -1);
  CHECK(mmoe_model_find_id_integer(nullptr, 0, 1) == -1);
  mmoe_model_free(nullptr);
  mmoe_session* session = nullptr;
  CHECK(mmoe_session_create(nullptr, nullptr, &session) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_session_num_tasks(nullptr) == 0);
  CHECK(mmoe_session_multiply_adds_per_row(nullptr) == 0);
  CHECK(mmoe_session_num_gates(nullptr) == 0);
  CHECK(mmoe_session_num_gate_weights(nullptr) == 0);
  CHECK(mmoe_session_gate(nullptr, 0, nullptr) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_session_write_gates(nullptr, nullptr, 0) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_session_score(nullptr, nullptr, 1, nullptr) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_session_score_features(nullptr, nullptr, 1, 1, nullptr) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_session_set_user(nullptr, nullptr) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_session_set_user_features(nullptr, nullptr, 1) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_session_score_candidates(nullptr, nullptr, 1, nullptr) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_session_score_candidate_features(nullptr, nullptr, 1, 1, nullptr) == MMOE_INVALID_ARGUMENT);
  mmoe_session_free(nullptr);

  const AlignedBytes file = model_file(feature_description());
  mmoe_model* model = nullptr;
  REQUIRE(mmoe_model_from_bytes(file.data(), file.size(), 0, &model) == MMOE_OK);
  CHECK(mmoe_model_task_name(model, 0, nullptr) != nullptr);
  CHECK(mmoe_model_task_name(model, 9, nullptr) == nullptr);
  CHECK(mmoe_model_find_feature(model, nullptr) == mmoe_model_num_features(model));
  CHECK(mmoe_model_find_id_text(model, mmoe_model_find_feature(model, "country"), nullptr, 2) == -1);
  mmoe_model_free(model);
}

TEST_CASE("C interface: flags of loading, limits of a session") {
  const AlignedBytes file = model_file(mmoe_description({}));
  mmoe_model* model = nullptr;
  file.data()[file.size() - 1] ^= 1;  // of the header's checksum
  CHECK(mmoe_model_from_bytes(file.data(), file.size(), 0, &model) == MMOE_CHECKSUM);
  REQUIRE(mmoe_model_from_bytes(file.data(), file.size(), MMOE_SKIP_HEADER_CHECKSUM | MMOE_COPY, &model) == MMOE_OK);
  std::memset(file.data(), 0, file.size());
  mmoe_session* session = nullptr;
  REQUIRE(mmoe_session_create(model, nullptr, &session) == MMOE_OK);
  const uint64_t work = mmoe_session_multiply_adds_per_row(session);
  CHECK(work > 0);
  mmoe_session_free(session);
  mmoe_session_options options = {};
  options.struct_size = sizeof options;
  options.max_multiply_adds = work - 1;
  CHECK(mmoe_session_create(model, &options, &session) == MMOE_LIMIT_EXCEEDED);
  CHECK(std::string(mmoe_last_message()).find("max_multiply_adds") == 0);
  options.max_multiply_adds = work;
  REQUIRE(mmoe_session_create(model, &options, &session) == MMOE_OK);
  mmoe_session_free(session);
  mmoe_model_free(model);
}

TEST_CASE("C interface: a model, its features, a session, the C++ interface's bits") {
  const AlignedBytes file = model_file(feature_description());
  mmoe_model* model = nullptr;
  REQUIRE(mmoe_model_from_bytes(file.data(), file.size(), MMOE_VERIFY_CHECKSUMS, &model) == MMOE_OK);
  CHECK(mmoe_model_input_dim(model) == 31);
  CHECK(mmoe_model_num_tasks(model) == 2);
  size_t size = 0;
  const char* name = mmoe_model_task_name(model, 1, &size);
  CHECK(std::string(name, size) == "task 1");
  CHECK(mmoe_model_task_name(model, 2, &size) == nullptr);
  CHECK(mmoe_model_num_features(model) == 5);
  const size_t country = mmoe_model_find_feature(model, "country");
  const size_t shop = mmoe_model_find_feature(model, "shop");
  CHECK(mmoe_model_find_id_text(model, country, "ATX", 2) == 2);
  CHECK(mmoe_model_find_id_integer(model, country, 2) == -1);
  CHECK(mmoe_model_find_id_integer(model, shop, 7) == 99);
  CHECK(mmoe_model_find_id_text(model, 77, "AT", 2) == -1);
  CHECK(mmoe_model_feature_width(model, mmoe_model_find_feature(model, "history")) == 3);
  CHECK(mmoe_model_feature_is_sparse(model, country) == 1);

  const Model cpp_model = load(file);
  Random random(1);
  const std::vector<float> x = random.floats(31);
  float expected[2], found[2];
  REQUIRE(Session::create(cpp_model)->score(Input::x(x, 1), {expected}).ok());

  mmoe_session* session = nullptr;
  REQUIRE(mmoe_session_create(model, nullptr, &session) == MMOE_OK);
  REQUIRE(mmoe_session_score(session, x.data(), 1, found) == MMOE_OK);
  CHECK(std::memcmp(expected, found, sizeof found) == 0);
  const int32_t ids[] = {1};
  const mmoe_feature_column columns[] = {
      {x.data(), 1, nullptr, 0}, {nullptr, 0, ids, 1}, {nullptr, 0, ids, 1}, {nullptr, 0, ids, 1}, {x.data(), 3, nullptr, 0}};
  CHECK(mmoe_session_score_features(session, columns, 5, 1, found) == MMOE_OK);
  CHECK(mmoe_session_score_features(session, columns, 4, 1, found) == MMOE_INVALID_ARGUMENT);
  CHECK(std::string(mmoe_last_message()) == "columns: 4, the model has 5 features");
  CHECK(mmoe_model_user_dim(model) == 23);
  CHECK(mmoe_model_candidate_dim(model) == 8);
  std::vector<float> user(x.begin() + 1, x.begin() + 5), item(x.begin(), x.begin() + 1);  // country; price
  item.insert(item.end(), x.begin() + 5, x.begin() + 12);                                  // shop
  user.insert(user.end(), x.begin() + 12, x.end());                                        // device, history
  REQUIRE(mmoe_session_set_user(session, user.data()) == MMOE_OK);
  REQUIRE(mmoe_session_score_candidates(session, item.data(), 1, found) == MMOE_OK);
  CHECK(std::memcmp(expected, found, sizeof found) == 0);
  REQUIRE(mmoe_session_set_user_features(session, columns, 5) == MMOE_OK);
  REQUIRE(mmoe_session_score_candidate_features(session, columns, 5, 1, found) == MMOE_OK);
  CHECK(mmoe_session_set_user_features(session, columns, 2) == MMOE_INVALID_ARGUMENT);
  mmoe_session_free(session);

  const uint32_t tasks[] = {1};
  mmoe_session_options options = {};
  options.struct_size = sizeof options;
  options.max_batch = 7;
  options.tasks = tasks;
  options.num_tasks = 1;
  size_t bytes = 0;
  REQUIRE(mmoe_session_arena_bytes(model, &options, &bytes) == MMOE_OK);
  for (size_t shift = 0; shift < 8; ++shift) {
    std::vector<std::uint8_t> arena(bytes + shift);
    CHECK(mmoe_session_create_in(model, &options, arena.data() + shift, bytes - 1, &session) == MMOE_ARENA_TOO_SMALL);
    REQUIRE(mmoe_session_create_in(model, &options, arena.data() + shift, bytes, &session) == MMOE_OK);
    CHECK(mmoe_session_num_tasks(session) == 1);
    REQUIRE(mmoe_session_score(session, x.data(), 1, found) == MMOE_OK);
    CHECK(std::memcmp(&expected[1], found, sizeof(float)) == 0);
    mmoe_session_free(session);
  }
  options.struct_size = 3;
  CHECK(mmoe_session_create(model, &options, &session) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_session_create(nullptr, nullptr, &session) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_session_create(model, nullptr, nullptr) == MMOE_INVALID_ARGUMENT);
  mmoe_model_free(model);
  mmoe_model_free(nullptr);
  mmoe_session_free(nullptr);
}

}  // namespace
}  // namespace mmoe::test
