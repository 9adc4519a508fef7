// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "apiserver/cel/checker.h"
#include "apiserver/cel/source.h"
#include "apiserver/cel/value.h"

// string.format() of cel-go's extension for strings, version 2, with the marks of English: 1,234.5. Internal.

namespace klutch::apiserver::cel {

/// `format` with %s, %d, %f, %e, %b, %x, %X, %o and %% replaced by the elements of the list `arguments`; an
/// error value when they do not fit.
Value format_text(std::string_view format, const Value& arguments);

/// Reports what is wrong with a call of format() whose format and list of arguments are literals.
void validate_format(const CheckedAst& checked, NodeId call, Issues& issues);

}  // namespace klutch::apiserver::cel
