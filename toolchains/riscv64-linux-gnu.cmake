# 64-bit RISC-V Linux from a Debian host: packages g++-riscv64-linux-gnu, and qemu-user to run the result. Plain loops,
# with the fused multiply-add of its floating-point unit: Debian's compiler knows no vectors.
include(${CMAKE_CURRENT_LIST_DIR}/linux_gnu.cmake)
mmoe_linux_gnu(riscv64-linux-gnu riscv64 qemu-riscv64)
set(CMAKE_CROSSCOMPILING_EMULATOR ${MMOE_EMULATOR})
