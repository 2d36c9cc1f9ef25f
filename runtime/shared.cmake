# The shared library: libmmoe.so with the functions of <mmoe/mmoe.h> and no other symbol, for Python, Kotlin, Swift, Rust
# and C. It is the static libraries' code; only the C functions are compiled again, since they are hidden there.
add_library(mmoe_c SHARED ${mmoe_c_sources})
set_target_properties(mmoe_c PROPERTIES
  OUTPUT_NAME mmoe
  VERSION ${PROJECT_VERSION}
  SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})  # before 1.0 each minor version is another interface
mmoe_hide_symbols(mmoe_c)
mmoe_define_parts(mmoe_c)
target_compile_definitions(mmoe_c PRIVATE MMOE_BUILDING_SHARED INTERFACE MMOE_SHARED)
target_compile_options(mmoe_c PRIVATE -fno-rtti -ffunction-sections -fdata-sections ${MMOE_SIZE_FLAGS})
target_include_directories(mmoe_c
  PUBLIC $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
  PRIVATE src)
target_link_libraries(mmoe_c PRIVATE $<BUILD_INTERFACE:mmoe_flags> mmoe_runtime)
if(TARGET mmoe_threads)
  target_sources(mmoe_c PRIVATE src/c/mmoe_thread_pool.cpp)
  target_link_libraries(mmoe_c PRIVATE mmoe_threads)
endif()
if(UNIX AND NOT APPLE)
  # Templates of the standard library are visible where they are defined: the script hides these too.
  file(CONFIGURE OUTPUT mmoe.map @ONLY
       CONTENT "MMOE_@PROJECT_VERSION_MAJOR@.@PROJECT_VERSION_MINOR@ { global: mmoe_*; local: *; };\n")
  target_link_options(mmoe_c PRIVATE
    LINKER:--version-script=${CMAKE_CURRENT_BINARY_DIR}/mmoe.map LINKER:--no-undefined LINKER:--gc-sections)
  set_target_properties(mmoe_c PROPERTIES LINK_DEPENDS ${CMAKE_CURRENT_BINARY_DIR}/mmoe.map)
endif()
