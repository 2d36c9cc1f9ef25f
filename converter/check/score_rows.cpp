#include "converter/check/score_rows.h"

#include <utility>
#include <vector>

#include "converter/error.h"
#include "mmoe/session.h"
#include "runtime/tools/rows/row_reader.h"
#include "runtime/tools/support/plan_limits.h"

namespace mmoe::converter {
namespace {

struct LoadedFile {
  Model model;
  Session session;
};

LoadedFile load(std::string_view file) {
  LoadOptions options;
  options.copy_if_misaligned = true;
  Result<Model> model = Model::from_bytes(file.data(), file.size(), options);
  if (!model) throw ConvertError(std::string("the written file fails to load: ") + model.error().message());
  SessionOptions session_options;
  session_options.max_batch = tools::RowReaderOptions().batch_rows;
  tools::no_limits().apply_to(session_options);  // check_file() has kept them
  Result<Session> session = Session::create(*model, session_options);
  if (!session) throw ConvertError(session.error().message());
  return {std::move(*model), std::move(*session)};
}

}  // namespace

void add_rows(std::string_view file, std::string_view f32_file, const std::string& rows_path,
              ScoreDifferences& differences) {
  LoadedFile stored = load(file), f32 = load(f32_file);
  tools::RowReader reader(rows_path, tools::input_spec(stored.model));
  std::vector<float> scores, f32_scores;
  while (const tools::RowBatch* batch = reader.next()) {
    scores.resize(batch->num_rows() * stored.model.num_tasks());
    f32_scores.resize(scores.size());
    for (const Status& status :
         {stored.session.score(batch->input(), {scores}), f32.session.score(batch->input(), {f32_scores})}) {
      if (!status) throw ConvertError(rows_path + ": " + status.error().message());
    }
    differences.add(scores, f32_scores);
  }
}

}  // namespace mmoe::converter
