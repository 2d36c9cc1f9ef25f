# Android: defers to the toolchain file of Google's NDK, of which Debian has no package. Not built and not run by this
# project's tests: what they cover is the same code on 64-bit and 32-bit ARM Linux.
#
#   ANDROID_NDK_HOME=... cmake --preset android-arm64 && cmake --build --preset android-arm64
if(NOT DEFINED ENV{ANDROID_NDK_HOME} OR NOT EXISTS $ENV{ANDROID_NDK_HOME}/build/cmake/android.toolchain.cmake)
  message(FATAL_ERROR "Android: set ANDROID_NDK_HOME to an NDK (the folder that has build/cmake/android.toolchain.cmake)")
endif()
set(ANDROID_ABI arm64-v8a CACHE STRING "arm64-v8a, armeabi-v7a or x86_64")
set(ANDROID_PLATFORM android-21 CACHE STRING "Oldest Android")
set(ANDROID_STL c++_static CACHE STRING "The library needs little more than operator new")
include($ENV{ANDROID_NDK_HOME}/build/cmake/android.toolchain.cmake)
