# 32-bit ARM Linux with a floating-point unit, as Debian's armhf and Raspberry Pi OS: packages g++-arm-linux-gnueabihf,
# and qemu-user to run the result.
#
# The baseline is ARMv7-A with VFPv3; NEON with fused multiply-add is a kernel set that the machine chooses.
include(${CMAKE_CURRENT_LIST_DIR}/linux_gnu.cmake)
mmoe_linux_gnu(arm-linux-gnueabihf armv7l qemu-arm)
set(CMAKE_CXX_FLAGS_INIT "-Wno-psabi")  # a note that GCC 7 changed how some arguments are passed

# A core with NEON VFPv4, as in a Raspberry Pi 2; and one whose NEON cannot fuse, on which the other sets run.
set(CMAKE_CROSSCOMPILING_EMULATOR ${MMOE_EMULATOR} -cpu cortex-a7)
set(MMOE_CPUS_WITHOUT_RUNTIME cortex-a9 CACHE STRING "Those of them that leave out unit.runtime: it would take too long")
set(MMOE_EMULATED_CPUS cortex-a9 CACHE STRING "Further CPUs on which the tests run, as qemu names them")
