# mmoe_arm_none_eabi(cpu flags board): what the toolchain files of bare-metal Cortex-M cores share. Packages
# gcc-arm-none-eabi, libstdc++-arm-none-eabi-newlib, and qemu-system-arm to run the result.
#
# No exceptions, no RTTI, newlib-nano; startup and memory map are the program's: examples/cortex-m. The emulated
# board prints what the program writes by semihosting and ends with the program's exit code.
macro(mmoe_arm_none_eabi cpu flags board)
  set(CMAKE_SYSTEM_NAME Generic)
  set(CMAKE_SYSTEM_PROCESSOR ${cpu})
  set(CMAKE_C_COMPILER arm-none-eabi-gcc)
  set(CMAKE_CXX_COMPILER arm-none-eabi-g++)
  set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)  # a program needs a startup

  set(common "-mcpu=${cpu} -mthumb -mfloat-abi=hard ${flags} -ffunction-sections -fdata-sections")
  set(CMAKE_ASM_FLAGS_INIT "${common}")
  set(CMAKE_C_FLAGS_INIT "${common}")
  set(CMAKE_CXX_FLAGS_INIT
    "${common} -fno-exceptions -fno-rtti -fno-threadsafe-statics -fno-use-cxa-atexit -fno-unwind-tables")
  set(CMAKE_EXE_LINKER_FLAGS_INIT "-specs=nano.specs -Wl,--gc-sections")

  set(CMAKE_FIND_ROOT_PATH /usr/lib/arm-none-eabi)
  set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
  set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
  set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
  set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE BOTH)  # find_package(mmoe) where the user installed it
  set(MMOE_BOARD ${board} CACHE STRING "The memory map: BOARD.ld of examples/cortex-m")
  set(CMAKE_CROSSCOMPILING_EMULATOR qemu-system-arm -M ${board} -nographic -monitor none -serial none
      -semihosting-config enable=on,target=native -kernel)
endmacro()
