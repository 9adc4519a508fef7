# SPDX-License-Identifier: Apache-2.0
# One call declares a library, its unit tests and its fuzzers, with every file named.

# With KLUTCH_UNITY several sources become one. A type of an unnamed namespace inside a class of a named one then looks as
# if it came from a header, which is what -Wsubobject-linkage is about.
function(klutch_batch target)
  if(KLUTCH_UNITY)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${KLUTCH_UNITY_BATCH})
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-subobject-linkage>)
  endif()
endfunction()

# klutch_library(NAME x HEADERS ... [SOURCES ...] [DEPS ...] [PRIVATE_DEPS ...] [TESTS ...] [TEST_DEPS ...])
#
# NAME          folder path under src/ with '/' turned to '_' (kube/api -> kube_api); target klutch_<name>, alias klutch::<name>
# HEADERS       public headers, relative to this folder; each must compile on its own (target all_verify_interface_header_sets)
# SOURCES       implementation files; a library without any becomes an INTERFACE library
# DEPS          what the public headers name; PRIVATE_DEPS what only the sources use (third-party libraries stay here)
# TESTS         x_test.cc files; they form one executable <name>_test, one ctest entry, label "unit"
# TEST_DEPS     more libraries for the tests, for example klutch::testing
function(klutch_library)
  cmake_parse_arguments(ARG "" "NAME" "HEADERS;SOURCES;DEPS;PRIVATE_DEPS;TESTS;TEST_DEPS" ${ARGN})
  if(ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "klutch_library(${ARG_NAME}): unknown arguments ${ARG_UNPARSED_ARGUMENTS}")
  endif()
  set(target klutch_${ARG_NAME})
  if(ARG_SOURCES)
    add_library(${target} STATIC ${ARG_SOURCES})
    set(scope PUBLIC)
    target_link_libraries(${target} PRIVATE ${ARG_PRIVATE_DEPS})
    klutch_batch(${target})
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_sources(${target} ${scope} FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}/src FILES ${ARG_HEADERS})
  target_link_libraries(${target} ${scope} klutch_options ${ARG_DEPS})
  add_library(klutch::${ARG_NAME} ALIAS ${target})

  if(KLUTCH_TESTS AND ARG_TESTS)
    klutch_test(NAME ${ARG_NAME}_test SOURCES ${ARG_TESTS} DEPS klutch::${ARG_NAME} ${ARG_TEST_DEPS} ${ARG_PRIVATE_DEPS})
  endif()
endfunction()

# klutch_test(NAME x_test SOURCES ... DEPS ... [LABEL unit|component|e2e] [KUBE] [TIMEOUT seconds])
# One GoogleTest executable and one ctest entry. Test cases are counted from GoogleTest's own XML report.
# KUBE: it works on an API server (src/testing/kube_server.h). It runs a second time against klutch-apiserver, and
# `./dev test --real kube` builds the target kube_tests and runs all with this label against a real one.
function(klutch_test)
  cmake_parse_arguments(ARG "KUBE" "NAME;LABEL;TIMEOUT" "SOURCES;DEPS" ${ARGN})
  if(NOT ARG_LABEL)
    set(ARG_LABEL unit)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  # Never in batches: test files name things for themselves alone, and in one step those names would meet.
  add_executable(${ARG_NAME} ${ARG_SOURCES})
  target_link_libraries(${ARG_NAME} PRIVATE ${ARG_DEPS} klutch_test_main)
  target_precompile_headers(${ARG_NAME} REUSE_FROM klutch_test_main)
  add_test(NAME ${ARG_NAME} COMMAND ${ARG_NAME})
  if(ARG_KUBE)
    list(APPEND ARG_LABEL kube)
    add_dependencies(kube_tests ${ARG_NAME})
  endif()
  set_tests_properties(${ARG_NAME} PROPERTIES LABELS "${ARG_LABEL}" TIMEOUT ${ARG_TIMEOUT}
    ENVIRONMENT "KLUTCH_SOURCE_DIR=${PROJECT_SOURCE_DIR}")
  if(ARG_KUBE)
    add_test(NAME ${ARG_NAME}.embedded COMMAND ${ARG_NAME})
    set_tests_properties(${ARG_NAME}.embedded PROPERTIES LABELS component TIMEOUT ${ARG_TIMEOUT}
      ENVIRONMENT "KLUTCH_SOURCE_DIR=${PROJECT_SOURCE_DIR};KLUTCH_APISERVER=${PROJECT_BINARY_DIR}/bin/klutch-apiserver")
    add_dependencies(${ARG_NAME} klutch-apiserver)
  endif()
endfunction()

# klutch_fuzzer(NAME x_fuzz SOURCES ... DEPS ... [CORPUS dir])
# Built with libFuzzer under the `fuzz` preset. Elsewhere it becomes a replay test: the committed corpus runs once as a
# ctest entry with label "fuzz", so that a finding stays fixed.
function(klutch_fuzzer)
  cmake_parse_arguments(ARG "" "NAME;CORPUS" "SOURCES;DEPS" ${ARGN})
  if(NOT KLUTCH_TESTS AND NOT KLUTCH_FUZZ)
    return()
  endif()
  add_executable(${ARG_NAME} ${ARG_SOURCES})
  target_link_libraries(${ARG_NAME} PRIVATE ${ARG_DEPS})
  add_dependencies(fuzzers ${ARG_NAME})
  if(KLUTCH_FUZZ)
    target_link_options(${ARG_NAME} PRIVATE -fsanitize=fuzzer)
    set_property(GLOBAL APPEND PROPERTY klutch_fuzzers "${ARG_NAME}\t$<TARGET_FILE:${ARG_NAME}>\t${ARG_CORPUS}")
  else()
    target_link_libraries(${ARG_NAME} PRIVATE klutch_fuzz_replay)
    add_test(NAME ${ARG_NAME} COMMAND ${ARG_NAME} ${ARG_CORPUS})
    set_tests_properties(${ARG_NAME} PROPERTIES LABELS fuzz TIMEOUT 300)
  endif()
endfunction()

# klutch_program(NAME x SOURCES ... DEPS ...)
# A program people run. The target `programs` builds all of them and nothing else.
function(klutch_program)
  cmake_parse_arguments(ARG "" "NAME" "SOURCES;DEPS" ${ARGN})
  add_executable(${ARG_NAME} ${ARG_SOURCES})
  target_link_libraries(${ARG_NAME} PRIVATE klutch_options ${ARG_DEPS})
  set_target_properties(${ARG_NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
  add_dependencies(programs ${ARG_NAME})
endfunction()

# klutch_bench(NAME x_bench SOURCES ... DEPS ...)
# A benchmark program on Google Benchmark, built under the `bench` preset only and run by `make bench`.
function(klutch_bench)
  if(NOT KLUTCH_BENCH)
    return()
  endif()
  cmake_parse_arguments(ARG "" "NAME" "SOURCES;DEPS" ${ARGN})
  add_executable(${ARG_NAME} ${ARG_SOURCES})
  target_link_libraries(${ARG_NAME} PRIVATE klutch_options ${ARG_DEPS} benchmark::benchmark benchmark::benchmark_main)
  set_target_properties(${ARG_NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bench)
  add_dependencies(benchmarks ${ARG_NAME})
endfunction()

# Called last in the root: writes <build>/fuzzers.tsv (name, program, corpus) for tools/fuzz.py.
function(klutch_write_manifests)
  get_property(fuzzers GLOBAL PROPERTY klutch_fuzzers)
  list(JOIN fuzzers "\n" lines)
  file(GENERATE OUTPUT ${PROJECT_BINARY_DIR}/fuzzers.tsv CONTENT "${lines}\n")
endfunction()
