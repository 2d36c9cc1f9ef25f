# What a small device can leave out. README.md says what each spares.
set(hosted ON)
if(CMAKE_SYSTEM_NAME STREQUAL "Generic")
  set(hosted OFF)
endif()
option(MMOE_FILES "Model::map(): a system with files" ${hosted})
option(MMOE_ENVIRONMENT "The environment variable MMOE_KERNEL_SET may choose the kernel set" ${hosted})
option(MMOE_HEAP "Session::create() without an arena, the C interface's handles, copies of misaligned bytes" ${hosted})
option(MMOE_THREADS "ParallelSession, also from C, and a last message per thread: a system with threads" ${hosted})
option(MMOE_C_API "The C interface, <mmoe/mmoe.h>" ON)
option(MMOE_FEATURES "score_features(), vocabularies and their verification; OFF: models are scored from x alone" ON)
option(MMOE_EXTRAS "Activations from celu on, scaled gates, links beyond identity, sigmoid, softmax and product" ON)
option(MMOE_MESSAGES "The text of errors; OFF: their codes alone" ON)
set(MMOE_VERIFY full CACHE STRING
    "full: a hostile file is an error; header: for files that a full verification has seen, as in a firmware image")
set_property(CACHE MMOE_VERIFY PROPERTY STRINGS full header)
if(NOT MMOE_VERIFY MATCHES "^(full|header)$")
  message(FATAL_ERROR "MMOE_VERIFY: '${MMOE_VERIFY}', expected full or header")
endif()

# Kernels and runtime must agree on it.
if(NOT MMOE_EXTRAS)
  target_compile_definitions(mmoe_flags INTERFACE MMOE_NO_EXTRAS)
endif()

# mmoe_leave_out(target): sources and definitions of what is there.
function(mmoe_leave_out target)
  foreach(part FILES ENVIRONMENT HEAP THREADS FEATURES MESSAGES)
    if(NOT MMOE_${part})
      target_compile_definitions(${target} PRIVATE MMOE_NO_${part})
    endif()
  endforeach()
  if(MMOE_VERIFY STREQUAL "header")
    target_compile_definitions(${target} PRIVATE MMOE_VERIFY_HEADER_ONLY)
  endif()
  target_sources(${target} PRIVATE
    src/core/$<IF:$<BOOL:${MMOE_FILES}>,file_mapping$<$<BOOL:${WIN32}>:_windows>,no_file_mapping>.cpp
    $<$<BOOL:${MMOE_FEATURES}>:src/model/vocabulary.cpp>
    $<$<BOOL:${MMOE_THREADS}>:src/session/parallel.cpp>
    $<$<BOOL:${MMOE_C_API}>:src/c/mmoe.cpp>
    $<$<AND:$<BOOL:${MMOE_C_API}>,$<BOOL:${MMOE_THREADS}>>:src/c/mmoe_parallel.cpp>)
endfunction()
