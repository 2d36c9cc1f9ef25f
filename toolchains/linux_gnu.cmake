# mmoe_linux_gnu(triplet processor emulator...): what the toolchain files of Debian's cross compilers share.
macro(mmoe_linux_gnu triplet processor)
  set(CMAKE_SYSTEM_NAME Linux)
  set(CMAKE_SYSTEM_PROCESSOR ${processor})
  set(CMAKE_C_COMPILER ${triplet}-gcc)
  set(CMAKE_CXX_COMPILER ${triplet}-g++)

  # As the packages of that architecture install: /usr/lib/TRIPLET.
  set(CMAKE_LIBRARY_ARCHITECTURE ${triplet})

  set(CMAKE_FIND_ROOT_PATH /usr/${triplet})
  set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
  set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
  set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
  set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
  set(MMOE_EMULATOR ${ARGN} -L /usr/${triplet})
endmacro()
