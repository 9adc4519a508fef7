# SPDX-License-Identifier: Apache-2.0
# ccache and mold where present: they only make builds faster, never different.

find_program(KLUTCH_CCACHE ccache)
if(KLUTCH_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER
    ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1
    CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${KLUTCH_CCACHE})
endif()

find_program(KLUTCH_MOLD mold)
if(KLUTCH_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

# Every library inherits the include root and the language level from here.
add_library(klutch_options INTERFACE)
target_include_directories(klutch_options INTERFACE ${PROJECT_SOURCE_DIR}/src)
target_compile_features(klutch_options INTERFACE cxx_std_20)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # PCH and ccache agree only when the dates inside a precompiled header are left out.
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fpch-preprocess>)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # libstdc++ 12 implements std::ranges::stable_sort with what it deprecates itself.
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-Wno-deprecated-declarations>)
endif()
