# 64-bit ARM Linux from a Debian host: packages g++-aarch64-linux-gnu, and qemu-user to run the result.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)

set(CMAKE_FIND_ROOT_PATH /usr/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

# An in-order core of 2012 by default: qemu's own default has every extension and would hide a missing guard.
set(MMOE_EMULATOR qemu-aarch64 -L /usr/aarch64-linux-gnu)
set(CMAKE_CROSSCOMPILING_EMULATOR ${MMOE_EMULATOR} -cpu cortex-a53)
set(MMOE_EMULATED_CPUS max CACHE STRING "Further CPUs on which the tests run, as qemu names them")
