#include <cmath>
#include <cstring>
#include <string>

#include <doctest/doctest.h>

#include "mmoe/golden.h"
#include "mmoe/kernel_sets.h"
#include "mmoe/mmoe.h"
#include "mmoe/session.h"
#include "tests/unit/models.h"
#include "tests/unit/runtime/c_calls.h"

namespace mmoe::test {
namespace {

CModel load_c(const AlignedBytes& file) {
  mmoe_load_options options = sized<mmoe_load_options>();
  options.verify_checksums = 1;
  mmoe_model* model = nullptr;
  REQUIRE(mmoe_model_from_bytes(file.data(), file.size(), &options, &model) == MMOE_OK);
  return CModel(model);
}

CSession make_session(const CModel& model, const mmoe_session_options* options = nullptr) {
  mmoe_session* session = nullptr;
  REQUIRE(mmoe_session_create(model.get(), options, &session) == MMOE_OK);
  return CSession(session);
}

std::string text(const char* chars, size_t size) { return chars ? std::string(chars, size) : "(null)"; }

std::uint64_t ticking() {
  static std::uint64_t ticks = 0;
  return ++ticks;
}

TEST_CASE("C interface: statuses are numbered like ErrorCode; versions") {
  CHECK(MMOE_OK == static_cast<int>(ErrorCode::kOk));
  CHECK(MMOE_IO == static_cast<int>(ErrorCode::kIo));
  CHECK(MMOE_MISALIGNED == static_cast<int>(ErrorCode::kMisaligned));
  CHECK(MMOE_UNKNOWN_CATEGORY == static_cast<int>(ErrorCode::kUnknownCategory));
  CHECK(MMOE_LIMIT_EXCEEDED == static_cast<int>(ErrorCode::kLimitExceeded));
  CHECK(std::string(mmoe_status_name(MMOE_DAMAGED)) == "damaged file");
  CHECK(std::string(mmoe_status_name(1234)) == "unknown error");
  const std::string version = std::to_string(MMOE_VERSION_MAJOR) + "." + std::to_string(MMOE_VERSION_MINOR) + "." +
                              std::to_string(MMOE_VERSION_PATCH);
  CHECK(mmoe_version() == version);
  CHECK(mmoe_version_number() == MMOE_VERSION_MAJOR * 1000000 + MMOE_VERSION_MINOR * 1000 + MMOE_VERSION_PATCH);
}

TEST_CASE("C interface: null handles and arguments are answered, not followed") {
  size_t size = 7, bytes = 0;
  int32_t id = 7;
  CHECK(mmoe_model_map(nullptr, nullptr, nullptr) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_model_from_bytes(nullptr, 0, nullptr, nullptr) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_model_name(nullptr, &size) == nullptr);
  CHECK(size == 0);
  CHECK(mmoe_model_architecture(nullptr, nullptr) == nullptr);
  CHECK(mmoe_model_input_dim(nullptr) == 0);
  CHECK(mmoe_model_num_tasks(nullptr) == 0);
  CHECK(mmoe_model_user_dim(nullptr) == 0);
  CHECK(mmoe_model_candidate_dim(nullptr) == 0);
  CHECK(mmoe_model_task_name(nullptr, 0, &size) == nullptr);
  CHECK(mmoe_model_find_task(nullptr, "a") == 0);
  CHECK(mmoe_model_num_features(nullptr) == 0);
  CHECK(mmoe_model_feature(nullptr, 0, nullptr) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_model_find_feature(nullptr, "a") == 0);
  CHECK(mmoe_model_find_id_text(nullptr, 0, "a", 1, &id) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_model_find_id_integer(nullptr, 0, 1, &id) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_model_find_id_unsigned(nullptr, 0, 1, &id) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_model_data(nullptr) == nullptr);
  CHECK(mmoe_model_size_bytes(nullptr) == 0);
  CHECK(mmoe_model_verify_checksums(nullptr) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_model_golden_rows(nullptr, nullptr) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_model_tolerance_without_fma(nullptr) == 0);
  mmoe_model_free(nullptr);

  mmoe_session* session = nullptr;
  const mmoe_input input = sized<mmoe_input>();
  const mmoe_output output = sized<mmoe_output>();
  CHECK(mmoe_session_create(nullptr, nullptr, &session) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_session_arena_bytes(nullptr, nullptr, &bytes) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_session_create_in(nullptr, nullptr, &bytes, 8, &session) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_session_score(nullptr, &input, &output) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_session_set_user(nullptr, &input) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_session_profile(nullptr, &input, &output, ticking, nullptr, 0) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_session_num_tasks(nullptr) == 0);
  CHECK(mmoe_session_task(nullptr, 0) == 0);
  CHECK(mmoe_session_num_workers(nullptr) == 0);
  CHECK(mmoe_session_kernel_set(nullptr) == nullptr);
  CHECK(mmoe_session_is_exact(nullptr) == 0);
  CHECK(mmoe_session_top_k(nullptr) == 0);
  CHECK(mmoe_session_min_gate_weight(nullptr) == 0);
  CHECK(mmoe_session_non_finite(nullptr) == 0);
  CHECK(mmoe_session_block_rows(nullptr) == 0);
  CHECK(mmoe_session_multiply_adds_per_row(nullptr) == 0);
  CHECK(mmoe_session_num_gates(nullptr) == 0);
  CHECK(mmoe_session_num_gate_weights(nullptr) == 0);
  CHECK(mmoe_session_gate(nullptr, 0, nullptr) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_session_num_logits(nullptr) == 0);
  CHECK(mmoe_session_logits(nullptr, 0, &size, &bytes) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_session_num_steps(nullptr) == 0);
  CHECK(mmoe_session_step(nullptr, 0, nullptr) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_session_replay_golden(nullptr, nullptr, 0, nullptr) == MMOE_INVALID_ARGUMENT);
  mmoe_session_free(nullptr);

  CHECK(mmoe_rows_create(nullptr, nullptr, nullptr) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_rows_bytes(nullptr, nullptr, &bytes) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_rows_set_number(nullptr, 0, "a", 1) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_rows_set_list(nullptr, 0, "a", nullptr) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_rows_set_column(nullptr, "a", nullptr, nullptr, 0) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_rows_clear(nullptr, 1) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_rows_status(nullptr) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_rows_num_rows(nullptr) + mmoe_rows_max_rows(nullptr) == 0);
  CHECK(mmoe_rows_part(nullptr) == 0);
  mmoe_rows_free(nullptr);
  CHECK(mmoe_thread_pool_num_threads(nullptr) == 0);
  CHECK(mmoe_kernel_set(0, nullptr) == MMOE_INVALID_ARGUMENT);

  const AlignedBytes file = model_file(feature_description());
  const CModel model = load_c(file);
  CHECK(mmoe_model_task_name(model.get(), 0, nullptr) != nullptr);
  CHECK(mmoe_model_task_name(model.get(), 9, nullptr) == nullptr);
  CHECK(mmoe_model_find_task(model.get(), nullptr) == 2);
  CHECK(mmoe_model_find_feature(model.get(), nullptr) == mmoe_model_num_features(model.get()));
  CHECK(mmoe_model_find_id_text(model.get(), 1, nullptr, 2, &id) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_model_find_id_text(model.get(), 1, "AT", 2, nullptr) == MMOE_INVALID_ARGUMENT);
  const CSession made = make_session(model);
  CHECK(mmoe_session_score(made.get(), nullptr, &output) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_session_score(made.get(), &input, nullptr) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_session_set_user(made.get(), nullptr) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_session_create(model.get(), nullptr, nullptr) == MMOE_INVALID_ARGUMENT);
}

TEST_CASE("C interface: options of loading, limits of a session") {
  const AlignedBytes file = model_file(mmoe_description({}));
  mmoe_model* loaded = nullptr;
  file.data()[file.size() - 1] ^= 1;  // of the header's checksum
  CHECK(mmoe_model_from_bytes(file.data(), file.size(), nullptr, &loaded) == MMOE_CHECKSUM);
  mmoe_load_options load = sized<mmoe_load_options>();
  CHECK(mmoe_model_from_bytes(file.data(), file.size(), &load, &loaded) == MMOE_CHECKSUM);
  load.no_verify_header = load.copy = 1;
  REQUIRE(mmoe_model_from_bytes(file.data(), file.size(), &load, &loaded) == MMOE_OK);
  const CModel model(loaded);
  CHECK(mmoe_model_verify_checksums(model.get()) == MMOE_CHECKSUM);
  CHECK(mmoe_model_data(model.get()) != file.data());
  CHECK(mmoe_model_size_bytes(model.get()) == file.size());
  CHECK(std::memcmp(mmoe_model_data(model.get()), file.data(), file.size()) == 0);
  std::memset(file.data(), 0, file.size());
  load.struct_size = 3;
  CHECK(mmoe_model_from_bytes(file.data(), file.size(), &load, &loaded) == MMOE_INVALID_ARGUMENT);

  const uint64_t work = mmoe_session_multiply_adds_per_row(make_session(model).get());
  CHECK(work > 0);
  mmoe_session_options options = sized<mmoe_session_options>();
  mmoe_session* session = nullptr;
  options.max_multiply_adds = work - 1;
  CHECK(mmoe_session_create(model.get(), &options, &session) == MMOE_LIMIT_EXCEEDED);
  CHECK(std::string(mmoe_last_message()).find("max_multiply_adds") == 0);
  options.max_multiply_adds = work;
  make_session(model, &options);
  options.skip_experts = 3;
  CHECK(mmoe_session_create(model.get(), &options, &session) == MMOE_INVALID_ARGUMENT);
  CHECK(std::string(mmoe_last_message()) == "options.skip_experts: 3, expected 0 to 2");
  options.skip_experts = MMOE_SKIP_NEVER;
  options.non_finite = -1;
  CHECK(mmoe_session_create(model.get(), &options, &session) == MMOE_INVALID_ARGUMENT);
  CHECK(session == nullptr);
}

TEST_CASE("C interface: kernel sets are those of C++") {
  REQUIRE(mmoe_num_kernel_sets() == num_kernel_sets());
  for (size_t i = 0; i < num_kernel_sets(); ++i) {
    mmoe_kernel_set_info info = sized<mmoe_kernel_set_info>();
    REQUIRE(mmoe_kernel_set(i, &info) == MMOE_OK);
    CHECK(std::string(info.name) == kernel_set(i).name);
    CHECK(info.lanes == kernel_set(i).lanes);
    CHECK((info.exact != 0) == kernel_set(i).exact);
    CHECK((info.available != 0) == kernel_set(i).available);
  }
  mmoe_kernel_set_info info = sized<mmoe_kernel_set_info>();
  CHECK(mmoe_kernel_set(num_kernel_sets(), &info) == MMOE_INVALID_ARGUMENT);
}

TEST_CASE("C interface: a model and its features are described") {
  const AlignedBytes file = model_file(feature_description());
  const CModel model = load_c(file);
  const Model expected = load(file);
  size_t size = 0;
  const char* name = mmoe_model_name(model.get(), &size);
  CHECK(text(name, size) == "features");
  name = mmoe_model_architecture(model.get(), &size);
  CHECK(text(name, size) == expected.architecture());
  CHECK(mmoe_model_input_dim(model.get()) == 31);
  CHECK(mmoe_model_user_dim(model.get()) == 23);
  CHECK(mmoe_model_candidate_dim(model.get()) == 8);
  CHECK(mmoe_model_num_tasks(model.get()) == 2);
  name = mmoe_model_task_name(model.get(), 1, &size);
  CHECK(text(name, size) == "task 1");
  CHECK(name[size] == '\0');
  CHECK(mmoe_model_find_task(model.get(), "task 1") == 1);
  CHECK(mmoe_model_find_task(model.get(), "task") == 2);
  CHECK(mmoe_model_verify_checksums(model.get()) == MMOE_OK);

  REQUIRE(mmoe_model_num_features(model.get()) == expected.num_features());
  for (size_t i = 0; i < expected.num_features(); ++i) {
    mmoe_feature_info info = sized<mmoe_feature_info>();
    const FeatureInfo feature = expected.feature(i);
    REQUIRE(mmoe_model_feature(model.get(), i, &info) == MMOE_OK);
    CHECK(text(info.name, info.name_size) == feature.name);
    CHECK(info.name[info.name_size] == '\0');
    CHECK(text(info.source, info.source_size) == feature.source);
    CHECK(info.column == feature.column);
    CHECK(info.width == feature.width);
    CHECK(info.length == feature.length);
    CHECK(info.num_values == feature.num_values);
    CHECK(info.num_ids == feature.num_ids);
    CHECK(info.kind == static_cast<int32_t>(feature.kind));
    CHECK(info.side == static_cast<int32_t>(feature.side));
    CHECK((info.string_values != 0) == feature.string_values);
    CHECK((info.refuses_unknown != 0) == feature.refuses_unknown);
    CHECK((info.refuses_missing != 0) == feature.refuses_missing);
    CHECK((info.hashed != 0) == feature.hashed);
    CHECK((info.number_values != 0) == feature.number_values);
    CHECK(mmoe_model_find_feature(model.get(), info.name) == i);
  }
  mmoe_feature_info info = sized<mmoe_feature_info>();
  CHECK(mmoe_model_feature(model.get(), 5, &info) == MMOE_INVALID_ARGUMENT);
  info.struct_size = offsetof(mmoe_feature_info, source);  // of an older caller
  CHECK(mmoe_model_feature(model.get(), 0, &info) == MMOE_OK);
  CHECK(info.source == nullptr);
  info.struct_size = 0;
  CHECK(mmoe_model_feature(model.get(), 0, &info) == MMOE_INVALID_ARGUMENT);

  int32_t id = 0;
  CHECK(mmoe_model_find_id_text(model.get(), 1, "ATX", 2, &id) == MMOE_OK);
  CHECK(id == 2);
  CHECK(mmoe_model_find_id_text(model.get(), 1, "ATX", 3, &id) == MMOE_OK);
  CHECK(id == MMOE_UNKNOWN_ID);
  CHECK(mmoe_model_find_id_integer(model.get(), 2, 7, &id) == MMOE_OK);
  CHECK(id == 99);
  CHECK(mmoe_model_find_id_unsigned(model.get(), 2, 7, &id) == MMOE_OK);
  CHECK(id == 99);
  CHECK(mmoe_model_find_id_unsigned(model.get(), 2, UINT64_MAX - 2, &id) == MMOE_OK);
  CHECK(id == MMOE_UNKNOWN_ID);  // -3 is there
  CHECK(mmoe_model_find_id_unsigned(model.get(), 1, 2, &id) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_model_find_id_integer(model.get(), 1, 2, &id) == MMOE_INVALID_ARGUMENT);
  CHECK(std::string(mmoe_last_message()) == "feature 1: its values are texts");
  CHECK(mmoe_model_find_id_text(model.get(), 77, "AT", 2, &id) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_model_find_id_text(model.get(), 0, "AT", 2, &id) == MMOE_INVALID_ARGUMENT);
}

TEST_CASE("C interface: x and columns give the C++ interface's bits; strides; gates; logits; errors") {
  const AlignedBytes file = model_file(feature_description());
  const CModel model = load_c(file);
  const Model cpp_model = load(file);
  Random random(1);
  const std::vector<float> x = random.floats(2 * 31);
  std::vector<float> expected(4), found(4);
  Result<Session> cpp_session = Session::create(cpp_model);
  const Plan& plan = cpp_session->plan();
  std::vector<float> gates(2 * plan.num_gate_weights()), logits(2 * plan.num_logits());
  std::vector<float> found_gates(gates.size()), found_logits(logits.size());
  Output cpp_output = {expected};
  cpp_output.gate_weights = gates;
  cpp_output.logits = logits;
  REQUIRE(cpp_session->score(Input::x(x, 2), cpp_output).ok());

  const CSession session = make_session(model);
  CHECK(score(session.get(), x_input(x.data(), x.size(), 0), found) == MMOE_INVALID_ARGUMENT);  // num_rows forgotten
  CHECK(score(session.get(), x_input(nullptr, 0, 1), found) == MMOE_INVALID_ARGUMENT);          // nothing given
  CHECK(score(session.get(), x_input(nullptr, 0, 0), found) == MMOE_OK);                        // no rows
  CHECK(mmoe_session_num_tasks(session.get()) == 2);
  CHECK(mmoe_session_task(session.get(), 1) == 1);
  CHECK(mmoe_session_task(session.get(), 2) == SIZE_MAX);
  CHECK(mmoe_session_num_workers(session.get()) == 1);
  CHECK(std::string(mmoe_session_kernel_set(session.get())) == plan.kernel_set());
  CHECK((mmoe_session_is_exact(session.get()) != 0) == plan.is_exact());
  CHECK(mmoe_session_block_rows(session.get()) == plan.block_rows());
  CHECK(mmoe_session_multiply_adds_per_row(session.get()) == plan.multiply_adds_per_row());
  CHECK(mmoe_session_num_logits(session.get()) == plan.num_logits());
  size_t first = 0, count = 0;
  REQUIRE(mmoe_session_logits(session.get(), 1, &first, &count) == MMOE_OK);
  CHECK(first == plan.logits(1).first);
  CHECK(count == plan.logits(1).count);
  CHECK(mmoe_session_logits(session.get(), 2, &first, &count) == MMOE_INVALID_ARGUMENT);

  mmoe_output output = scores_output(found.data(), found.size());
  output.gate_weights = found_gates.data();
  output.num_gate_weights = found_gates.size();
  output.logits = found_logits.data();
  output.num_logits = found_logits.size();
  mmoe_input input = x_input(x.data(), x.size(), 2);
  REQUIRE(mmoe_session_score(session.get(), &input, &output) == MMOE_OK);
  CHECK(found == expected);
  CHECK(found_gates == gates);
  CHECK(found_logits == logits);

  std::vector<float> wide(2 * 40), spread(2 * 5, -7);
  for (size_t row = 0; row < 2; ++row) std::memcpy(&wide[row * 40], &x[row * 31], 31 * sizeof(float));
  input = x_input(wide.data(), wide.size(), 2);
  input.x_stride = 40;
  output = scores_output(spread.data(), spread.size());
  output.scores_stride = 5;
  REQUIRE(mmoe_session_score(session.get(), &input, &output) == MMOE_OK);
  CHECK(std::memcmp(&spread[5], &expected[2], 2 * sizeof(float)) == 0);
  CHECK(spread[2] == -7);

  // Too short, null, several at once, none, of another size, not made by the library.
  const auto refused = [&](const mmoe_input& its_input, const mmoe_output& its_output) {
    CHECK(mmoe_session_score(session.get(), &its_input, &its_output) == MMOE_INVALID_ARGUMENT);
    return std::string(mmoe_last_message());
  };
  output = scores_output(found.data(), found.size());
  CHECK(refused(x_input(x.data(), 61, 2), output).find("x: ") == 0);
  CHECK(refused(x_input(nullptr, 62, 2), output) == "input.x: null");
  CHECK(refused(sized<mmoe_input>(), scores_output(nullptr, 4)) == "output.scores: null");
  CHECK(refused(x_input(x.data(), 62, 2), scores_output(found.data(), 3)).find("scores: ") == 0);
  CHECK(refused(x_input(x.data(), 62, 2), sized<mmoe_output>()).find("scores: ") == 0);
  const mmoe_feature_column columns[5] = {};
  input = column_input(columns, 5, 1);
  input.x = x.data();
  CHECK(refused(input, output) == "input: more than one of x, columns and rows is set");
  input = column_input(columns, 5, 1);
  input.columns.library = nullptr;
  CHECK(refused(input, output) == "input.columns: not made by mmoe_columns_make()");
  CHECK(refused(column_input(nullptr, 5, 1), output) == "columns: null");
  CHECK(refused(column_input(columns, 4, 1), output).find("columns: length 4, needs 5") == 0);
  input = x_input(x.data(), 62, 2);
  input.struct_size = sizeof input + 8;
  CHECK(refused(input, output).find("input.struct_size: ") == 0);
}

TEST_CASE("C interface: a user and candidates, by x and by columns") {
  const AlignedBytes file = model_file(feature_description());
  const CModel model = load_c(file);
  const Model cpp_model = load(file);
  Random random(1);
  const std::vector<float> x = random.floats(31);
  std::vector<float> expected(2), found(2);
  REQUIRE(Session::create(cpp_model)->score(Input::x(x, 1), {expected}).ok());
  std::vector<float> user(x.begin() + 1, x.begin() + 5), item(x.begin(), x.begin() + 1);  // country; price
  item.insert(item.end(), x.begin() + 5, x.begin() + 12);                                 // shop
  user.insert(user.end(), x.begin() + 12, x.end());                                       // device, history
  const CSession session = make_session(model);
  const mmoe_input candidate = x_input(item.data(), item.size(), 1, true);
  CHECK(score(session.get(), candidate, found) == MMOE_INVALID_ARGUMENT);  // no user yet
  mmoe_input user_input = x_input(user.data(), user.size(), 1);
  REQUIRE(mmoe_session_set_user(session.get(), &user_input) == MMOE_OK);
  REQUIRE(score(session.get(), candidate, found) == MMOE_OK);
  CHECK(found == expected);

  const int32_t ids[] = {1};
  const mmoe_feature_column columns[] = {{x.data(), 1, nullptr, 0},
                                         {nullptr, 0, ids, 1},
                                         {nullptr, 0, ids, 1},
                                         {nullptr, 0, ids, 1},
                                         {x.data(), 3, nullptr, 0}};
  REQUIRE(score(session.get(), column_input(columns, 5, 1), expected) == MMOE_OK);
  user_input = column_input(columns, 5, 1);
  REQUIRE(mmoe_session_set_user(session.get(), &user_input) == MMOE_OK);
  REQUIRE(score(session.get(), column_input(columns, 5, 1, true), found) == MMOE_OK);
  CHECK(found == expected);
  user_input = column_input(columns, 2, 1);
  CHECK(mmoe_session_set_user(session.get(), &user_input) == MMOE_INVALID_ARGUMENT);

  // A whole row is not a user's. No rows are fine, by x and by columns; a forgotten number of rows is not.
  user_input = x_input(x.data(), x.size(), 1);
  CHECK(mmoe_session_set_user(session.get(), &user_input) == MMOE_INVALID_ARGUMENT);
  CHECK(std::string(mmoe_last_message()) == "x: length 31, needs 23 (rows: 1, per row: 23)");
  CHECK(score(session.get(), x_input(nullptr, 0, 0), found) == MMOE_OK);
  CHECK(score(session.get(), column_input(nullptr, 0, 0), found) == MMOE_OK);
  CHECK(score(session.get(), x_input(x.data(), x.size(), 0), found) == MMOE_INVALID_ARGUMENT);
  CHECK(score(session.get(), column_input(columns, 5, 0), found) == MMOE_INVALID_ARGUMENT);
}

TEST_CASE("C interface: a session in the caller's memory; chosen tasks; options") {
  const AlignedBytes file = model_file(feature_description());
  const CModel model = load_c(file);
  Random random(1);
  const std::vector<float> x = random.floats(31);
  std::vector<float> expected(2), found(1);
  REQUIRE(score(make_session(model).get(), x_input(x.data(), 31, 1), expected) == MMOE_OK);
  const uint32_t tasks[] = {1};
  mmoe_session_options options = sized<mmoe_session_options>();
  options.max_batch = 7;
  options.tasks = tasks;
  options.num_tasks = 1;
  options.non_finite = MMOE_NON_FINITE_IS_ERROR;
  size_t bytes = 0;
  REQUIRE(mmoe_session_arena_bytes(model.get(), &options, &bytes) == MMOE_OK);
  for (size_t shift = 0; shift < 8; ++shift) {
    std::vector<std::uint8_t> arena(bytes + shift);
    mmoe_session* session = nullptr;
    CHECK(mmoe_session_create_in(model.get(), &options, arena.data() + shift, bytes - 1, &session) ==
          MMOE_ARENA_TOO_SMALL);
    REQUIRE(mmoe_session_create_in(model.get(), &options, arena.data() + shift, bytes, &session) == MMOE_OK);
    CHECK(mmoe_session_num_tasks(session) == 1);
    CHECK(mmoe_session_task(session, 0) == 1);
    CHECK(mmoe_session_non_finite(session) == MMOE_NON_FINITE_IS_ERROR);
    REQUIRE(score(session, x_input(x.data(), 31, 1), found) == MMOE_OK);
    CHECK(found[0] == expected[1]);
    mmoe_session_free(session);
  }
  options.top_k = 2;
  options.min_gate_weight = 0.25f;
  const CSession session = make_session(model, &options);
  CHECK(mmoe_session_top_k(session.get()) == 2);
  CHECK(mmoe_session_min_gate_weight(session.get()) == 0.25f);
  mmoe_session* refused = nullptr;
  options.struct_size = 3;
  CHECK(mmoe_session_create(model.get(), &options, &refused) == MMOE_INVALID_ARGUMENT);
}

TEST_CASE("C interface: golden rows are described and replayed; steps and profile") {
  const AlignedBytes file = model_file(feature_description(), 8);
  const CModel model = load_c(file);
  mmoe_golden_rows golden = sized<mmoe_golden_rows>();
  REQUIRE(mmoe_model_golden_rows(model.get(), &golden) == MMOE_OK);
  CHECK(golden.num_rows == 8);
  CHECK(golden.has_features == 1);
  CHECK(golden.num_ids == 3);
  CHECK(mmoe_model_tolerance_without_fma(model.get()) == tolerance_without_fma(load(file)));
  const CSession session = make_session(model);
  mmoe_golden_report report = sized<mmoe_golden_report>();
  std::vector<float> room(2);
  REQUIRE(mmoe_session_replay_golden(session.get(), nullptr, 0, &report) == MMOE_OK);
  CHECK(report.num_rows == 8);
  CHECK(report.num_scores == 16);
  CHECK(report.num_wrong == 0);
  CHECK(report.exact == mmoe_session_is_exact(session.get()));
  REQUIRE(mmoe_session_replay_golden(session.get(), room.data(), room.size(), &report) == MMOE_OK);
  CHECK(report.num_wrong == 0);
  CHECK(mmoe_session_replay_golden(session.get(), nullptr, 2, &report) == MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_session_replay_golden(session.get(), room.data(), 1, &report) == MMOE_INVALID_ARGUMENT);

  // A stored score that the model does not give.
  const_cast<float*>(golden.scores)[5] += 1;  // the file's memory is this test's
  REQUIRE(mmoe_session_replay_golden(session.get(), nullptr, 0, &report) == MMOE_OK);
  CHECK(report.num_wrong == 1);
  CHECK(report.row == 2);
  CHECK(report.task == 1);
  CHECK(report.expected == golden.scores[5]);

  const size_t num_steps = mmoe_session_num_steps(session.get());
  REQUIRE(num_steps > 0);
  mmoe_step_info step = sized<mmoe_step_info>();
  REQUIRE(mmoe_session_step(session.get(), 0, &step) == MMOE_OK);
  CHECK(std::string(step.kind) == "dense");
  CHECK(step.outputs > 0);
  CHECK(mmoe_session_step(session.get(), num_steps, &step) == MMOE_INVALID_ARGUMENT);
  std::vector<std::uint64_t> ticks(num_steps);
  const std::vector<float> x(31);
  const mmoe_input input = x_input(x.data(), x.size(), 1);
  const mmoe_output output = scores_output(room.data(), room.size());
  REQUIRE(mmoe_session_profile(session.get(), &input, &output, ticking, ticks.data(), num_steps) == MMOE_OK);
  CHECK(ticks[0] > 0);
  CHECK(mmoe_session_profile(session.get(), &input, &output, ticking, ticks.data(), num_steps - 1) ==
        MMOE_INVALID_ARGUMENT);
  CHECK(mmoe_session_profile(session.get(), &input, &output, nullptr, ticks.data(), num_steps) ==
        MMOE_INVALID_ARGUMENT);
}

}  // namespace
}  // namespace mmoe::test
