# 64-bit ARM Linux from a Debian host: packages g++-aarch64-linux-gnu, and qemu-user to run the result.
include(${CMAKE_CURRENT_LIST_DIR}/linux_gnu.cmake)
mmoe_linux_gnu(aarch64-linux-gnu aarch64 qemu-aarch64)

# An in-order core of 2012 by default: qemu's own default has every extension and would hide a missing guard.
set(CMAKE_CROSSCOMPILING_EMULATOR ${MMOE_EMULATOR} -cpu cortex-a53)
set(MMOE_EMULATED_CPUS max CACHE STRING "Further CPUs on which the tests run, as qemu names them")
