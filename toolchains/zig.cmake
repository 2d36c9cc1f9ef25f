# Other systems by the compiler of Zig (the package ziglang of PyPI has it whole), whose clang brings the C and C++
# libraries of many of them:
#
#   cmake -B build/musl -G Ninja --toolchain toolchains/zig.cmake -DMMOE_ZIG_TARGET=x86_64-linux-musl
#
# MMOE_ZIG_TARGET is a target as Zig names it: x86_64-linux-musl and aarch64-macos were tried. MMOE_ZIG is the command:
# "zig", or "python3;-m;ziglang".
set(MMOE_ZIG_TARGET x86_64-linux-musl CACHE STRING "A target as Zig names it")
set(MMOE_ZIG zig CACHE STRING "The command, a list")
set(MMOE_ZIG_PROGRAMS ${CMAKE_BINARY_DIR}/zig CACHE INTERNAL "Where the programs are that CMake takes for compilers")
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES MMOE_ZIG_TARGET MMOE_ZIG MMOE_ZIG_PROGRAMS)

string(REGEX MATCH "^[^-]+" CMAKE_SYSTEM_PROCESSOR ${MMOE_ZIG_TARGET})
if(MMOE_ZIG_TARGET MATCHES "macos")
  set(CMAKE_SYSTEM_NAME Darwin)
elseif(MMOE_ZIG_TARGET MATCHES "linux")
  set(CMAKE_SYSTEM_NAME Linux)
else()
  message(FATAL_ERROR "MMOE_ZIG_TARGET: ${MMOE_ZIG_TARGET}, expected a target of linux or macos")
endif()

# CMake takes programs, not commands of several words.
list(JOIN MMOE_ZIG " " command)
set(programs ${MMOE_ZIG_PROGRAMS}/${MMOE_ZIG_TARGET})
foreach(pair IN ITEMS "cc;cc -target ${MMOE_ZIG_TARGET}" "c++;c++ -target ${MMOE_ZIG_TARGET}" "ar;ar" "ranlib;ranlib")
  list(POP_FRONT pair name)
  file(WRITE ${programs}/${name} "#!/bin/sh\nexec ${command} ${pair} \"$@\"\n")
  file(CHMOD ${programs}/${name} PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE)
endforeach()
set(CMAKE_C_COMPILER ${programs}/cc)
set(CMAKE_CXX_COMPILER ${programs}/c++)
set(CMAKE_AR ${programs}/ar)
set(CMAKE_RANLIB ${programs}/ranlib)
