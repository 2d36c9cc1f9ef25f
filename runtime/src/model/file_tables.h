// The tables of schema/mmoe.fbs as constants, two bytes per field: what verify_buffer() walks. The kinds of fields are
// taken from the accessors that flatc makes, so only the order is written here; a test compares it with flatc's own
// type tables. Those are 2.6 kB of pointers, each of which takes a relocation as well.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "schema/mmoe_generated.h"

namespace mmoe::internal {

struct Field {
  enum Kind : std::uint8_t { kInline, kString, kTable, kNumbers, kTables };  ///< the last two are vectors
  std::uint8_t kind : 3;
  std::uint8_t alignment : 4;  ///< kInline
  std::uint8_t required : 1;
  std::uint8_t what;  ///< kInline, kNumbers: bytes, of one; kTable, kTables: which, as numbered by FileTables
};

/// A list of tables; their numbers are their places in it.
template <class... Tables>
struct TableList {
  static constexpr std::size_t kSize = sizeof...(Tables);
  template <class T>
  static constexpr std::uint8_t number_of() {
    constexpr bool is_it[] = {std::is_same_v<T, Tables>...};
    std::uint8_t number = 0;
    while (!is_it[number]) ++number;  // no such table: not a constant, an error of the compiler
    return number;
  }
};

using FileTables = TableList<schema::Model, schema::Segment, schema::Tensor, schema::Feature, schema::Scaling,
                             schema::Hashing, schema::HashedPart, schema::Vocabulary, schema::Embedding, schema::Dense,
                             schema::Norm, schema::Level, schema::Expert, schema::Gate, schema::Tower, schema::Task,
                             schema::Link, schema::GoldenRows, schema::Provenance, schema::KeyValue,
                             schema::ScoreChange, schema::Stream, schema::StreamPart, schema::Node>;

/// What an accessor returns, as a field.
template <class T>
struct FieldOf {  // a number
  static_assert(std::is_arithmetic_v<T> || std::is_enum_v<T>);
  static constexpr Field kField{Field::kInline, sizeof(T), false, sizeof(T)};
};
template <class T>
struct FieldOf<const T*> {
  static constexpr Field make() {
    if constexpr (std::is_base_of_v<flatbuffers::Table, T>) {
      return {Field::kTable, 0, false, FileTables::number_of<T>()};
    } else {
      return {Field::kInline, alignof(T), false, sizeof(T)};  // a struct
    }
  }
  static constexpr Field kField = make();
};
template <>
struct FieldOf<const flatbuffers::String*> {
  static constexpr Field kField{Field::kString, 0, false, 0};
};
template <class T>
struct FieldOf<const flatbuffers::Vector<T>*> {
  static_assert(std::is_arithmetic_v<T>);
  static constexpr Field kField{Field::kNumbers, 0, false, sizeof(T)};
};
template <class T>
struct FieldOf<const flatbuffers::Vector<flatbuffers::Offset<T>>*> {
  static constexpr Field kField{Field::kTables, 0, false, FileTables::number_of<T>()};
};

struct OwnedField {
  std::uint8_t table;
  Field field;
};
template <class Table, class T>
constexpr OwnedField optional_field(T (Table::*)() const) {
  return {FileTables::number_of<Table>(), FieldOf<T>::kField};
}
template <class Table, class T>
constexpr OwnedField required_field(T (Table::*)() const) {
  OwnedField owned{FileTables::number_of<Table>(), FieldOf<T>::kField};
  owned.field.required = true;
  return owned;
}

/// Every table's fields, in the schema's order; the tables in that of FileTables.
inline constexpr OwnedField kOwnedFields[] = {
    optional_field(&schema::Model::version_major),
    optional_field(&schema::Model::version_minor),
    optional_field(&schema::Model::name),
    optional_field(&schema::Model::architecture),
    optional_field(&schema::Model::input_dim),
    optional_field(&schema::Model::shared_dim),
    optional_field(&schema::Model::features),
    optional_field(&schema::Model::embeddings),
    optional_field(&schema::Model::trunk),
    required_field(&schema::Model::levels),
    optional_field(&schema::Model::towers),
    required_field(&schema::Model::tasks),
    required_field(&schema::Model::tensors),
    required_field(&schema::Model::segments),
    optional_field(&schema::Model::header_checksum),
    optional_field(&schema::Model::golden),
    optional_field(&schema::Model::provenance),
    optional_field(&schema::Model::auxiliary),
    optional_field(&schema::Model::score_change),
    optional_field(&schema::Model::streams),
    optional_field(&schema::Model::nodes),

    optional_field(&schema::Segment::name),
    optional_field(&schema::Segment::offset),
    optional_field(&schema::Segment::bytes),
    optional_field(&schema::Segment::xxh64),

    optional_field(&schema::Tensor::name),
    optional_field(&schema::Tensor::segment),
    optional_field(&schema::Tensor::offset),
    optional_field(&schema::Tensor::bytes),
    optional_field(&schema::Tensor::rows),
    optional_field(&schema::Tensor::cols),
    optional_field(&schema::Tensor::dtype),
    optional_field(&schema::Tensor::layout),
    optional_field(&schema::Tensor::scales),
    optional_field(&schema::Tensor::row_sums),
    optional_field(&schema::Tensor::shared_cols),

    required_field(&schema::Feature::name),
    optional_field(&schema::Feature::kind),
    optional_field(&schema::Feature::side),
    optional_field(&schema::Feature::column),
    optional_field(&schema::Feature::width),
    optional_field(&schema::Feature::scaling),
    optional_field(&schema::Feature::vocabulary),
    optional_field(&schema::Feature::embedding),
    optional_field(&schema::Feature::length),
    optional_field(&schema::Feature::pooling),
    optional_field(&schema::Feature::padding_id),
    optional_field(&schema::Feature::source),
    optional_field(&schema::Feature::weights),
    optional_field(&schema::Feature::empty_id),

    optional_field(&schema::Scaling::offset),
    optional_field(&schema::Scaling::factor),
    optional_field(&schema::Scaling::lower),
    optional_field(&schema::Scaling::upper),
    optional_field(&schema::Scaling::missing),
    optional_field(&schema::Scaling::function),
    optional_field(&schema::Scaling::exponent),
    optional_field(&schema::Scaling::points),

    optional_field(&schema::Hashing::function),
    optional_field(&schema::Hashing::seed),
    optional_field(&schema::Hashing::bytes),
    optional_field(&schema::Hashing::rule),
    optional_field(&schema::Hashing::first_id),
    optional_field(&schema::Hashing::mask),
    optional_field(&schema::Hashing::parts),
    optional_field(&schema::Hashing::seed_high),
    optional_field(&schema::Hashing::separator),
    optional_field(&schema::Hashing::buckets),
    optional_field(&schema::Hashing::prefix),

    required_field(&schema::HashedPart::column),
    optional_field(&schema::HashedPart::bytes),

    optional_field(&schema::Vocabulary::kind),
    optional_field(&schema::Vocabulary::size),
    optional_field(&schema::Vocabulary::keys),
    optional_field(&schema::Vocabulary::offsets),
    optional_field(&schema::Vocabulary::ids),
    optional_field(&schema::Vocabulary::unknown),
    optional_field(&schema::Vocabulary::unknown_id),
    optional_field(&schema::Vocabulary::hashing),
    optional_field(&schema::Vocabulary::side),
    optional_field(&schema::Vocabulary::buckets),
    optional_field(&schema::Vocabulary::date_part),
    optional_field(&schema::Vocabulary::date_ticks),
    optional_field(&schema::Vocabulary::date_offset),
    optional_field(&schema::Vocabulary::first_id),

    optional_field(&schema::Embedding::name),
    optional_field(&schema::Embedding::table),

    optional_field(&schema::Dense::weight),
    optional_field(&schema::Dense::bias),
    optional_field(&schema::Dense::column),
    optional_field(&schema::Dense::inputs),
    optional_field(&schema::Dense::outputs),
    optional_field(&schema::Dense::activation),
    optional_field(&schema::Dense::alpha),
    optional_field(&schema::Dense::beta),
    optional_field(&schema::Dense::slopes),
    optional_field(&schema::Dense::norm),

    optional_field(&schema::Norm::kind),
    optional_field(&schema::Norm::use),
    optional_field(&schema::Norm::scale_shift),
    optional_field(&schema::Norm::epsilon),

    required_field(&schema::Level::experts),
    required_field(&schema::Level::gates),

    optional_field(&schema::Expert::name),
    optional_field(&schema::Expert::source),
    optional_field(&schema::Expert::input),
    required_field(&schema::Expert::layers),

    optional_field(&schema::Gate::name),
    optional_field(&schema::Gate::kind),
    optional_field(&schema::Gate::source),
    optional_field(&schema::Gate::input),
    optional_field(&schema::Gate::hidden),
    optional_field(&schema::Gate::logits),
    required_field(&schema::Gate::experts),
    optional_field(&schema::Gate::top_k),
    optional_field(&schema::Gate::top_k_mode),
    optional_field(&schema::Gate::constant),
    optional_field(&schema::Gate::scales),
    optional_field(&schema::Gate::num_selectors),

    optional_field(&schema::Tower::name),
    optional_field(&schema::Tower::input),
    required_field(&schema::Tower::layers),
    optional_field(&schema::Tower::source),

    required_field(&schema::Task::name),
    required_field(&schema::Task::link),

    optional_field(&schema::Link::kind),
    optional_field(&schema::Link::tower),
    optional_field(&schema::Link::column),
    optional_field(&schema::Link::factors),
    optional_field(&schema::Link::values),
    optional_field(&schema::Link::map),

    optional_field(&schema::GoldenRows::num_rows),
    optional_field(&schema::GoldenRows::values),
    optional_field(&schema::GoldenRows::ids),
    optional_field(&schema::GoldenRows::scores),
    optional_field(&schema::GoldenRows::f32_scores),

    optional_field(&schema::Provenance::converter),
    optional_field(&schema::Provenance::weights_file),
    optional_field(&schema::Provenance::weights_xxh64),
    optional_field(&schema::Provenance::description_xxh64),
    optional_field(&schema::Provenance::notes),

    optional_field(&schema::KeyValue::key),
    optional_field(&schema::KeyValue::value),

    optional_field(&schema::ScoreChange::num_rows),
    optional_field(&schema::ScoreChange::rows_file),
    optional_field(&schema::ScoreChange::largest),
    optional_field(&schema::ScoreChange::mean),
    optional_field(&schema::ScoreChange::num_labels),
    optional_field(&schema::ScoreChange::f32_quality),
    optional_field(&schema::ScoreChange::quality),

    required_field(&schema::Stream::parts),

    optional_field(&schema::StreamPart::first),
    optional_field(&schema::StreamPart::width),
    optional_field(&schema::StreamPart::source),
    optional_field(&schema::StreamPart::input),

    optional_field(&schema::Node::name),
    optional_field(&schema::Node::kind),
    optional_field(&schema::Node::level),
    optional_field(&schema::Node::source),
    optional_field(&schema::Node::input),
    optional_field(&schema::Node::layers),
    optional_field(&schema::Node::inputs),
    optional_field(&schema::Node::group),
    optional_field(&schema::Node::scale),
    optional_field(&schema::Node::constant),
    optional_field(&schema::Node::activation),
    optional_field(&schema::Node::alpha),
    optional_field(&schema::Node::beta),
    optional_field(&schema::Node::query),
    optional_field(&schema::Node::keys),
    optional_field(&schema::Node::product),
    optional_field(&schema::Node::length),
    optional_field(&schema::Node::masked),
    optional_field(&schema::Node::softmax),
    optional_field(&schema::Node::heads),
    optional_field(&schema::Node::causal),
};
inline constexpr std::size_t kNumFields = sizeof kOwnedFields / sizeof kOwnedFields[0];

/// The same for use: table t has fields[first[t]] up to fields[first[t + 1]].
struct FieldLists {
  Field fields[kNumFields];
  std::uint8_t first[FileTables::kSize + 1];
};
constexpr FieldLists list_fields() {
  FieldLists lists{};
  std::size_t table = 0;
  for (std::size_t i = 0; i < kNumFields; ++i) {
    lists.fields[i] = kOwnedFields[i].field;
    for (; table < kOwnedFields[i].table; ++table) lists.first[table + 1] = static_cast<std::uint8_t>(i);
  }
  for (; table < FileTables::kSize; ++table) lists.first[table + 1] = static_cast<std::uint8_t>(kNumFields);
  return lists;
}
inline constexpr FieldLists kFieldLists = list_fields();

static_assert(sizeof(Field) == 2 && kNumFields < 256);

}  // namespace mmoe::internal
