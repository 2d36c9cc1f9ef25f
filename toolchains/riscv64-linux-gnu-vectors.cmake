# 64-bit RISC-V Linux with vectors, which Debian's g++ does not know: package clang-19 beside those of
# riscv64-linux-gnu.cmake.
include(${CMAKE_CURRENT_LIST_DIR}/riscv64-linux-gnu.cmake)
set(CMAKE_C_COMPILER clang-19)
set(CMAKE_CXX_COMPILER clang++-19)
set(CMAKE_C_COMPILER_TARGET riscv64-linux-gnu)
set(CMAKE_CXX_COMPILER_TARGET riscv64-linux-gnu)

# The emulator's machine has no vectors by default: the tests run without, and with two lengths.
set(MMOE_EMULATED_CPUS vectors128 vectors256 CACHE STRING "Further CPUs on which the tests run")
foreach(bits IN ITEMS 128 256)
  set(MMOE_CPU_vectors${bits} rv64,v=true,vlen=${bits},vext_spec=v1.0)
endforeach()
