// Damaged, truncated and hostile files: an error or a sound model, never a crash. Run under the address and
// undefined-behaviour sanitizers to mean anything.
#include <cstring>

#include <doctest/doctest.h>

#include "mmoe/session.h"
#include "schema/mmoe_generated.h"
#include "tests/unit/models.h"

namespace mmoe::test {
namespace {

constexpr std::size_t kMaxArena = std::size_t{16} << 20;

// Uses everything of whatever loads.
void use(const AlignedBytes& file) {
  Result<Model> model = Model::from_bytes(file.data(), file.size());
  if (!model) {
    REQUIRE(model.error().code() != ErrorCode::kOk);
    REQUIRE(std::strlen(model.error().message()) > 0);
    return;
  }
  (void)model->verify_checksums();
  for (std::size_t i = 0; i < model->num_features(); ++i) {
    if (model->feature(i).kind != FeatureKind::kSparse) continue;
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
  (void)session->score(x.data(), 3, scores.data());
  if (session->set_user(x.data()).ok()) (void)session->score_candidates(x.data(), 3, scores.data());
}

TEST_CASE("hostile: every truncation is an error") {
  for (const converter::ModelDescription& description : {mmoe_description({8, 2, {4}, 2, {}, 0, 0}), feature_description()}) {
    const AlignedBytes whole = model_file(description, 1);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const AlignedBytes part(whole.data(), size);
      REQUIRE_FALSE(Model::from_bytes(part.data(), part.size()).ok());
    }
  }
}

TEST_CASE("hostile: every flipped byte of the header is an error or a model that can be used") {
  for (const converter::ModelDescription& description :
       {mmoe_description({8, 2, {4}, 2, {}, 1, 0}), mixed_description(), feature_description(),
        user_item_description(true, 1)}) {
    const AlignedBytes file = model_file(description, 1);
    std::uint32_t header = 0;
    std::memcpy(&header, file.data(), sizeof header);
    for (std::size_t at = 0; at < header + 4; ++at) {
      const std::uint8_t original = file.data()[at];
      for (const int flip : {0x01, 0x80, 0xFF}) {
        file.data()[at] = static_cast<std::uint8_t>(original ^ flip);
        use(file);
      }
      file.data()[at] = original;
    }
    use(file);
  }
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
