# SPDX-License-Identifier: Apache-2.0
# Sanitizer builds switch Boost.Context to its ucontext back end, the only one that tells the sanitizers about stack
# switches. Debian ships no library for it, so src/async/sanitizer_shim.cc supplies the one symbol that is missing.

if(KLUTCH_SANITIZE)
  add_compile_options(-fsanitize=${KLUTCH_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${KLUTCH_SANITIZE})
  add_compile_definitions(BOOST_USE_UCONTEXT)
  if(KLUTCH_SANITIZE MATCHES "address")
    add_compile_definitions(BOOST_USE_ASAN KLUTCH_ASAN)
  endif()
  if(KLUTCH_SANITIZE MATCHES "thread")
    # ThreadSanitizer knows no fences; without them Asio hands over through its mutex, which it does know.
    add_compile_definitions(BOOST_USE_TSAN KLUTCH_TSAN BOOST_ASIO_DISABLE_FENCED_BLOCK)
  endif()
endif()
