// SPDX-License-Identifier: Apache-2.0
// Sanitizer builds use Boost.Context's ucontext back end, whose one non-header symbol Debian's library lacks.
#if defined(BOOST_USE_UCONTEXT)
#include <boost/context/fiber.hpp>

namespace boost::context::detail {

fiber_activation_record*& fiber_activation_record::current() noexcept {
  thread_local static fiber_activation_record root;
  thread_local static fiber_activation_record* current = &root;
  return current;
}

}  // namespace boost::context::detail
#endif
