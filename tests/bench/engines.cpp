#include "tests/bench/engines.h"

namespace mmoe::bench {

// The build defines MMOE_BENCH_NAME and compiles engines/name.cpp where it has found the library.
#define MMOE_BENCH_WITHOUT(name, package)                         \
  std::unique_ptr<Engine> make_##name(const EngineOptions&) {     \
    throw Unavailable("not built in; Debian has it in " package); \
  }
#ifndef MMOE_BENCH_XNNPACK
MMOE_BENCH_WITHOUT(xnnpack, "libxnnpack-dev")
#endif
#ifndef MMOE_BENCH_ONEDNN
MMOE_BENCH_WITHOUT(onednn, "libdnnl-dev")
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

const std::vector<EngineEntry>& all_engines() {
  static const std::vector<EngineEntry> engines = {
      {"ours", Kind::kOurs, make_ours},
      {"onnxruntime", Kind::kFramework, make_onnxruntime},
      {"pytorch", Kind::kFramework, make_pytorch},
      {"xnnpack", Kind::kAssembled, make_xnnpack},
      {"onednn", Kind::kAssembled, make_onednn},
      {"libxsmm", Kind::kAssembled, make_libxsmm},
      {"openblas", Kind::kAssembled, make_openblas},
      {"eigen", Kind::kAssembled, make_eigen},
  };
  return engines;
}

}  // namespace mmoe::bench
