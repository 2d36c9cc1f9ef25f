# Bare metal: Arm Cortex-M7 with double-precision FPU, on the emulated board MPS2 AN500.
include(${CMAKE_CURRENT_LIST_DIR}/arm_none_eabi.cmake)
mmoe_arm_none_eabi(cortex-m7 "-mfpu=fpv5-d16" mps2-an500)
