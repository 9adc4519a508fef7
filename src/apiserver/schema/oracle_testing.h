// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "json/value.h"

// Answers the questions of the tables in testdata/ with our code, in the form in which Kubernetes' Go
// libraries answered them, so that both can be compared as text. Tests only.

namespace klutch::apiserver {

/// `question` has `op`, which says what to do, and its arguments.
json::Value answer(const json::Value& question);

/// Asks all questions of a table (path relative to the source tree) and reports every answer that differs.
void expect_answers_of(const std::string& table);

}  // namespace klutch::apiserver
