#include "converter/lowering/reorder.h"

#include <algorithm>
#include <iterator>
#include <numeric>

#include "converter/lowering/readers.h"

namespace mmoe::converter {
namespace {

void permute_columns(Matrix& matrix, const std::vector<size_t>& from) {
  std::vector<float> row(matrix.cols);
  for (size_t r = 0; r < matrix.rows; ++r) {
    float* data = matrix.data.data() + r * matrix.cols;
    for (size_t c = 0; c < matrix.cols; ++c) row[c] = data[from[c]];
    std::copy(row.begin(), row.end(), data);
  }
}

// What each input of a layer is: the place of a column of x, `to` says which, or beyond them the number of an output's
// column.
std::vector<size_t> places_of(const StreamRef& input, const std::vector<size_t>& to) {
  std::vector<size_t> places;
  if (input.parts.empty()) return to;
  size_t beyond = to.size();
  for (const StreamPart& part : input.parts) {
    for (size_t i = 0; i < part.columns.width; ++i) {
      places.push_back(part.is_input() ? to[part.columns.first + i] : beyond++);
    }
  }
  return places;
}

// Places of columns of x, ascending, as parts; then the parts of outputs.
std::vector<StreamPart> parts_in_order(const std::vector<size_t>& places, const StreamRef& input, size_t input_dim) {
  std::vector<StreamPart> parts;
  for (const size_t place : places) {
    if (place >= input_dim) break;
    if (!parts.empty() && parts.back().columns.first + parts.back().columns.width == place) {
      ++parts.back().columns.width;
    } else {
      parts.push_back({StreamSource::kModelInput, 0, {place, 1}});
    }
  }
  std::copy_if(input.parts.begin(), input.parts.end(), std::back_inserter(parts),
               [](const StreamPart& part) { return !part.is_input(); });
  return parts;
}

// `to`: the place of each column of x. What reads columns reads them in the order of their places then.
void move_columns(const std::vector<size_t>& to, DenseLayer& layer, StreamRef& input) {
  std::vector<size_t> places = places_of(input, to);
  if (!std::is_sorted(places.begin(), places.end())) {
    std::vector<size_t> from(places.size());
    std::iota(from.begin(), from.end(), size_t{0});
    std::sort(from.begin(), from.end(), [&](size_t a, size_t b) { return places[a] < places[b]; });
    std::sort(places.begin(), places.end());
    permute_columns(layer.weight, from);
  }
  if (input.parts.empty()) return;
  input.parts = parts_in_order(places, input, to.size());
  const StreamRef x = input_stream({{0, to.size()}});
  if (input == x) input = input_stream();
}

// An operand keeps the order that the description has.
void move_operand(const std::vector<size_t>& to, StreamRef& input) {
  if (input.parts.empty()) input = input_stream({{0, to.size()}});
  std::vector<StreamPart> parts;
  for (const StreamPart& part : input.parts) {
    if (!part.is_input()) {
      parts.push_back(part);
      continue;
    }
    for (size_t i = 0; i < part.columns.width; ++i) {
      const size_t place = to[part.columns.first + i];
      const bool continues = i != 0 && parts.back().columns.first + parts.back().columns.width == place;
      if (continues) {
        ++parts.back().columns.width;
      } else {
        parts.push_back({StreamSource::kModelInput, 0, {place, 1}});
      }
    }
  }
  input.parts = std::move(parts);
}

struct Column {
  StreamPart part;  // of one column
  bool shared;
};

std::vector<Column> columns_of(const StreamRef& input, size_t shared_dim) {
  std::vector<Column> columns;
  for (const StreamPart& part : input.parts) {
    for (size_t i = 0; i < part.columns.width; ++i) {
      const size_t column = part.columns.first + i;
      columns.push_back({{part.source, part.index, {column, 1}}, part.is_input() && column < shared_dim});
    }
  }
  return columns;
}

std::vector<StreamPart> joined_parts(const std::vector<Column>& columns) {
  std::vector<StreamPart> parts;
  for (const Column& column : columns) {
    const StreamPart& part = column.part;
    StreamPart* last = parts.empty() ? nullptr : &parts.back();
    if (last && last->source == part.source && last->index == part.index &&
        last->columns.first + last->columns.width == part.columns.first) {
      ++last->columns.width;
    } else {
      parts.push_back(part);
    }
  }
  return parts;
}

}  // namespace

void put_shared_groups_first(TrainedModel& model, size_t shared_dim) {
  for (Node& node : model.nodes) {
    if (node.kind != NodeKind::kBiInteraction || node.group == 0) continue;
    std::vector<Column> columns = columns_of(node.inputs[0], shared_dim), shared, others;
    for (size_t first = 0; first < columns.size(); first += node.group) {
      const auto begin = columns.begin() + static_cast<std::ptrdiff_t>(first);
      const auto end = begin + static_cast<std::ptrdiff_t>(node.group);
      const bool all = std::all_of(begin, end, [](const Column& column) { return column.shared; });
      std::vector<Column>& its = all ? shared : others;
      its.insert(its.end(), begin, end);
    }
    const bool mixed = std::any_of(others.begin(), others.end(), [](const Column& column) { return column.shared; });
    if (mixed || shared.empty()) continue;
    shared.insert(shared.end(), others.begin(), others.end());
    node.inputs[0].parts = joined_parts(shared);
  }
}

std::vector<size_t> put_shared_columns_first(TrainedModel& model) {
  std::vector<size_t> order(model.features.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto shared = [&](size_t i) { return model.features[i].side != Side::kItem; };
  std::stable_partition(order.begin(), order.end(), shared);
  std::vector<size_t> former;  // first column of each feature
  size_t width = 0;
  for (const Feature& feature : model.features) {
    former.push_back(width);
    width += feature.width;
  }
  std::vector<size_t> columns(order.size());
  std::vector<size_t> to(model.input_dim);
  std::iota(to.begin(), to.end(), size_t{0});
  size_t next = 0;
  for (const size_t i : order) {
    columns[i] = next;
    for (size_t c = 0; c < model.features[i].width; ++c) to[former[i] + c] = next++;
  }
  change_readers(model, [&](DenseLayer& layer, StreamRef& input) { move_columns(to, layer, input); });
  change_operands(model, [&](StreamRef& input) { move_operand(to, input); });
  return columns;
}

size_t shared_inputs(const StreamRef& input, size_t shared_dim) {
  if (input.parts.empty()) return shared_dim;
  size_t shared = 0;
  for (const StreamPart& part : input.parts) {
    const ColumnRange& columns = part.columns;
    if (part.is_input() && columns.first < shared_dim) shared += std::min(columns.width, shared_dim - columns.first);
  }
  return shared;
}

size_t shared_dim(const TrainedModel& model) {
  if (model.features.empty()) return model.shared_dim;
  size_t columns = 0;
  bool has_items = false;
  for (const Feature& feature : model.features) {
    const bool item = feature.side == Side::kItem;
    has_items = has_items || item;
    columns += item ? 0 : feature.width;
  }
  return has_items ? columns : 0;  // without them there are no candidates to tell apart
}

}  // namespace mmoe::converter
