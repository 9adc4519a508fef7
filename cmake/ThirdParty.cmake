# SPDX-License-Identifier: Apache-2.0
# Debian packages only. Libraries name these targets under PRIVATE_DEPS, never in a public header.

find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(fmt 9 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(CLI11 2.1 REQUIRED)
find_package(SQLite3 3.40 REQUIRED)
find_package(Boost 1.81.0 EXACT CONFIG REQUIRED COMPONENTS headers context json url)
find_package(PkgConfig REQUIRED)
pkg_check_modules(libyaml REQUIRED IMPORTED_TARGET GLOBAL yaml-0.1>=0.2.5)  # ships no CMake file
find_package(prometheus-cpp REQUIRED COMPONENTS core)

# RE2 ships no CMake file, and its pkg-config file asks for -pthread, with which precompiled headers do not fit.
find_library(KLUTCH_RE2_LIBRARY re2 REQUIRED)
find_path(KLUTCH_RE2_INCLUDE re2/re2.h REQUIRED)
add_library(klutch_re2 INTERFACE)
target_link_libraries(klutch_re2 INTERFACE ${KLUTCH_RE2_LIBRARY} Threads::Threads)

# Boost.Asio and Beast with the macros that every user must agree on (one definition rule).
add_library(klutch_asio INTERFACE)
target_link_libraries(klutch_asio INTERFACE Boost::headers Boost::context Threads::Threads)
target_compile_definitions(klutch_asio INTERFACE
  BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_CONCEPTS BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION)

if(KLUTCH_TESTS)
  find_package(GTest 1.12 REQUIRED)
  find_package(rapidcheck REQUIRED)
endif()
if(KLUTCH_BENCH)
  find_package(benchmark REQUIRED)
endif()
