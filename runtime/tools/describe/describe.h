// A model file as JSON: what mmoe-inspect prints, for programs as it is and for people as a table.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "mmoe/model.h"

namespace mmoe::tools {

using Json = nlohmann::ordered_json;

/// Names and notes are cut behind 1,024 bytes, with "…". Throws ToolError for more than 65,536 segments or tensors.
/// Keys are only ever added. Counts are numbers, sizes end in _bytes, checksums are 16 hexadecimal digits; a
/// float that is not finite is null, as is what does not apply. weight_bytes: all tensors but vocabularies.
///   file, file_bytes, format_version, name, architecture, input_dim, user_dim, candidate_dim, parameters,
///   weight_bytes, flops_per_row {all_experts, top_k_min, top_k_max}, golden_rows,
///   score_change: null or {rows, rows_file, tasks [{task, largest, mean}]}
///   features [{name, kind, side, column, width,
///              scaling {offset, factor, lower, upper, missing, function, exponent}   dense
///              vocabulary {kind, size, unknown {rule, id},                      categorical, sequence
///                          hashing {function, seed, bytes, modulo, first_id, mask, parts},    kind hash; strings
///                                   and integers may have it, with buckets; separator: bytes joined; seed_high:
///                                   function siphash24; prefix: where there is one
///                          date {part, ticks, offset, first_id},              kind date
///                          side},                                              kind bins
///              embedding {name, rows, width, dtype},
///              sequence {length, pooling, padding_id, weights, empty_id}}]               sequence
///   trunk [layer]                layer: {inputs, outputs, activation, alpha, weights, norm: null or {kind, position}}
///   levels [{experts [{name, reads, layers [layer]}],
///            gates [{name, kind, reads, hidden [layer], experts [index], top_k, top_k_mode, weights [number]}]}]
///   nodes [{name, kind, level, outputs,   level: it comes behind so many
///           reads, layers [layer]         of kind mlp
///           inputs [reads], query, keys, product, layers [layer], length, masked, softmax   of kind attention
///           inputs [reads], group, scale, activation}]   of others
///   towers [{name, reads, layers [layer]}]
///   tasks [{name, link, tower, column, factors [task name]}]
///   segments [{name, offset, bytes, xxh64}], header_xxh64
///   tensors [{name, segment, offset, bytes, rows, columns, dtype, layout, shared_columns}]   on request
///   provenance {converter, weights_file, weights_xxh64, description_xxh64, notes {key: value}}
/// "reads" is {"stream": "x"}, {"stream": "trunk"}, {"stream": "gate", "index", "name"} for an output of the level
/// before, or {"stream": "node", "index", "name"}. Of several, or of some columns, it is {"stream": "parts", "parts":
/// [part]}. A part is {"stream": "x", "feature"}, or one of these with "first" and "count", its columns.
Json describe(const Model& model, const std::string& path, bool with_tensors);

}  // namespace mmoe::tools
