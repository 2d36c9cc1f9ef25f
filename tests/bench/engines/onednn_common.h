// What the uses of oneDNN share.
#pragma once

#include <omp.h>
#include <oneapi/dnnl/dnnl.hpp>
#include <stdexcept>
#include <string>
#include <utility>

namespace mmoe::bench {

inline dnnl::engine& onednn_cpu() {
  static dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

inline dnnl::stream& onednn_stream() {
  static dnnl::stream stream(onednn_cpu());
  return stream;
}

inline dnnl::memory::dim onednn_dim(std::size_t size) { return static_cast<dnnl::memory::dim>(size); }

/// Reference code, which it falls back to for shapes that its kernels do not take, is not what users run.
inline void refuse_reference(const std::string& implementation) {
  if (implementation.find("ref") != std::string::npos) {
    throw std::runtime_error("oneDNN has only reference code for this shape");
  }
}

/// VNNI, whose products of bytes do not saturate.
inline bool onednn_has_vnni() {
  const int isa = static_cast<int>(dnnl::get_effective_cpu_isa());
  const auto has = [isa](dnnl::cpu_isa wanted) { return (isa & static_cast<int>(wanted)) == static_cast<int>(wanted); };
  return has(dnnl::cpu_isa::avx512_core_vnni) || has(dnnl::cpu_isa::avx2_vnni);
}

/// ", instructions up to AVX2", from the largest set that it may use.
inline std::string onednn_instructions() {
  using Isa = dnnl::cpu_isa;
  const int isa = static_cast<int>(dnnl::get_effective_cpu_isa());
  const std::pair<Isa, const char*> sets[] = {{Isa::avx512_core_amx, "AMX"},
                                              {Isa::avx512_core_bf16, "AVX-512 BF16"},
                                              {Isa::avx512_core_vnni, "AVX-512 VNNI"},
                                              {Isa::avx512_core, "AVX-512"},
                                              {Isa::avx2_vnni, "AVX-VNNI"},
                                              {Isa::avx2, "AVX2"},
                                              {Isa::avx, "AVX"}};
  for (const auto& [set, name] : sets) {
    if ((isa & static_cast<int>(set)) == static_cast<int>(set)) return std::string(", instructions up to ") + name;
  }
  return "";
}

}  // namespace mmoe::bench
