# What a small device can leave out. README.md says what each spares.
set(hosted ON)
if(CMAKE_SYSTEM_NAME STREQUAL "Generic")
  set(hosted OFF)
endif()
option(MMOE_FILES "Model::map(): a system with files" ${hosted})
option(MMOE_ENVIRONMENT "The environment variable MMOE_KERNEL_SET may choose the kernel set" ${hosted})
option(MMOE_HEAP "Session::create() without an arena, the C interface's handles, copies of misaligned bytes" ${hosted})
option(MMOE_THREADS "Executors (sessions on several cores), also from C, and a last message per thread: a system with threads" ${hosted})
option(MMOE_C_API "The C interface, <mmoe/mmoe.h>" ON)
option(MMOE_FEATURES "Raw features: Input::columns(), Rows, vocabularies and their verification; OFF: models are scored from x alone" ON)
option(MMOE_EXTRAS "Activations from celu on, scaled gates, links beyond identity, sigmoid, softmax and product" ON)
option(MMOE_STREAMS "Experts, gates and towers that read parts of streams" ${hosted})
option(MMOE_NODES "Nodes beside the levels: MLPs, sums, products, interactions. Needs MMOE_STREAMS" ${hosted})
option(MMOE_MESSAGES "The text of errors; OFF: their codes alone" ON)
option(MMOE_TRUST_FILES "Verify no more of a file than its header's checksum: for files that a build without this option has verified, as in a firmware image. A damaged or hostile file is then undefined behaviour" OFF)

set(mmoe_all_numbers f16 bf16 i8 w8a8 u8 u4)
set(MMOE_NUMBERS "${mmoe_all_numbers}" CACHE STRING
    "The stored types beside f32 that this build computes with: weights of f16, bf16, i8 and w8a8 (i8 with inputs rounded to bytes), tables of f16, u8, u4")
foreach(name IN LISTS MMOE_NUMBERS)
  if(NOT name IN_LIST mmoe_all_numbers)
    message(FATAL_ERROR "MMOE_NUMBERS: '${name}', expected names of: ${mmoe_all_numbers}")
  endif()
endforeach()

set(mmoe_all_transforms hash functions bins dates)
set(MMOE_TRANSFORMS "${mmoe_all_transforms}" CACHE STRING
    "What this build does with raw features beyond scaling and vocabularies: hash (hash buckets), functions (of numbers: logarithms, roots, powers, lines between points; of sequences: weights, sqrtn, elements of empty ones), bins (between bounds), dates (parts of them)")
foreach(name IN LISTS MMOE_TRANSFORMS)
  if(NOT name IN_LIST mmoe_all_transforms)
    message(FATAL_ERROR "MMOE_TRANSFORMS: '${name}', expected names of: ${mmoe_all_transforms}")
  endif()
endforeach()

# Kernels and runtime must agree on these.
foreach(name IN LISTS mmoe_all_numbers)
  if(NOT name IN_LIST MMOE_NUMBERS)
    string(TOUPPER ${name} upper)
    target_compile_definitions(mmoe_flags INTERFACE MMOE_NO_${upper})
  endif()
endforeach()
if(NOT functions IN_LIST MMOE_TRANSFORMS)
  target_compile_definitions(mmoe_flags INTERFACE MMOE_NO_WEIGHTS)
endif()
if(NOT MMOE_EXTRAS)
  target_compile_definitions(mmoe_flags INTERFACE MMOE_NO_EXTRAS)
endif()

# mmoe_define_parts(target): what is left out, as definitions.
function(mmoe_define_parts target)
  foreach(part FILES ENVIRONMENT HEAP THREADS FEATURES STREAMS NODES MESSAGES)
    if(NOT MMOE_${part})
      target_compile_definitions(${target} PRIVATE MMOE_NO_${part})
    endif()
  endforeach()
  foreach(name IN LISTS mmoe_all_transforms)
    if(NOT name IN_LIST MMOE_TRANSFORMS)
      string(TOUPPER ${name} upper)
      target_compile_definitions(${target} PRIVATE MMOE_NO_${upper})
    endif()
  endforeach()
  if(MMOE_TRUST_FILES)
    target_compile_definitions(${target} PRIVATE MMOE_TRUST_FILES)
  endif()
endfunction()

# The C interface, a file for what a program may do without; the thread pool's functions are beside the thread pool.
set(mmoe_c_sources "")
if(MMOE_C_API)
  foreach(part IN ITEMS errors model session plan profile golden kernel_sets)
    list(APPEND mmoe_c_sources src/c/mmoe_${part}.cpp)
  endforeach()
  list(APPEND mmoe_c_sources src/c/input.cpp
    $<$<BOOL:${MMOE_FEATURES}>:src/c/mmoe_features.cpp> $<$<BOOL:${MMOE_FEATURES}>:src/c/mmoe_rows.cpp>
    $<$<BOOL:${MMOE_THREADS}>:src/c/mmoe_executor.cpp>)
endif()

set(mmoe_transform_sources "")
if(MMOE_FEATURES AND hash IN_LIST MMOE_TRANSFORMS)
  list(APPEND mmoe_transform_sources src/core/farmhash64.cpp src/core/short_hashes.cpp src/core/keyed_hashes.cpp
    src/model/hashing.cpp)
endif()

# mmoe_leave_out(target): sources and definitions of what is there.
function(mmoe_leave_out target)
  mmoe_define_parts(${target})
  target_sources(${target} PRIVATE
    src/core/$<IF:$<BOOL:${MMOE_FILES}>,file_mapping$<$<BOOL:${WIN32}>:_windows>,no_file_mapping>.cpp
    $<$<BOOL:${MMOE_FEATURES}>:src/model/vocabulary.cpp>
    $<$<BOOL:${MMOE_FEATURES}>:src/session/rows.cpp> $<$<BOOL:${MMOE_FEATURES}>:src/session/row_values.cpp>
    ${mmoe_transform_sources}
    $<$<BOOL:${MMOE_THREADS}>:src/session/parallel.cpp>
    ${mmoe_c_sources})
endfunction()
