# Included by tests/CMakeLists.txt. Debian's Python has Debian's PyTorch; what is missing skips a test (77).
find_program(MMOE_SYSTEM_PYTHON python3 PATHS /usr/bin NO_DEFAULT_PATH)
if(NOT MMOE_SYSTEM_PYTHON OR NOT TARGET synthetic_data)
  return()
endif()

set(synthetic ${PROJECT_SOURCE_DIR}/examples/synthetic)
set(synthetic_scratch ${CMAKE_CURRENT_BINARY_DIR}/synthetic)
add_test(NAME ${MMOE_TEST_PREFIX}examples.synthetic.generate COMMAND ${MMOE_SYSTEM_PYTHON} -B
  ${synthetic}/check_generate.py $<TARGET_FILE:synthetic_data> ${synthetic_scratch}/generate)
set_tests_properties(${MMOE_TEST_PREFIX}examples.synthetic.generate PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 300)

if(TARGET mmoe-convert AND TARGET mmoe-score)
  add_test(NAME ${MMOE_TEST_PREFIX}examples.synthetic COMMAND ${MMOE_SYSTEM_PYTHON} -B
    ${synthetic}/run.py --quick --restart --work ${synthetic_scratch}/run)
  set_tests_properties(${MMOE_TEST_PREFIX}examples.synthetic PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 300
    ENVIRONMENT "MMOE_TOOLS=${PROJECT_BINARY_DIR};OMP_NUM_THREADS=1")
endif()
