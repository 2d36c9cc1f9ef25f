# WebAssembly from a Debian host: packages emscripten and nodejs, which runs the result.
#
# The kernel set simd128 makes a module that needs simd128. With -DMMOE_KERNEL_SETS=fpu it runs on every engine.
# Debian's emscripten finds its JavaScript packages by NODE_PATH=/usr/share/nodejs, which the preset sets.
include(/usr/share/emscripten/cmake/Modules/Platform/Emscripten.cmake)

# Programs read files as everywhere, and exit with the code of main(). The stack holds a plan being built.
set(CMAKE_EXE_LINKER_FLAGS_INIT "-sNODERAWFS=1 -sEXIT_RUNTIME=1 -sALLOW_MEMORY_GROWTH=1 -sTOTAL_STACK=1048576")

# emscripten's node check of its own time takes the presence of fetch() for a browser.
find_program(MMOE_NODE NAMES node nodejs)
set(CMAKE_CROSSCOMPILING_EMULATOR ${MMOE_NODE} --no-experimental-fetch)
set(MMOE_THREADS OFF CACHE BOOL "WebAssembly threads need a page that isolates itself")
