# Every kernel set: the one list of their names, in the order in which Plan::create() prefers them, fastest first.
# sets/NAME.cpp holds each.
#
# mmoe_kernel_set(NAME ON machine... [IF condition] [FOR type] [FLAGS flag...])
#   ON     machines for which MMOE_KERNEL_SETS=auto compiles it; `other` is every machine without a line of its own
#   IF     a function of select.cpp that asks this machine whether it can run the set; none: every such machine can
#   FOR    the stored type for whose sake the set is there: `auto` leaves it out where MMOE_NUMBERS does
#   FLAGS  the compiler's flags for sets/NAME.cpp
function(mmoe_kernel_set name)
  cmake_parse_arguments(PARSE_ARGV 1 set "" "IF;FOR" "ON;FLAGS")
  set(mmoe_all_kernel_sets ${mmoe_all_kernel_sets} ${name} PARENT_SCOPE)
  set(mmoe_machines_${name} ${set_ON} PARENT_SCOPE)
  set(mmoe_type_${name} ${set_FOR} PARENT_SCOPE)
  set(mmoe_condition_${name} ${set_IF} PARENT_SCOPE)
  set(mmoe_flags_${name} ${set_FLAGS} PARENT_SCOPE)
endfunction()

mmoe_kernel_set(avx512vnni ON x86-64 IF has_avx512vnni FOR w8a8
                FLAGS -mavx512f -mavx512cd -mavx512dq -mavx512bw -mavx512vl -mavx512vnni -mavx2 -mfma)
mmoe_kernel_set(avx512 ON x86-64 IF has_avx512
                FLAGS -mavx512f -mavx512cd -mavx512dq -mavx512bw -mavx512vl -mavx2 -mfma)
mmoe_kernel_set(avx2vnni ON x86-64 IF has_avx2vnni FOR w8a8 FLAGS -mavx2 -mfma -mf16c -mavxvnni)
mmoe_kernel_set(avx2 ON x86-64 IF has_avx2 FLAGS -mavx2 -mfma -mf16c)
mmoe_kernel_set(fma3 ON x86-64 IF has_fma3 FLAGS -mavx -mfma)
mmoe_kernel_set(sse2 ON x86-64)
# g++ would first order loads as if registers had no end, and then spill 26 in the largest tile.
mmoe_kernel_set(neon64i8mm ON aarch64 IF has_matrix_products FOR w8a8
                FLAGS -march=armv8.2-a+dotprod+i8mm $<$<CXX_COMPILER_ID:GNU>:-fno-schedule-insns>)
mmoe_kernel_set(neon64dot ON aarch64 IF has_dot_products FOR w8a8
                FLAGS -march=armv8.2-a+dotprod $<$<CXX_COMPILER_ID:GNU>:-fno-schedule-insns>)
mmoe_kernel_set(neon64 ON aarch64 FLAGS $<$<CXX_COMPILER_ID:GNU>:-fno-schedule-insns>)
mmoe_kernel_set(neon ON armv7 IF has_neon FLAGS -mfpu=neon-vfpv4 -mfp16-format=ieee -Wno-psabi)
mmoe_kernel_set(mve ON cortex-m-helium)
mmoe_kernel_set(simd128 ON wasm FLAGS -msimd128 -msse2)
mmoe_kernel_set(fpu ON armv7 cortex-m-helium bare-metal wasm other)
mmoe_kernel_set(scalar ON x86-64 aarch64 armv7 wasm other)

if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  set(mmoe_machine x86-64)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
  set(mmoe_machine aarch64)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(armv7.*|arm)$")
  set(mmoe_machine armv7)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^cortex-m(55|85)$")
  set(mmoe_machine cortex-m-helium)
elseif(CMAKE_SYSTEM_NAME STREQUAL "Generic")
  set(mmoe_machine bare-metal)
elseif(CMAKE_SYSTEM_NAME STREQUAL "Emscripten")  # other compilers for WebAssembly have no SSE2 intrinsics
  set(mmoe_machine wasm)
else()
  set(mmoe_machine other)
endif()

# mmoe_choose_kernel_sets(wanted chosen): the sets that a list of names asks for, in this file's order. `auto` in the
# list stands for those of this machine.
function(mmoe_choose_kernel_sets wanted chosen)
  set(result)
  foreach(name IN LISTS wanted)
    if(NOT name STREQUAL "auto" AND NOT name IN_LIST mmoe_all_kernel_sets)
      message(FATAL_ERROR "MMOE_KERNEL_SETS: '${name}', expected auto or names of: ${mmoe_all_kernel_sets}")
    endif()
  endforeach()
  foreach(name IN LISTS mmoe_all_kernel_sets)
    set(type ${mmoe_type_${name}})
    set(automatic OFF)
    if(mmoe_machine IN_LIST mmoe_machines_${name} AND (NOT type OR NOT DEFINED MMOE_NUMBERS OR type IN_LIST MMOE_NUMBERS))
      set(automatic ON)
    endif()
    if(name IN_LIST wanted OR ("auto" IN_LIST wanted AND automatic))
      list(APPEND result ${name})
    endif()
  endforeach()
  if(NOT result)
    message(FATAL_ERROR "MMOE_KERNEL_SETS: empty, expected auto or names of: ${mmoe_all_kernel_sets}")
  endif()
  set(${chosen} ${result} PARENT_SCOPE)
endfunction()
