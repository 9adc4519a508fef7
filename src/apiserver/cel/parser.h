// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>

#include "apiserver/cel/ast.h"
#include "apiserver/cel/macros.h"
#include "apiserver/cel/source.h"

// Reads the text of an expression into a syntax tree. A fast parser, which keeps its own stack and so needs
// none of the fiber's, takes everything that is right; only when it finds a mistake the text is read again by
// a parser that behaves as cel-go's generated one does, to say exactly what that would say. Internal.

namespace klutch::apiserver::cel {

/// The syntax tree of `text`. When `issues` has something afterwards, the tree is not to be used.
std::unique_ptr<Ast> parse_expression(std::string_view text, const MacroOptions& macros, Issues& issues);

/// The fast parser alone: false, with nothing reported, when the text breaks the grammar or its limits.
bool parse_fast(Ast& ast, const MacroOptions& macros, Issues& issues);

/// The parser that explains mistakes alone; takes right expressions as well.
void parse_with_explanations(Ast& ast, const MacroOptions& macros, Issues& issues);

}  // namespace klutch::apiserver::cel
