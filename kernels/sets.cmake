# Every kernel set: the one list of their names, in the order in which Plan::create() prefers them, fastest first.
# sets/NAME.cpp holds each.
#
# mmoe_kernel_set(NAME ON machine... [IF condition] [FOR type] [FLAGS flag...])
#   ON     machines for which MMOE_KERNEL_SETS=auto compiles it; `other` is every machine without a line of its own;
#          none: only a list that names it does
#   IF     a function of select.cpp that asks this machine whether it can run the set; none: every such machine can
#   FOR    the stored type for whose sake the set is there: `auto` leaves it out where MMOE_NUMBERS does
#   FLAGS  the compiler's flags for sets/NAME.cpp
function(mmoe_kernel_set name)
  cmake_parse_arguments(PARSE_ARGV 1 set "" "IF;FOR" "ON;FLAGS")
  set(mmoe_all_kernel_sets ${mmoe_all_kernel_sets} ${name} PARENT_SCOPE)
  set(mmoe_machines_${name} ${set_ON} PARENT_SCOPE)
  set(mmoe_type_${name} ${set_FOR} PARENT_SCOPE)
  set(mmoe_condition_${name} ${set_IF} PARENT_SCOPE)
  set(mmoe_flags_${name} ${set_FLAGS} PARENT_SCOPE)
endfunction()

mmoe_kernel_set(avx512vnni ON x86-64 IF has_avx512vnni FOR w8a8
                FLAGS -mavx512f -mavx512cd -mavx512dq -mavx512bw -mavx512vl -mavx512vnni -mavx2 -mfma)
mmoe_kernel_set(avx512 ON x86-64 IF has_avx512
                FLAGS -mavx512f -mavx512cd -mavx512dq -mavx512bw -mavx512vl -mavx2 -mfma)
mmoe_kernel_set(avx2vnni ON x86-64 IF has_avx2vnni FOR w8a8 FLAGS -mavx2 -mfma -mf16c -mavxvnni)
mmoe_kernel_set(avx2 ON x86-64 IF has_avx2 FLAGS -mavx2 -mfma -mf16c)
mmoe_kernel_set(fma3 ON x86-64 IF has_fma3 FLAGS -mavx -mfma)
mmoe_kernel_set(sse2 ON x86-64)
# On AArch64 g++ would first order loads as if registers had no end, and then spill 26 in the largest tile. The sets for
# SVE, each for registers of one length, are not in auto: HACKING.md says what they would bring to which machines.
set(mmoe_in_order $<$<CXX_COMPILER_ID:GNU>:-fno-schedule-insns>)
mmoe_kernel_set(sve512 IF has_sve512 FLAGS -march=armv8.2-a+sve -msve-vector-bits=512 ${mmoe_in_order})
mmoe_kernel_set(neon64i8mm ON aarch64 IF has_matrix_products FOR w8a8
                FLAGS -march=armv8.2-a+dotprod+i8mm ${mmoe_in_order})
mmoe_kernel_set(sve256 IF has_sve256 FLAGS -march=armv8.2-a+sve -msve-vector-bits=256 ${mmoe_in_order})
mmoe_kernel_set(neon64dot ON aarch64 IF has_dot_products FOR w8a8
                FLAGS -march=armv8.2-a+dotprod ${mmoe_in_order})
mmoe_kernel_set(sve128 IF has_sve128 FLAGS -march=armv8.2-a+sve -msve-vector-bits=128 ${mmoe_in_order})
mmoe_kernel_set(neon64 ON aarch64 FLAGS ${mmoe_in_order})
mmoe_kernel_set(neon ON armv7 IF has_neon FLAGS -mfpu=neon-vfpv4 -mfp16-format=ieee -Wno-psabi)
mmoe_kernel_set(mve ON cortex-m-helium)
mmoe_kernel_set(rvv256 ON riscv64-vectors IF has_rvv256 FLAGS -march=rv64gcv_zvl256b)
mmoe_kernel_set(rvv128 ON riscv64-vectors IF has_rvv128 FLAGS -march=rv64gcv)
mmoe_kernel_set(simd128 ON wasm FLAGS -msimd128 -msse2)
mmoe_kernel_set(fpu ON armv7 cortex-m-helium riscv64-vectors bare-metal wasm other)
mmoe_kernel_set(scalar ON x86-64 aarch64 armv7 riscv64-vectors wasm other)

# Vectors of RISC-V as clang has them from version 17 on; g++ has no fused multiply-add of its vectors.
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "riscv64" AND NOT DEFINED MMOE_HAS_RISCV_VECTORS)
  include(CheckCXXSourceCompiles)
  set(CMAKE_REQUIRED_FLAGS -march=rv64gcv)
  check_cxx_source_compiles("typedef float V __attribute__((vector_size(16)));
    V f(V x) { return __builtin_elementwise_fma(x, x, x); }
    int main() {}" MMOE_HAS_RISCV_VECTORS)
  unset(CMAKE_REQUIRED_FLAGS)
endif()

if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  set(mmoe_machine x86-64)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
  set(mmoe_machine aarch64)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(armv7.*|arm)$")
  set(mmoe_machine armv7)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^cortex-m(55|85)$")
  set(mmoe_machine cortex-m-helium)
elseif(CMAKE_SYSTEM_PROCESSOR STREQUAL "riscv64" AND MMOE_HAS_RISCV_VECTORS)
  set(mmoe_machine riscv64-vectors)
elseif(CMAKE_SYSTEM_NAME STREQUAL "Generic")
  set(mmoe_machine bare-metal)
elseif(CMAKE_SYSTEM_NAME STREQUAL "Emscripten")  # other compilers for WebAssembly have no SSE2 intrinsics
  set(mmoe_machine wasm)
else()
  set(mmoe_machine other)
endif()

# mmoe_choose_kernel_sets(wanted chosen): the sets that a list of names asks for, in this file's order. `auto` in the
# list stands for those of this machine.
function(mmoe_choose_kernel_sets wanted chosen)
  set(result)
  foreach(name IN LISTS wanted)
    if(NOT name STREQUAL "auto" AND NOT name IN_LIST mmoe_all_kernel_sets)
      message(FATAL_ERROR "MMOE_KERNEL_SETS: '${name}', expected auto or names of: ${mmoe_all_kernel_sets}")
    endif()
  endforeach()
  foreach(name IN LISTS mmoe_all_kernel_sets)
    set(type ${mmoe_type_${name}})
    set(automatic OFF)
    if(mmoe_machine IN_LIST mmoe_machines_${name} AND (NOT type OR NOT DEFINED MMOE_NUMBERS OR type IN_LIST MMOE_NUMBERS))
      set(automatic ON)
    endif()
    if(name IN_LIST wanted OR ("auto" IN_LIST wanted AND automatic))
      list(APPEND result ${name})
    endif()
  endforeach()
  if(NOT result)
    message(FATAL_ERROR "MMOE_KERNEL_SETS: empty, expected auto or names of: ${mmoe_all_kernel_sets}")
  endif()
  set(${chosen} ${result} PARENT_SCOPE)
endfunction()
