# iOS: defers to Xcode's own compilers, which run on macOS alone. Not built and not run by this project's tests: what
# they cover is the same code on 64-bit ARM Linux.
#
#   cmake --preset ios-arm64 && cmake --build --preset ios-arm64
if(NOT CMAKE_HOST_SYSTEM_NAME STREQUAL "Darwin")
  message(FATAL_ERROR "iOS: needs macOS with Xcode; this is ${CMAKE_HOST_SYSTEM_NAME}")
endif()
set(CMAKE_SYSTEM_NAME iOS)
set(CMAKE_SYSTEM_PROCESSOR arm64)
set(CMAKE_OSX_SYSROOT iphoneos CACHE STRING "iphoneos, or iphonesimulator")
set(CMAKE_OSX_ARCHITECTURES arm64 CACHE STRING "")
set(CMAKE_OSX_DEPLOYMENT_TARGET 13.0 CACHE STRING "Oldest iOS")
