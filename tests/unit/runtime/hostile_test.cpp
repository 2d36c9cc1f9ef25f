// Damaged, truncated and hostile files: an error or a sound model, never a crash. Run under the address and
// undefined-behaviour sanitizers to mean anything.
#include <cstring>
#include <limits>
#include <type_traits>

#include <doctest/doctest.h>

#include "mmoe/session.h"
#include "schema/format.h"
#include "schema/mmoe_generated.h"
#include "tests/unit/models.h"

namespace mmoe::test {
namespace {

constexpr std::size_t kMaxArena = std::size_t{16} << 20;

// Uses everything of whatever loads.
void use(const AlignedBytes& file) {
  LoadOptions load_options;
  load_options.verify_header = false;  // or nearly everything would stop there
  Result<Model> model = Model::from_bytes(file.data(), file.size(), load_options);
  if (!model) {
    REQUIRE(model.error().code() != ErrorCode::kOk);
    REQUIRE(std::strlen(model.error().message()) > 0);
    return;
  }
  (void)model->verify_checksums();
  for (std::size_t i = 0; i < model->num_features(); ++i) {
    if (model->feature(i).kind == FeatureKind::kDense) continue;
    for (const char* text : {"", "AT", "zz"}) {
      if (model->feature(i).string_values) (void)model->find_id(i, std::string_view(text));
    }
    if (!model->feature(i).string_values) (void)model->find_id(i, std::int64_t{7});
  }
  (void)model->golden_rows();
  PlanOptions options;
  options.max_batch = 3;
  const Result<Plan> plan = Plan::create(*model, options);
  if (!plan || plan->arena_bytes() > kMaxArena || model->input_dim() > 10000) return;
  Result<Session> session = Session::create(*plan);
  if (!session) return;
  const std::vector<float> x(3 * model->input_dim(), 0.5f);
  std::vector<float> scores(3 * model->num_tasks());
  (void)session->score(Input::x(x, 3), {scores});
  if (!session->set_user(Input::x({x.data(), model->user_dim()}, 1))) return;
  (void)session->score(Input::x({x.data(), 3 * model->candidate_dim()}, 3).candidates(), {scores});
}

TEST_CASE("hostile: every truncation is an error") {
  for (const converter::TrainedModel& description :
       {mmoe_description({8, 2, {4}, 2, {}, 0, 0}), feature_description()}) {
    const AlignedBytes whole = model_file(description, 1);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const AlignedBytes part(whole.data(), size);
      REQUIRE_FALSE(Model::from_bytes(part.data(), part.size()).ok());
    }
  }
}

// Every `step`-th byte of the header, from `first` on.
void flip_bytes(std::size_t first, std::size_t step) {
  for (const converter::TrainedModel& description :
       {mmoe_description({8, 2, {4}, 2, {}, 1, 0}), mixed_description(), feature_description(),
        user_item_description(true, 1), normalised_description(2), sequence_description(), linked_description(3),
        hashed_description(), crossed_description(), weighted_description(), function_description(),
        binned_description(), parts_description(2), feature_parts_description(), node_description(2),
        feature_node_description(), attention_description()}) {
    const AlignedBytes file = model_file(description, 1);
    std::uint32_t header = 0;
    std::memcpy(&header, file.data(), sizeof header);
    for (std::size_t at = first; at < header + 4; at += step) {
      const std::uint8_t original = file.data()[at];
      for (const int flip : {0x01, 0x80, 0xFF}) {
        file.data()[at] = static_cast<std::uint8_t>(original ^ flip);
        use(file);
        REQUIRE_FALSE(Model::from_bytes(file.data(), file.size()).ok());
      }
      file.data()[at] = original;
    }
    use(file);
  }
}

TEST_CASE("hostile: a flipped byte of the header is an error or a model that can be used") { flip_bytes(3, 7); }

TEST_CASE("hostile: every flipped byte of the header is, too (not emulated)") { flip_bytes(0, 1); }

// Layers of different streams that share one weight tensor must not become one product: while a plan is measured no
// buffer has an address, and all looked alike.
TEST_CASE("hostile: readers of different streams that share weights") {
  const AlignedBytes file = model_file(cross_stitch_description());
  const schema::Model& root = *schema::GetSizePrefixedModel(file.data());
  const auto layer = [&](flatbuffers::uoffset_t expert) {
    const schema::Dense* dense = root.levels()->Get(1)->experts()->Get(expert)->layers()->Get(0);
    return reinterpret_cast<flatbuffers::Table*>(const_cast<schema::Dense*>(dense));
  };
  for (const auto field : {schema::Dense::VT_WEIGHT, schema::Dense::VT_BIAS, schema::Dense::VT_COLUMN}) {
    REQUIRE(layer(1)->SetField<std::uint32_t>(field, layer(0)->GetField<std::uint32_t>(field, 0), 0));
  }
  seal(file);
  Result<Model> model = Model::from_bytes(file.data(), file.size());
  REQUIRE(model.ok());
  PlanOptions options;
  options.max_batch = 5;
  const Result<Plan> plan = Plan::create(*model, options);
  std::vector<std::uint8_t> arena(plan->arena_bytes() + 64, 0xA5);
  Result<Session> session = Session::create(*plan, arena.data(), plan->arena_bytes());
  REQUIRE(session.ok());
  Random random(1);
  const std::vector<float> x = random.floats(5 * model->input_dim());
  std::vector<float> scores(5 * model->num_tasks());
  REQUIRE(session->score(Input::x(x, 5), {scores}).ok());
  for (std::size_t i = plan->arena_bytes(); i < arena.size(); ++i) REQUIRE(arena[i] == 0xA5);
}

// In one product the first expert's normalisation, which works in place, would be applied to the second's outputs too.
TEST_CASE("hostile: normalized layers that share their panels") {
  converter::TrainedModel description = mmoe_description({20, 4, {16, 12}, 2, {8}, 2, 0});
  Random random(1);
  for (converter::Expert& expert : description.levels[0].experts) {
    expert.layers[0].layer_norm_before_activation = random_layer_norm(16, random);
  }
  const AlignedBytes file = model_file(description);
  const schema::Model& root = *schema::GetSizePrefixedModel(file.data());
  const auto layer = [&](flatbuffers::uoffset_t expert) {
    return root.levels()->Get(0)->experts()->Get(expert)->layers()->Get(0);
  };
  REQUIRE(layer(1)->weight() == layer(0)->weight());
  auto* second = reinterpret_cast<flatbuffers::Table*>(const_cast<schema::Dense*>(layer(1)));
  REQUIRE(second->SetField<std::uint32_t>(schema::Dense::VT_COLUMN, layer(0)->column(), 0));
  seal(file);
  const Result<Model> loaded = Model::from_bytes(file.data(), file.size());
  REQUIRE(loaded.ok());
  const Model& model = *loaded;
  const std::vector<float> x = random.floats(5 * model.input_dim());
  std::vector<float> scores[2];
  for (const SkipExperts skip : {SkipExperts::kAlways, SkipExperts::kNever}) {
    SessionOptions options;
    options.max_batch = 5;
    options.skip_experts = skip;
    Result<Session> session = Session::create(model, options);
    REQUIRE(session.ok());
    std::vector<float>& out = scores[skip == SkipExperts::kNever];
    out.resize(5 * model.num_tasks());
    REQUIRE(session->score(Input::x(x, 5), {out}).ok());
  }
  CHECK(scores[0] == scores[1]);
}

TEST_CASE("hostile: segments that overlap are refused, so that checksums cannot cost more than the file") {
  const AlignedBytes file = model_file(feature_description());
  const schema::Model& root = *schema::GetSizePrefixedModel(file.data());
  const schema::Segment* first = root.segments()->Get(0);
  auto* second = reinterpret_cast<flatbuffers::Table*>(const_cast<schema::Segment*>(root.segments()->Get(2)));
  REQUIRE(second->SetField<std::uint64_t>(schema::Segment::VT_OFFSET, first->offset(), 0));
  REQUIRE(second->SetField<std::uint64_t>(schema::Segment::VT_BYTES, file.size() - first->offset(), 0));
  seal(file);
  const Result<Model> model = Model::from_bytes(file.data(), file.size());
  REQUIRE_FALSE(model.ok());
  CHECK(std::string(model.error().message()).find("overlaps") != std::string::npos);
}

std::string message_of(const std::uint8_t* data, std::size_t size, ErrorCode code) {
  const AlignedBytes file(data, size);
  const Result<Model> model = Model::from_bytes(file.data(), file.size());
  REQUIRE_FALSE(model.ok());
  CHECK(model.error().code() == code);
  return model.error().message();
}

bool contains(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

TEST_CASE("hostile: a cut file, one with bytes behind it and a damaged header are told apart") {
  const AlignedBytes whole = model_file(feature_description(), 1);
  std::vector<std::uint8_t> bytes(whole.data(), whole.data() + whole.size());
  const std::string all = std::to_string(bytes.size());
  CHECK(contains(message_of(bytes.data(), bytes.size() - 1, ErrorCode::kDamaged), "truncated: the model has"));
  CHECK(contains(message_of(bytes.data(), bytes.size() - 1, ErrorCode::kDamaged), all.c_str()));
  CHECK(contains(message_of(bytes.data(), 100, ErrorCode::kDamaged), "truncated: the header has"));
  for (const std::size_t more : {std::size_t{1}, std::size_t{64}, bytes.size()}) {
    std::vector<std::uint8_t> longer = bytes;
    longer.resize(bytes.size() + more);
    const std::string message = message_of(longer.data(), longer.size(), ErrorCode::kDamaged);
    CHECK(contains(message, (std::to_string(more) + " bytes follow the model's " + all).c_str()));
    const AlignedBytes file(longer.data(), longer.size());
    LoadOptions unchecked;
    unchecked.verify_header = false;
    CHECK_FALSE(Model::from_bytes(file.data(), file.size(), unchecked).ok());
  }
  std::uint32_t header = 0;
  std::memcpy(&header, bytes.data(), sizeof header);
  bytes[header / 2] ^= 4;
  CHECK(contains(message_of(bytes.data(), bytes.size(), ErrorCode::kChecksum), "the header is damaged"));
  // A checksum that is right for tables that reach beyond the header: no accident.
  bytes[header / 2] ^= 4;
  bytes[5] = 0xFF;
  const AlignedBytes forged(bytes.data(), bytes.size());
  seal(forged);
  CHECK(contains(message_of(forged.data(), forged.size(), ErrorCode::kDamaged), "FlatBuffers"));
}

TEST_CASE("hostile: gates that are no softmax and do not fit are refused by name") {
  const AlignedBytes whole = model_file(gate_functions_description(0), 1);
  const auto refused = [&](flatbuffers::uoffset_t gate, auto field, auto value, ErrorCode code = ErrorCode::kDamaged) {
    const AlignedBytes file(whole.data(), whole.size());
    const schema::Gate* part = schema::GetSizePrefixedModel(file.data())->levels()->Get(1)->gates()->Get(gate);
    auto* table = reinterpret_cast<flatbuffers::Table*>(const_cast<schema::Gate*>(part));
    REQUIRE(table->SetField(field, value, decltype(value){99}));
    seal(file);
    return message_of(file.data(), file.size(), code);
  };
  using Gate = schema::Gate;
  // Sigmoid, linear with scales, three selectors of five experts, one selector of two with scales, softmax.
  CHECK(contains(refused(0, Gate::VT_TOP_K_MODE, std::uint8_t{1}),
                 "levels[1].gates[0]: top_k_mode: 1 of a gate that is"));
  CHECK(contains(refused(0, Gate::VT_TOP_K, 6u), "levels[1].gates[0]: top_k: 6 of 5 experts"));
  CHECK(contains(refused(1, Gate::VT_SCALES, 1000000), "levels[1].gates[1]: scales: not a row of 3 floats"));
  CHECK(contains(refused(1, Gate::VT_SCALES, -2), "levels[1].gates[1]: scales: not a row of 3 floats"));
  CHECK(contains(refused(2, Gate::VT_NUM_SELECTORS, 0u), "gates[2].num_selectors: 0"));
  CHECK(contains(refused(2, Gate::VT_NUM_SELECTORS, 65u), "gates[2].num_selectors: 65"));
  CHECK(contains(refused(2, Gate::VT_NUM_SELECTORS, 2u), "levels[1].gates[2].logits: 12 for 5 experts"));
  CHECK(contains(refused(2, Gate::VT_KIND, std::uint8_t{schema::GateKind_Activated}), "logits: 12 for 5 experts"));
  CHECK(contains(refused(0, Gate::VT_KIND, std::uint8_t{schema::GateKind_SmoothStep}), "gates[0].num_selectors: 0"));
}

// Fields that a link, a gate or an activation reads without another check once the model has loaded.
TEST_CASE("hostile: links, gate scales and activations that do not fit are refused by name") {
  const AlignedBytes whole = model_file(linked_description(3), 1);
  const auto refused = [&](ErrorCode code, const auto& damage) {
    const AlignedBytes file(whole.data(), whole.size());
    damage(*const_cast<schema::Model*>(schema::GetSizePrefixedModel(file.data())));
    seal(file);
    return message_of(file.data(), file.size(), code);
  };
  const auto table = [](const auto* part) {
    using Part = std::remove_const_t<std::remove_pointer_t<decltype(part)>>;
    return reinterpret_cast<flatbuffers::Table*>(const_cast<Part*>(part));
  };
  const auto set_map = [&](const schema::LinkMap& map, ErrorCode code = ErrorCode::kDamaged) {
    return refused(
        code, [&](schema::Model& root) { *const_cast<schema::LinkMap*>(root.tasks()->Get(0)->link()->map()) = map; });
  };
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr auto kLogit = schema::LinkKind_Identity;
  constexpr auto kTanh = schema::ActivationKind_Tanh;
  CHECK(contains(set_map({kLogit, kTanh, 0, 0, kNan, 0, 0, 1}), "tasks[0].link.map: missing, not finite"));
  CHECK(contains(set_map({kLogit, kTanh, 0, 0, 1, kInfinity, 0, 1}), "tasks[0].link.map: missing, not finite"));
  CHECK(contains(set_map({kLogit, kTanh, 0, 0, 1, 0, 2, 1}), "or empty bounds"));
  CHECK(contains(set_map({kLogit, kTanh, 0, 0, 1, 0, 0, kNan}), "or empty bounds"));
  CHECK(contains(set_map({kLogit, kTanh, kInfinity, 0, 1, 0, 0, 1}), "tasks[0].link.map: alpha or beta: not finite"));
  CHECK(contains(set_map({kLogit, kTanh, 0, kNan, 1, 0, 0, 1}), "tasks[0].link.map: alpha or beta: not finite"));
  const auto unsupported = ErrorCode::kUnsupported;
  for (const int kind : {1, 6, 7, 255}) {
    const std::string message = set_map({static_cast<schema::LinkKind>(kind), kTanh, 0, 0, 1, 0, 0, 1}, unsupported);
    CHECK(contains(message, ("tasks[0].link.map: kind " + std::to_string(kind)).c_str()));
  }
  for (const int activation : {3, 24, 255}) {
    const std::string message =
        set_map({kLogit, static_cast<schema::ActivationKind>(activation), 0, 0, 1, 0, 0, 1}, unsupported);
    CHECK(contains(message, ("tasks[0].link.map: kind 0, activation " + std::to_string(activation)).c_str()));
  }
  const auto set_link = [&](flatbuffers::uoffset_t task, auto field, auto value, ErrorCode code) {
    return refused(code, [&](schema::Model& root) {
      REQUIRE(table(root.tasks()->Get(task)->link())->SetField(field, value, decltype(value){99}));
    });
  };
  // "bounded", "class", "log", "level", "not", "product", "tanh", "raw"
  using Link = schema::Link;
  CHECK(contains(set_link(2, Link::VT_COLUMN, 4u, ErrorCode::kDamaged), "tasks[2]: column: 4 of 4"));
  CHECK(contains(set_link(3, Link::VT_TOWER, 3u, ErrorCode::kDamaged), "tasks[3]: values: 4 for 3 classes"));
  CHECK(contains(set_link(2, Link::VT_TOWER, 0u, unsupported), "tasks[2]: softmax over 1 classes, expected 2 to 256"));
  CHECK(contains(set_link(2, Link::VT_KIND, std::uint8_t{schema::LinkKind_Mapped}, ErrorCode::kDamaged),
                 "tasks[2].link.map: missing, "));
  CHECK(contains(set_link(2, Link::VT_KIND, std::uint8_t{7}, unsupported), "tasks[2]: link: 7"));
  const auto set_factor = [&](bool auxiliary, std::uint32_t factor) {
    return refused(ErrorCode::kDamaged, [&](schema::Model& root) {
      const schema::Task* task = auxiliary ? root.auxiliary()->Get(2) : root.tasks()->Get(5);
      const_cast<flatbuffers::Vector<std::uint32_t>*>(task->link()->factors())->Mutate(0, factor);
    });
  };
  const schema::Model& root = *schema::GetSizePrefixedModel(whole.data());
  REQUIRE(root.tasks()->size() == 8);
  REQUIRE(root.auxiliary()->size() == 3);  // "hidden", "class" again for the product, "hidden product"
  for (const std::uint32_t factor : {5u, 6u, 11u, 4000000000u}) {
    CHECK(contains(set_factor(false, factor), "tasks[5]: factors: task "));
  }
  for (const std::uint32_t factor : {0u, 10u, 11u}) {
    CHECK(contains(set_factor(true, factor), "auxiliary[2]: factors: task "));
  }
  const auto set_gate = [&](auto field, auto value, ErrorCode code) {
    return refused(code, [&](schema::Model& model) {
      REQUIRE(table(model.levels()->Get(0)->gates()->Get(0))->SetField(field, value, decltype(value){99}));
    });
  };
  for (const std::int32_t tensor : {-1, 0, 1000000}) {
    CHECK(contains(set_gate(schema::Gate::VT_SCALES, tensor, ErrorCode::kDamaged),
                   "levels[0].gates[0]: scales: not a row"));
  }
  CHECK(contains(set_gate(schema::Gate::VT_KIND, std::uint8_t{5}, unsupported), "levels[0].gates[0]: kind: 5"));
  const auto set_layer = [&](auto field, auto value, ErrorCode code) {
    return refused(code, [&](schema::Model& model) {
      const auto* layer = model.levels()->Get(0)->experts()->Get(0)->layers()->Get(0);
      REQUIRE(layer->activation() == schema::ActivationKind_Celu);
      REQUIRE(table(layer)->SetField(field, value, decltype(value){99}));
    });
  };
  using Dense = schema::Dense;
  const char* const kBadParameter = "experts[0].layers[0]: alpha or beta: not finite, or not above 0";
  CHECK(contains(set_layer(Dense::VT_ALPHA, 0.0f, ErrorCode::kDamaged), kBadParameter));
  CHECK(contains(set_layer(Dense::VT_ALPHA, -1.0f, ErrorCode::kDamaged), "alpha or beta: not finite, or not above 0"));
  CHECK(contains(set_layer(Dense::VT_BETA, kNan, ErrorCode::kDamaged), kBadParameter));
  CHECK(contains(set_layer(Dense::VT_ACTIVATION, std::uint8_t{24}, unsupported), "layers[0]: activation: 24"));
}

TEST_CASE("hostile: a norm that does not fit its layer is refused by name") {
  const AlignedBytes whole = model_file(normalised_description(2), 1);
  const schema::Model& root = *schema::GetSizePrefixedModel(whole.data());
  const auto find = [&](schema::NormUse use) {
    for (flatbuffers::uoffset_t e = 0; e < root.levels()->Get(0)->experts()->size(); ++e) {
      const auto* layers = root.levels()->Get(0)->experts()->Get(e)->layers();
      for (flatbuffers::uoffset_t i = 0; i < layers->size(); ++i) {
        if (layers->Get(i)->norm() && layers->Get(i)->norm()->use() == use) return std::pair(e, i);
      }
    }
    FAIL("no such layer");
    return std::pair<flatbuffers::uoffset_t, flatbuffers::uoffset_t>();
  };
  const auto set = [&](schema::NormUse use, bool of_norm, auto field, auto value, ErrorCode code) {
    const AlignedBytes file(whole.data(), whole.size());
    const auto [expert, index] = find(use);
    const schema::Model& model = *schema::GetSizePrefixedModel(file.data());
    const schema::Dense* layer = model.levels()->Get(0)->experts()->Get(expert)->layers()->Get(index);
    const void* part = of_norm ? static_cast<const void*>(layer->norm()) : layer;
    auto* table = reinterpret_cast<flatbuffers::Table*>(const_cast<void*>(part));
    REQUIRE(table->SetField(field, value, decltype(value){99}));
    seal(file);
    return message_of(file.data(), file.size(), code);
  };
  using Norm = schema::Norm;
  const auto dice = schema::NormUse_Dice, before = schema::NormUse_BeforeActivation;
  CHECK(contains(set(dice, true, Norm::VT_KIND, std::uint8_t{2}, ErrorCode::kUnsupported), "norm: kind 2, use 2"));
  CHECK(contains(set(before, true, Norm::VT_USE, std::uint8_t{3}, ErrorCode::kUnsupported), "norm: kind 1, use 3"));
  CHECK(contains(set(before, true, Norm::VT_EPSILON, std::numeric_limits<float>::infinity(), ErrorCode::kDamaged),
                 "norm.epsilon: not finite"));
  CHECK(contains(set(before, true, Norm::VT_SCALE_SHIFT, 0u, ErrorCode::kDamaged), "norm.scale_shift: not two rows"));
  CHECK(contains(set(before, true, Norm::VT_SCALE_SHIFT, 4000000000u, ErrorCode::kDamaged), "norm.scale_shift"));
  CHECK(contains(
      set(dice, false, schema::Dense::VT_ACTIVATION, std::uint8_t{schema::ActivationKind_Tanh}, ErrorCode::kDamaged),
      "activation: 7 of a layer with Dice"));
  CHECK(
      contains(set(dice, false, schema::Dense::VT_SLOPES, std::int32_t{-1}, ErrorCode::kDamaged), "slopes: not a row"));
}

TEST_CASE("hostile: what a newer version has is said to be newer, and another major version is refused") {
  const AlignedBytes whole = model_file(linked_description(3), 1);
  const auto message = [&](std::uint16_t major, std::uint16_t minor, bool new_activation, ErrorCode code) {
    const AlignedBytes file(whole.data(), whole.size());
    auto* root = const_cast<schema::Model*>(schema::GetSizePrefixedModel(file.data()));
    auto* table = reinterpret_cast<flatbuffers::Table*>(root);
    REQUIRE(table->SetField(schema::Model::VT_VERSION_MAJOR, major, std::uint16_t{99}));
    REQUIRE(table->SetField(schema::Model::VT_VERSION_MINOR, minor, std::uint16_t{99}));
    const auto* layer = root->levels()->Get(0)->experts()->Get(0)->layers()->Get(0);
    auto* dense = reinterpret_cast<flatbuffers::Table*>(const_cast<schema::Dense*>(layer));
    if (new_activation) REQUIRE(dense->SetField(schema::Dense::VT_ACTIVATION, std::uint8_t{24}, std::uint8_t{99}));
    seal(file);
    if (code != ErrorCode::kOk) return message_of(file.data(), file.size(), code);
    REQUIRE(Model::from_bytes(file.data(), file.size()).ok());
    return std::string();
  };
  message(schema::kVersionMajor, schema::kVersionMinor + 1, false, ErrorCode::kOk);
  const std::string known = std::to_string(schema::kVersionMajor) + "." + std::to_string(schema::kVersionMinor);
  const std::string newer = std::to_string(schema::kVersionMajor) + "." + std::to_string(schema::kVersionMinor + 1);
  CHECK(message(schema::kVersionMajor, schema::kVersionMinor + 1, true, ErrorCode::kNewerVersion) ==
        "made by a newer version (format " + newer + ", this runtime knows " + known +
            "): levels[0].experts[0].layers[0]: activation: 24");
  CHECK(message(schema::kVersionMajor, schema::kVersionMinor, true, ErrorCode::kUnsupported) ==
        "levels[0].experts[0].layers[0]: activation: 24");
  CHECK(contains(message(schema::kVersionMajor + 1, 0, false, ErrorCode::kNewerVersion), "reads up to major version"));
  CHECK(contains(message(1, 2, false, ErrorCode::kUnsupported), "format version 1.2, from before the first release"));
  CHECK(contains(message(0, 0, false, ErrorCode::kDamaged), "version_major: 0"));
}

// The columns of features are a permutation of those of x: the user's first, then the item's, each in the list's order.
TEST_CASE("hostile: features whose columns do not tile x, or lie in the other side's part, are refused by name") {
  const AlignedBytes whole = model_file(feature_description(), 1);
  const auto refused = [&](flatbuffers::uoffset_t index, auto field, auto value) {
    const AlignedBytes file(whole.data(), whole.size());
    const schema::Model& root = *schema::GetSizePrefixedModel(file.data());
    auto* feature = reinterpret_cast<flatbuffers::Table*>(const_cast<schema::Feature*>(root.features()->Get(index)));
    REQUIRE(feature->SetField(field, value, decltype(value){99}));
    seal(file);
    return message_of(file.data(), file.size(), ErrorCode::kDamaged);
  };
  using Feature = schema::Feature;  // price 23, country 0, shop 24, device 4, history 20
  CHECK(contains(refused(0, Feature::VT_COLUMN, 0u), "features[0].column: 0, expected 23"));
  CHECK(contains(refused(1, Feature::VT_COLUMN, 1u), "features[1].column: 1, expected 0"));
  CHECK(contains(refused(2, Feature::VT_COLUMN, 23u), "features[2].column: 23, expected 24"));
  CHECK(contains(refused(4, Feature::VT_COLUMN, 4000000000u), "features[4].column: 4000000000, expected 20"));
  CHECK(contains(refused(4, Feature::VT_WIDTH, 4u),
                 "features[4].column: 20, expected 20 and a width that ends within 23"));
  CHECK(contains(refused(2, Feature::VT_WIDTH, 0u), "features[2].column: 24"));
  CHECK(contains(refused(0, Feature::VT_SIDE, std::uint8_t{schema::Side_User}), "features[0].column: 23, expected 0"));
  CHECK(contains(refused(4, Feature::VT_SIDE, std::uint8_t{schema::Side_Item}), "features[4].column: 20, expected 31"));
  CHECK(contains(refused(4, Feature::VT_WIDTH, 2u), "features: end at columns 22 and 31, expected shared_dim 23"));
  const AlignedBytes file(whole.data(), whole.size());
  auto* root =
      reinterpret_cast<flatbuffers::Table*>(const_cast<schema::Model*>(schema::GetSizePrefixedModel(file.data())));
  for (const std::uint32_t shared_dim : {0u, 22u, 24u, 31u, 32u}) {
    REQUIRE(root->SetField(schema::Model::VT_SHARED_DIM, shared_dim, 99u));
    seal(file);
    message_of(file.data(), file.size(), ErrorCode::kDamaged);
  }
}

TEST_CASE("hostile: parts that x does not have, and streams that there are not, are refused by name") {
  const AlignedBytes whole = model_file(parts_description(2), 1);
  const auto table = [](const auto* part) {
    using Part = std::remove_const_t<std::remove_pointer_t<decltype(part)>>;
    return reinterpret_cast<flatbuffers::Table*>(const_cast<Part*>(part));
  };
  const auto refused = [&](ErrorCode code, const auto& damage) {
    const AlignedBytes file(whole.data(), whole.size());
    damage(*const_cast<schema::Model*>(schema::GetSizePrefixedModel(file.data())));
    seal(file);
    return message_of(file.data(), file.size(), code);
  };
  const schema::Model& root = *schema::GetSizePrefixedModel(whole.data());
  // The stream that an expert reads: columns [0, 3), [7, 11), [20, 23) of x; [4, 6), [9, 11), [20, 23) and outputs 1,
  // 0.
  const flatbuffers::uoffset_t of_x = root.levels()->Get(0)->experts()->Get(4)->input();
  const flatbuffers::uoffset_t beside = root.levels()->Get(1)->experts()->Get(3)->input();
  REQUIRE(root.streams()->Get(of_x)->parts()->size() == 3);
  REQUIRE(root.streams()->Get(beside)->parts()->size() == 5);
  const auto set_part = [&](flatbuffers::uoffset_t stream, flatbuffers::uoffset_t part, auto field, auto value,
                            ErrorCode code = ErrorCode::kDamaged) {
    return refused(code, [&](schema::Model& model) {
      const auto* its = model.streams()->Get(stream)->parts()->Get(part);
      REQUIRE(table(its)->SetField(field, value, decltype(value){99}));
    });
  };
  using Part = schema::StreamPart;
  const auto first = Part::VT_FIRST, width = Part::VT_WIDTH;
  const std::string x_parts = "levels[0].experts[4].parts", all_parts = "levels[1].experts[3].parts";
  const auto says = [](const std::string& message, const std::string& text) { return contains(message, text.c_str()); };
  CHECK(says(set_part(of_x, 1, first, 2u), x_parts + "[1]: 4 columns from 2 on, expected columns from 3 on"));
  CHECK(says(set_part(of_x, 0, width, 0u), x_parts + "[0]: 0 columns from 0 on"));
  CHECK(says(set_part(of_x, 2, width, 4u), x_parts + "[2]: 4 columns from 20 on"));
  CHECK(says(set_part(of_x, 2, first, 24u), x_parts + "[2]: 3 columns from 24 on"));
  CHECK(says(set_part(of_x, 2, first, 0xFFFFFFFFu), x_parts + "[2]: 3 columns from 4294967295 on"));
  CHECK(says(set_part(of_x, 2, width, 0xFFFFFFFFu), x_parts + "[2]: 4294967295 columns from 20 on"));
  CHECK(says(set_part(of_x, 2, width, 2u), "outputs of 10 inputs, where 9 arrive"));
  const auto unsupported = ErrorCode::kUnsupported, damaged = ErrorCode::kDamaged;
  constexpr std::uint8_t kPrevious = schema::StreamSource_Previous, kX = schema::StreamSource_ModelInput;
  CHECK(says(set_part(of_x, 0, Part::VT_SOURCE, std::uint8_t{2}, unsupported), x_parts + "[0]: source: 2"));
  CHECK(says(set_part(of_x, 0, Part::VT_SOURCE, kPrevious), x_parts + "[0]: input: stream 0 of 0"));
  CHECK(says(set_part(beside, 3, Part::VT_INPUT, 2u), all_parts + "[3]: input: stream 2 of 2"));
  CHECK(says(set_part(beside, 3, Part::VT_INPUT, 0xFFFFFFFFu), all_parts + "[3]: input: stream 4294967295 of 2"));
  CHECK(says(set_part(beside, 3, width, 10u),
             all_parts + "[3]: 10 columns from 0 on, expected columns from 0 on, within 9"));
  CHECK(says(set_part(beside, 4, first, 5u), all_parts + "[4]: 5 columns from 5 on"));
  CHECK(says(set_part(beside, 4, Part::VT_SOURCE, kX),
             all_parts + "[4]: 5 columns from 2 on, expected columns from 4294967295 on"));
  const auto set_reader = [&](const auto& find, auto field, auto value, ErrorCode code) {
    return refused(
        code, [&](schema::Model& model) { REQUIRE(table(find(model))->SetField(field, value, decltype(value){99})); });
  };
  const auto expert = [](schema::Model& model) { return model.levels()->Get(0)->experts()->Get(1); };
  const auto gate = [](schema::Model& model) { return model.levels()->Get(1)->gates()->Get(0); };
  const auto tower = [](schema::Model& model) { return model.towers()->Get(3); };
  const std::uint32_t num_streams = root.streams()->size();
  const std::string beyond = "input: stream " + std::to_string(num_streams) + " of " + std::to_string(num_streams);
  CHECK(contains(set_reader(expert, schema::Expert::VT_INPUT, num_streams, damaged), beyond.c_str()));
  CHECK(contains(set_reader(gate, schema::Gate::VT_INPUT, num_streams, damaged), beyond.c_str()));
  CHECK(contains(set_reader(tower, schema::Tower::VT_INPUT, num_streams, damaged), beyond.c_str()));
  CHECK(contains(set_reader(expert, schema::Expert::VT_SOURCE, std::uint8_t{4}, unsupported), "source: 4"));
  CHECK(contains(set_reader(gate, schema::Gate::VT_SOURCE, std::uint8_t{4}, unsupported), "source: 4"));
  CHECK(contains(set_reader(tower, schema::Tower::VT_SOURCE, std::uint8_t{4}, unsupported), "towers[3]: source: 4"));
  CHECK(contains(set_reader(tower, schema::Tower::VT_SOURCE, std::uint8_t{1}, damaged), "where 23 arrive"));
}

const schema::Node& first_of(const schema::Model& model, schema::NodeKind kind) {
  for (const schema::Node* node : *model.nodes()) {
    if (node->kind() == kind) return *node;
  }
  throw std::runtime_error("no such node");
}

TEST_CASE("hostile: nodes that there are not, or whose columns do not fit, are refused by name") {
  const AlignedBytes whole = model_file(node_description(2), 1);
  const auto table = [](const auto* part) {
    using Part = std::remove_const_t<std::remove_pointer_t<decltype(part)>>;
    return reinterpret_cast<flatbuffers::Table*>(const_cast<Part*>(part));
  };
  const auto refused = [&](ErrorCode code, const auto& damage) {
    const AlignedBytes file(whole.data(), whole.size());
    damage(*const_cast<schema::Model*>(schema::GetSizePrefixedModel(file.data())));
    seal(file);
    return message_of(file.data(), file.size(), code);
  };
  const auto set = [&](schema::NodeKind kind, auto field, auto value, ErrorCode code = ErrorCode::kDamaged) {
    return refused(code, [&](schema::Model& model) {
      REQUIRE(table(&first_of(model, kind))->SetField(field, value, decltype(value)(99)));
    });
  };
  const auto set_part = [&](schema::NodeKind kind, auto field, auto value) {
    return refused(ErrorCode::kDamaged, [&](schema::Model& model) {
      const auto* part = first_of(model, kind).inputs()->Get(0)->parts()->Get(0);
      REQUIRE(table(part)->SetField(field, value, decltype(value)(99)));
    });
  };
  using namespace schema;  // NOLINT: its names are long
  const auto unsupported = ErrorCode::kUnsupported;
  CHECK(contains(set(NodeKind_Sum, Node::VT_KIND, std::uint8_t{77}, unsupported), "kind: 77"));
  CHECK(contains(set(NodeKind_Sum, Node::VT_LEVEL, 3u), "level: 3, behind 0 of 2"));
  CHECK(contains(set(NodeKind_Sum, Node::VT_LEVEL, 2u), "stream 4 of 4"));  // level 1 reads it
  CHECK(contains(set(NodeKind_Dot, Node::VT_GROUP, 3u), "group: 3 of 8 columns"));
  CHECK(contains(set(NodeKind_Product, Node::VT_GROUP, 23u), "group: 23, expected 0"));
  CHECK(contains(set(NodeKind_LowerPairs, Node::VT_GROUP, 12u), "pairs of 1 groups"));
  CHECK(contains(set(NodeKind_Dot, Node::VT_SCALE, std::numeric_limits<float>::infinity()), "scale: not finite"));
  CHECK(contains(set(NodeKind_Dot, Node::VT_CONSTANT, 0), "constant: not a row"));
  CHECK(contains(set(NodeKind_Sum, Node::VT_CONSTANT, 1 << 30), "constant: not a row of 23 floats"));
  CHECK(contains(set(NodeKind_Sum, Node::VT_ACTIVATION, std::uint8_t{ActivationKind_PRelu}, unsupported),
                 "activation: 3"));
  CHECK(contains(set(NodeKind_Softmax, Node::VT_ACTIVATION, std::uint8_t{1}, unsupported), "activation: 1"));
  CHECK(contains(set(NodeKind_Sum, Node::VT_ACTIVATION, std::uint8_t{99}, unsupported), "activation: 99"));
  // A node of another kind needs as many inputs, or layers, as that one has.
  CHECK(contains(set(NodeKind_Sum, Node::VT_KIND, std::uint8_t{NodeKind_Mlp}), "layers: 0 entries"));
  CHECK(
      contains(set(NodeKind_Sum, Node::VT_KIND, std::uint8_t{NodeKind_Softmax}), "inputs: 2 entries, expected 1 to 1"));
  CHECK(contains(set(NodeKind_Mlp, Node::VT_KIND, std::uint8_t{NodeKind_Dot}), "inputs: 0 entries, expected 2 to 2"));
  // The softmax reads node 7, itself node 12.
  CHECK(contains(set_part(NodeKind_Softmax, StreamPart::VT_INPUT, 12u), "input: stream 12 of 12"));
  CHECK(contains(set_part(NodeKind_Softmax, StreamPart::VT_FIRST, 2u),
                 "5 columns from 2 on, expected columns from 0 on, within 6"));
  CHECK(contains(set_part(NodeKind_Softmax, StreamPart::VT_SOURCE, std::uint8_t{StreamSource_Previous}), "of 0"));
  CHECK(contains(set_part(NodeKind_Dot, StreamPart::VT_FIRST, 0xFFFFFFFFu), "8 columns from 4294967295 on"));
  CHECK(contains(set_part(NodeKind_Dot, StreamPart::VT_WIDTH, 4u), "4 columns beside 8"));
  CHECK(contains(set_part(NodeKind_Product, StreamPart::VT_WIDTH, 22u), "22 columns beside 23"));
  // Two elements of 3 columns and a mask, among the user's first 8 of 9 columns; a query of 3.
  const NodeKind attention = NodeKind_Attention;
  CHECK(contains(set(attention, Node::VT_LENGTH, 3u), "inputs[1]: 8 columns are no sequence of 3"));
  CHECK(contains(set(attention, Node::VT_LENGTH, 8u), "inputs[1]: 8 columns are no sequence of 8"));
  CHECK(contains(set(attention, Node::VT_LENGTH, 0u), "inputs[1]: 8 columns are no sequence of 0"));
  CHECK(contains(set(attention, Node::VT_LENGTH, 4u), "elements of 1 columns, a query of 3"));
  CHECK(contains(set_part(attention, StreamPart::VT_WIDTH, 4u), "elements of 3 columns, a query of 4"));
  const auto set_sequence = [&](auto field, auto value) {
    return refused(ErrorCode::kDamaged, [&](schema::Model& model) {
      const auto* part = first_of(model, NodeKind_Attention).inputs()->Get(1)->parts()->Get(0);
      REQUIRE(table(part)->SetField(field, value, decltype(value)(99)));
    });
  };
  CHECK(contains(set_sequence(StreamPart::VT_FIRST, 2u),
                 "are no sequence of 2"));  // of the user's and the items' columns
  CHECK(contains(set_sequence(StreamPart::VT_FIRST, 16u), "8 columns from 16 on"));
  // Four elements of 5 columns; queries of 4, keys of 3 elements of 6 columns in two heads, values of 4 columns.
  const NodeKind each = NodeKind_Each, dot = NodeKind_ScaledDot;
  CHECK(contains(set(each, Node::VT_GROUP, 3u), "group: 3 of 20 columns"));
  CHECK(contains(set(each, Node::VT_GROUP, 4u), "where 4 arrive"));
  CHECK(contains(set(each, Node::VT_GROUP, 0u), "group: 0 of 20 columns"));
  CHECK(contains(set(each, Node::VT_KIND, std::uint8_t{NodeKind_ScaledDot}), "inputs: 1 entries, expected 3 to 4"));
  CHECK(contains(set(dot, Node::VT_KIND, std::uint8_t{NodeKind_Each}), "inputs: 4 entries, expected 1 to 1"));
  CHECK(contains(set(dot, Node::VT_GROUP, 4u), "group: 4 of 24 and 18 columns"));
  CHECK(contains(set(dot, Node::VT_GROUP, 0u), "group: 0 of 24 and 18 columns"));
  CHECK(contains(set(dot, Node::VT_GROUP, 2u), "values of 12 and a mask of 2 columns for 9 keys"));
  CHECK(contains(set(dot, Node::VT_HEADS, 3u), "heads: 3 of 6 and 4 columns"));
  CHECK(contains(set(dot, Node::VT_HEADS, 0u), "heads: 0 of 6 and 4 columns"));
  CHECK(contains(set(dot, Node::VT_SCALE, std::numeric_limits<float>::quiet_NaN()), "scale: not finite"));
}

TEST_CASE("hostile: random damage in many places at once") {
  const AlignedBytes whole = model_file(feature_description(), 1);
  Random random(1);
  for (int round = 0; round < 3000; ++round) {
    const AlignedBytes damaged(whole.data(), whole.size());
    for (std::size_t i = 0; i < 1 + random.below(6); ++i) {
      damaged.data()[random.below(whole.size())] = static_cast<std::uint8_t>(random.next());
    }
    use(damaged);
  }
}

TEST_CASE("checksums: every flipped byte is noticed, but for the padding between segments") {
  const AlignedBytes file = model_file(feature_description(), 1);
  const schema::Model& root = *schema::GetSizePrefixedModel(file.data());
  std::vector<bool> covered(file.size());
  std::uint32_t header = 0;
  std::memcpy(&header, file.data(), sizeof header);
  std::fill(covered.begin(), covered.begin() + header + 4, true);
  for (const schema::Segment* segment : *root.segments()) {
    const auto begin = covered.begin() + static_cast<std::ptrdiff_t>(segment->offset());
    std::fill(begin, begin + static_cast<std::ptrdiff_t>(segment->bytes()), true);
  }
  LoadOptions options;
  options.verify_checksums = true;
  REQUIRE(Model::from_bytes(file.data(), file.size(), options).ok());
  for (std::size_t at = 0; at < file.size(); at += at < 4096 ? 1 : 7) {
    if (!covered[at]) continue;
    file.data()[at] ^= 0x10;
    REQUIRE_FALSE(Model::from_bytes(file.data(), file.size(), options).ok());
    file.data()[at] ^= 0x10;
  }
}

}  // namespace
}  // namespace mmoe::test
