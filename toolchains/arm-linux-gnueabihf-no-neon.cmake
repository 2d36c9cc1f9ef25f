# The same for a core that never has NEON (Marvell Armada, Tegra 2): only plain C++ kernels, chosen when compiling.
include(${CMAKE_CURRENT_LIST_DIR}/linux_gnu.cmake)
mmoe_linux_gnu(arm-linux-gnueabihf armv7l qemu-arm)
set(CMAKE_C_FLAGS_INIT "-march=armv7-a+fp -mfpu=vfpv3-d16")
set(CMAKE_CXX_FLAGS_INIT "-march=armv7-a+fp -mfpu=vfpv3-d16 -Wno-psabi")
set(MMOE_KERNEL_SETS fpu scalar CACHE STRING "Kernel sets to compile")

set(CMAKE_CROSSCOMPILING_EMULATOR ${MMOE_EMULATOR} -cpu cortex-a9,neon=off)
