# Bare metal: Arm Cortex-M55 with Helium (MVE), on the emulated board MPS3 AN547.
include(${CMAKE_CURRENT_LIST_DIR}/arm_none_eabi.cmake)
mmoe_arm_none_eabi(cortex-m55 "" mps3-an547)
