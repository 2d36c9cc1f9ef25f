// The arithmetic of the runtime: one table of functions per instruction set, chosen once.
//
// Numerics contract, the same for every table whose `fma` is true, bit for bit (but where
// `flushes` is true, on ARMv7 and Cortex-M55, 0 stands instead of subnormal numbers):
//  - a dense output starts from its bias and takes one fused multiply-add per input, inputs ascending; weights of f16
//    and bf16 are widened to f32 first, which is exact;
//  - i8 weights: the sum starts from 0, takes one fused multiply-add of input and float(weight) per input, ascending,
//    and becomes sum * scale + bias, not fused;
//  - W8A8: a row's inputs become q = x * inv rounded half to even, inv = 127 / amax, amax the largest |x| of the row
//    (of the part, where a product has two). The output is float(sum) * (amax / 127 * scale) + bias, with the exact
//    integer sum of q * weight, nothing fused; the second part's goes on from the first's. A row whose amax is below
//    kLeastAmax counts as zeros; one with an infinity or NaN is NaN in all outputs;
//  - an element of a table of u8 or u4 is code * scale + bias, not fused;
//  - exp is the polynomial of generic/math.h, with explicit fma; sums run in ascending order;
//  - relu is x < 0 ? 0 : x by compare and select, so that a NaN passes through; so are all bounds and thresholds;
//  - softplus with a sharpness and celu divide by alpha, and e^x of a positive x is 1 / e^-x: infinite from 87.34 on;
//  - a gate's weights are the softmax, then top-k or the threshold choose; constants of the gate multiply what is left,
//    once, before the experts are mixed. Of gates that are no softmax, top-k chooses weights and leaves them as they
//    are;
//  - a smooth step is fma(u, fma(-2, u * u, 1.5), 0.5) of u = clamp(x, -1/2, 1/2). A selector gives an expert the
//    product, highest bit first, of its smooth steps where the expert's number has a 1 and of 1 - step where it has a
//    0. The weight is the first selector's share times its product, then a fused multiply-add per further selector;
//  - functions of raw numbers are computed in double, nothing fused, and rounded once: number_functions.h;
//  - no row's result depends on another row, on the number of rows, or on the row's position.
// It holds in C's default floating-point environment: rounding to nearest, subnormal numbers kept (exact.h tests that).
// The table named "scalar" is the contract in plain loops (reference.cpp) and the oracle of the tests.
//
// Kernels cannot fail: the plan has established every precondition. All strides and sizes are in elements,
// never bytes. Buffers a kernel writes have rows padded to whole panels (16 floats); a kernel may write the
// padding, and may read up to 15 floats beyond a row of a buffer that a kernel wrote.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/activations.h"
#include "kernels/number_types.h"
#include "kernels/target.h"

namespace mmoe::kernels {

#ifdef MMOE_NO_EXTRAS
constexpr unsigned kNumActivations = static_cast<unsigned>(Activation::kSoftplus) + 1;
#else
#define MMOE_ONE(name) +1
constexpr unsigned kNumActivations = MMOE_ACTIVATIONS(MMOE_ONE, MMOE_ONE);
#undef MMOE_ONE
#endif

/// Whether this build has it.
constexpr bool is_activation(unsigned value) { return value < kNumActivations; }

/// Below it, a row's inputs count as zeros: 127 / amax stays finite.
constexpr float kLeastAmax = 0x1p-100f;

/// A product over x of which a part is the same for all candidates has two parts, each with an amax, a sum and whole
/// quads of its own, so that the first can be computed once for all of them. There are two where 0 < first_inputs <
/// DenseArgs::num_inputs; else one, and one without inputs leaves `start` as it is.
struct W8A8Args {
  std::size_t first_inputs;      ///< of the first part; 0: there is one part
  const std::int32_t* row_sums;  ///< [num_panels * 16] of the first part, and row_sums_stride further of the second:
                                 ///< sums of an output's weights
  std::size_t row_sums_stride;
  std::uint8_t* room;  ///< [num_rows, w8a8_room_bytes(first_inputs, num_inputs)] for the rounded inputs and their
                       ///< scales; aligned to 64
};

/// output[row] = activation(W input[row] + bias), W in panels of 16 outputs (panel16.h); the activation applies to the
/// first num_activated panels, the others stay linear: gates' logits lie behind experts in one product.
struct DenseArgs {
  const float* input;
  std::size_t input_stride;
  const std::uint32_t* rows;  ///< the i-th row reads and writes row rows[i]; null: row i
  std::size_t num_rows;
  const void* weights;       ///< first panel
  std::size_t panel_stride;  ///< from panel to panel, in weights: 16 * the matrix's inputs (W8A8: quads_of() of them)
  std::size_t num_inputs;    ///< inputs to accumulate; fewer than the matrix has, for a part of it
  std::size_t num_panels;
  const float* start;  ///< [num_panels * 16] where sums begin: F32, F16, BF16, W8A8: the bias; I8: null, for zeros. Or,
                       ///< of all, what an earlier call has left for the inputs before these
  const float* scales;   ///< [num_panels * 16] I8, W8A8: real weight = scale * stored one. I8: null, for a call that
                         ///< leaves sums to go on from
  const float* bias;     ///< [num_panels * 16] I8 with scales: what is added behind them. Else unused
  const W8A8Args* w8a8;  ///< W8A8: more of it. Else unused
  float* output;         ///< [.., num_panels * 16]
  std::size_t output_stride;
  WeightType type;
  Activation activation;
  std::size_t num_activated;
  float alpha, beta;    ///< what they are to each activation is said in schema/mmoe.fbs
  const float* slopes;  ///< prelu: [num_activated * 16]
  bool backwards;       ///< last panels first, which changes no bit: a caller that alternates finds in cache
                        ///< what it read last
};

/// Rows of `width` outputs, in place: data = activation(N(data)), N(x) = scale * x' + shift per channel, where x' is
/// x, or (x - mean) / sqrt(variance + epsilon) over the row (LayerNorm). Or `dice`: x is weighed by p = sigmoid(N(x))
/// as p * x + (1 - p) * slope * x. Writes whole panels: those of this layer alone.
struct NormArgs {
  float* data;
  std::size_t stride;
  const std::uint32_t* rows;  ///< as in DenseArgs
  std::size_t num_rows;
  std::size_t width;
  bool over_row;
  bool dice;
  float epsilon;
  const float* scale;  ///< [width rounded up to 16], as shift and slopes
  const float* shift;
  const float* slopes;  ///< dice, and the activation kPRelu
  Activation activation;
  float alpha, beta;
};

/// What a gate makes of its logits.
enum class GateFunction : std::uint8_t {
  kSoftmax,
  kIdentity,   ///< the logits are the weights: a dense product has activated them
  kSmoothStep  ///< of DSelect-k (Hazimeh et al., NeurIPS 2021); logits as schema/mmoe.fbs says
};

#ifdef MMOE_NO_EXTRAS
constexpr bool kHasGateFunctions = false;  // softmax alone
#else
constexpr bool kHasGateFunctions = true;
#endif

constexpr std::size_t kMaxSelectors = 64;

/// Smooth steps of each selector: the bits of the largest expert's number.
constexpr std::size_t selector_bits(std::size_t num_experts) {
  std::size_t bits = 0;
  while ((std::size_t{1} << bits) < num_experts) ++bits;
  return bits;
}

/// Weights from a row of logits: of all experts, or restricted to the top_k largest (ties: the lower index; a NaN
/// counts as the largest, as in torch.topk).
struct GateArgs {
  GateFunction function;
  std::size_t num_selectors;  ///< kSmoothStep: 1 to kMaxSelectors, and num_experts is from 2 to 256
  const float* logits;
  std::size_t logits_stride;
  std::size_t num_rows;
  std::size_t num_experts;
  std::size_t top_k;           ///< 0: all; then `selected` is not written
  bool top_k_of_softmax;       ///< kSoftmax; false: softmax over the selected logits only
  float* weights;              ///< [num_rows, top_k or num_experts]; kSmoothStep: not the logits
  std::size_t weights_stride;  ///< at least num_experts rounded up to 16
  std::uint16_t* selected;     ///< [num_rows, top_k] positions of the selected, ascending
};

/// Drops, row by row, the experts whose weight is below a threshold; the largest weight stays in any case.
struct ThresholdArgs {
  float* weights;  ///< [num_rows, num_experts] of a gate without top_k; the kept ones move to the front
  std::size_t weights_stride;
  std::size_t num_rows;
  std::size_t num_experts;
  float threshold;
  bool renormalise;         ///< divide the kept weights by their sum
  std::uint16_t* selected;  ///< [num_rows, num_experts] positions of the kept, ascending
  std::uint16_t* counts;    ///< [num_rows] how many are kept
};

/// One expert's output, row-major.
struct ExpertOutput {
  const float* data;
  std::size_t stride;
};

/// output[row] = w0 * e0[row], then fused multiply-adds over the further experts in ascending order.
struct MixArgs {
  const ExpertOutput* experts;
  std::size_t num_weights;        ///< per row: number of experts, or top_k; with counts: at most
  const float* weights;           ///< [num_rows, num_weights]
  std::size_t weights_stride;     ///< 0: the same weights for every row
  const std::uint16_t* selected;  ///< [num_rows, num_weights] indices into experts; null: 0, 1, 2, ...
  const std::uint16_t* counts;    ///< [num_rows] weights of each row; null: num_weights
  std::size_t num_rows;
  std::size_t dim;
  float* output;
  std::size_t output_stride;
};

/// output[row * output_stride] = (clamp(values[row * stride], lower, upper) - offset) * factor.
struct ScaleArgs {
  const float* values;
  std::size_t stride;
  std::size_t num_rows;
  float offset, factor, lower, upper;
  float missing;  ///< replaces a NaN value, before clamping
  float* output;
  std::size_t output_stride;
};

/// output[row] = table[ids[row]], or zeros where ids[row] is negative.
struct LookupArgs {
  TableType type;
  const void* table;  ///< [.., width], rows of table_row_bytes()
  std::size_t width;
  const std::int32_t* ids;
  std::size_t num_rows;
  float* output;
  std::size_t output_stride;
};

#ifdef MMOE_NO_WEIGHTS
constexpr bool kHasWeights = false;  // nor kSqrtN
#else
constexpr bool kHasWeights = true;
#endif

enum class Pooling : std::uint8_t { kSum, kMean, kMax, kSqrtN = 4 };  // with the numbers of the file

/// output = the sum, mean or maximum of the rows table[ids[0]], table[ids[1]], ..., in this order; zeros of none. A sum
/// begins with the first row; a mean is the sum divided by num_ids, and kSqrtN by its root. With weights, each row is
/// multiplied by its weight first; a mean is divided by the sum of the weights, in their order, kSqrtN by the root of
/// the sum of their squares. Nothing is fused.
struct PoolArgs {
  TableType type;
  const void* table;  ///< [.., width], rows of table_row_bytes()
  std::size_t width;
  const std::int32_t* ids;  ///< none is negative
  std::size_t num_ids;
  Pooling pooling;
  float* output;                   ///< [width]: nothing behind it is written
  const float* weights = nullptr;  ///< [num_ids], not with kMax; null: none
};

/// What steers a plan: of several ways to compute the same bits, which is faster. In multiply-adds of the dense kernel.
struct KernelCosts {
  /// Skipping experts: what a level's row lists and products of their own cost a row, in blocks of few rows and of
  /// more.
  float skip_few_rows, skip_rows;
  /// By how much a product by itself is slower than one side by side with others: skip_product + skip_narrow /
  /// panels^2.
  float skip_product, skip_narrow;
  /// Floats of output of joined products that stay in cache until the next layer has read them.
  std::size_t joined_floats;
  /// Floats of weights of which a cache holds a good part from one call to the next.
  std::size_t alternating_floats;
};

/// Measured with AVX-512. The other sets with registers of several floats take them too: nobody has measured theirs.
/// The caches are a part of a small L2 (320 kB) and of an L1 (128 kB).
constexpr KernelCosts kVectorCosts = {7500, 1000, 1.04f, 0.6f, 80 * 1024, 32 * 1024};

/// Where an instruction is one multiply-add, what surrounds it costs fewer of them. Estimated from the code, not
/// measured: row lists and calls of the dense kernel are some 300 instructions a level and row, and a tile of one row
/// has 2.2 for a multiply-add; a product of one panel is as fast by itself as beside others.
constexpr KernelCosts kOneFloatCosts = {150, 150, 1, 0, 80 * 1024, 32 * 1024};

struct KernelTable {
  const char* name;    ///< "avx2", as the option kernel_set and the variable MMOE_KERNEL_SET take it
  std::uint8_t lanes;  ///< floats in a register of its dense kernel
  bool fma;            ///< keeps the numerics contract to the bit
  bool flushes;        ///< but has 0 instead of subnormal numbers
  KernelCosts costs;
  void (*dense)(const DenseArgs&);
  void (*activate)(Activation, float alpha, float beta, float* data, std::size_t size);  ///< size: multiple of 16
  void (*normalise)(const NormArgs&);
  void (*gate)(const GateArgs&);
  void (*threshold)(const ThresholdArgs&);
  void (*mix_experts)(const MixArgs&);
  void (*scale)(const ScaleArgs&);
  void (*lookup)(const LookupArgs&);
  void (*pool)(const PoolArgs&);
  bool (*all_finite)(const float* data, std::size_t size);
};

/// A table that is compiled into this build, and whether this machine can run it. Without that, only its name and what
/// else stands in front of the functions may be used.
struct KernelSet {
  const KernelTable* table;
  bool available;
};

/// All sets compiled into this build, fastest first. `index` beyond the last: table is null.
KernelSet compiled_kernels(std::size_t index);

/// Those of them that this machine can run. `index` beyond the last: null.
const KernelTable* available_kernels(std::size_t index);

/// The fastest table, or the one called `name`; null where this build or machine has none of that name.
const KernelTable* select_kernels(const char* name = nullptr);

}  // namespace mmoe::kernels
