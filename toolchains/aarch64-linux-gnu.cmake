# 64-bit ARM Linux from a Debian host: packages g++-aarch64-linux-gnu, and qemu-user to run the result.
include(${CMAKE_CURRENT_LIST_DIR}/linux_gnu.cmake)
mmoe_linux_gnu(aarch64-linux-gnu aarch64 qemu-aarch64)

# An in-order core of 2012 by default: qemu's own default has every extension and would hide a missing guard.
set(CMAKE_CROSSCOMPILING_EMULATOR ${MMOE_EMULATOR} -cpu cortex-a53)
# `max` has SVE, whose registers have 512 bits in a new process. The others begin with shorter ones, in bytes.
set(MMOE_CPU_sve128 max,sve-default-vector-length=16)
set(MMOE_CPU_sve256 max,sve-default-vector-length=32)
set(MMOE_EMULATED_CPUS max sve256 sve128 CACHE STRING "Further CPUs on which the tests run, as qemu names them")
set(MMOE_CPUS_WITHOUT_RUNTIME sve256 sve128 CACHE STRING "Those of them that leave out unit.runtime: only kernels differ")
