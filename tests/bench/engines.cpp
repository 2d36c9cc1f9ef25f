#include "tests/bench/engines.h"

namespace mmoe::bench {

// The build defines MMOE_BENCH_NAME and compiles engines/name.cpp where it has found the library.
#define MMOE_BENCH_WITHOUT(name, package)                         \
  std::unique_ptr<Engine> make_##name(const EngineOptions&) {     \
    throw Unavailable("not built in; Debian has it in " package); \
  }
#ifndef MMOE_BENCH_XNNPACK
MMOE_BENCH_WITHOUT(xnnpack, "libxnnpack-dev")
MMOE_BENCH_WITHOUT(xnnpack_f16, "libxnnpack-dev")
MMOE_BENCH_WITHOUT(xnnpack_qd8, "libxnnpack-dev")
#endif
#ifndef MMOE_BENCH_ONEDNN
MMOE_BENCH_WITHOUT(onednn, "libdnnl-dev")
MMOE_BENCH_WITHOUT(onednn_bf16, "libdnnl-dev")
MMOE_BENCH_WITHOUT(onednn_int8, "libdnnl-dev")
#endif
#ifndef MMOE_BENCH_LIBXSMM
MMOE_BENCH_WITHOUT(libxsmm, "libxsmm-dev")
#endif
#ifndef MMOE_BENCH_OPENBLAS
MMOE_BENCH_WITHOUT(openblas, "libopenblas-dev")
#endif
#ifndef MMOE_BENCH_EIGEN
MMOE_BENCH_WITHOUT(eigen, "libeigen3-dev")
#endif
#undef MMOE_BENCH_WITHOUT

namespace {

// Products of bytes saturate silently where a processor has no instruction for four of them.
bool has_byte_products() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512vnni") || __builtin_cpu_supports("avxvnni");
#else
  return true;
#endif
}

// Files with weights of all 8 bits; else, as ONNX Runtime's and OpenVINO's manuals recommend, of 7 bits or without
// sign: the same instructions with right sums.
std::vector<std::string> byte_forms(const std::string& name) {
  if (has_byte_products()) return {name + "-s8", name + "-u8"};
  return {name + "-s7", name + "-u8"};
}

}  // namespace

const std::vector<EngineEntry>& all_engines() {
  using Strings = std::vector<std::string>;
  static const std::vector<EngineEntry> engines = {
      {"ours", Kind::kOurs, Numbers::kF32, make_ours},
      {"onnxruntime", Kind::kFramework, Numbers::kF32, make_onnxruntime({""})},
      {"openvino", Kind::kFramework, Numbers::kF32, make_openvino},
      {"pytorch", Kind::kFramework, Numbers::kF32, make_pytorch},
      {"xnnpack", Kind::kAssembled, Numbers::kF32, make_xnnpack},
      {"onednn", Kind::kAssembled, Numbers::kF32, make_onednn},
      {"libxsmm", Kind::kAssembled, Numbers::kF32, make_libxsmm},
      {"openblas", Kind::kAssembled, Numbers::kF32, make_openblas},
      {"eigen", Kind::kAssembled, Numbers::kF32, make_eigen},

      {"ours-f16", Kind::kOurs, Numbers::kF16, make_ours_in("f16")},
      {"ours-bf16", Kind::kOurs, Numbers::kBf16, make_ours_in("bf16")},
      {"openvino-f16", Kind::kFramework, Numbers::kF16Sums, make_openvino_in("f16", "FP16")},
      {"openvino-bf16", Kind::kFramework, Numbers::kBf16, make_openvino_in("bf16", "BF16")},
      {"xnnpack-f16", Kind::kAssembled, Numbers::kF16Sums, make_xnnpack_f16},
      {"onednn-bf16", Kind::kAssembled, Numbers::kBf16, make_onednn_bf16},

      {"ours-i8", Kind::kOurs, Numbers::kI8, make_ours_in("i8")},
      {"ours-w8a8", Kind::kOurs, Numbers::kW8a8, make_ours_in("w8a8")},
      {"onnxruntime-dynamic", Kind::kFramework, Numbers::kW8a8, make_onnxruntime(byte_forms(".dynamic"))},
      {"onnxruntime-qdq", Kind::kFramework, Numbers::kW8a8, make_onnxruntime(byte_forms(".qdq"))},
      {"onnxruntime-nbits", Kind::kFramework, Numbers::kW8a8, make_onnxruntime(Strings{".nbits-f32", ".nbits-s8"})},
      {"openvino-weights", Kind::kFramework, Numbers::kI8, make_openvino_weights},
      {"openvino-int8", Kind::kFramework, Numbers::kW8a8, make_openvino_int8(has_byte_products())},
      {"pytorch-int8", Kind::kFramework, Numbers::kW8a8, make_pytorch_int8},
      {"xnnpack-qd8", Kind::kAssembled, Numbers::kW8a8, make_xnnpack_qd8},
      {"onednn-int8", Kind::kAssembled, Numbers::kW8a8, make_onednn_int8},
  };
  return engines;
}

}  // namespace mmoe::bench
