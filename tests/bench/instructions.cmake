# The count of instructions per row. Only an optimised build of the compiler that made the baseline can meet it.
# The script builds score_calls itself, with the library as it is shipped.
find_program(MMOE_VALGRIND valgrind)
if(MMOE_VALGRIND AND MMOE_PYTHON3 AND TARGET make_models AND CMAKE_BUILD_TYPE STREQUAL "Release"
   AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  set(MMOE_COUNT_INSTRUCTIONS ${MMOE_PYTHON3} -B ${CMAKE_CURRENT_LIST_DIR}/instructions.py
    --valgrind ${MMOE_VALGRIND} --make-models $<TARGET_FILE:make_models>
    --scratch ${CMAKE_CURRENT_BINARY_DIR}/instructions)
  # One run at a time, since ctest fills the processors; and begun before shorter tests (COST).
  add_test(NAME ${MMOE_TEST_PREFIX}bench.instructions COMMAND ${MMOE_COUNT_INSTRUCTIONS} --jobs 1)
  set_tests_properties(${MMOE_TEST_PREFIX}bench.instructions PROPERTIES
    SKIP_RETURN_CODE 77 LABELS bench TIMEOUT 900 COST 1000)
  add_custom_target(update_instructions COMMAND ${MMOE_COUNT_INSTRUCTIONS} --update
    DEPENDS make_models USES_TERMINAL
    COMMENT "Counting the instructions per row and writing them as the baseline")
elseif(NOT CMAKE_CROSSCOMPILING AND MMOE_BUILD_CHECKS)
  mmoe_add_skipped_test(bench.instructions
    "needs valgrind, python3 and an optimised build by g++ for x86-64 (packages: toolchains/packages.sh)")
endif()
