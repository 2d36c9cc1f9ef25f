# WebAssembly with simd128, from a Debian host: packages emscripten and nodejs, which runs the result.
#
# Debian's emscripten finds its JavaScript packages by NODE_PATH=/usr/share/nodejs, which the preset sets.
include(/usr/share/emscripten/cmake/Modules/Platform/Emscripten.cmake)

set(CMAKE_C_FLAGS_INIT "-msimd128")
set(CMAKE_CXX_FLAGS_INIT "-msimd128")
# Programs read files as everywhere, and exit with the code of main(). The stack holds a plan being built.
set(CMAKE_EXE_LINKER_FLAGS_INIT "-sNODERAWFS=1 -sEXIT_RUNTIME=1 -sALLOW_MEMORY_GROWTH=1 -sTOTAL_STACK=1048576")

# emscripten's node check of its own time takes the presence of fetch() for a browser.
find_program(MMOE_NODE NAMES node nodejs)
set(CMAKE_CROSSCOMPILING_EMULATOR ${MMOE_NODE} --no-experimental-fetch)
set(MMOE_THREADS OFF CACHE BOOL "WebAssembly threads need a page that isolates itself")
