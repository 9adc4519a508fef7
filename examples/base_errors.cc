// SPDX-License-Identifier: Apache-2.0
// How errors travel: a function returns Result<T>, TRY passes a failure up, context() says what was being
// done, and one table turns the code into an exit code and an HTTP status.
//
//   base_errors port=8443     prints the port
//   base_errors port=0        prints what is wrong and exits with the code for "Invalid"
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/result.h"

namespace {

using klutch::Code;
using klutch::context;
using klutch::Error;
using klutch::fail;
using klutch::Result;

Result<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size()) {
    return fail(Code::kInvalid, "port: must be a number from 1 to 65535");
  }
  if (port == 0) return fail(Code::kInvalid, "port: must not be 0");
  return port;
}

Result<std::uint16_t> read_setting(std::string_view argument) {
  constexpr std::string_view kName = "port=";
  if (!argument.starts_with(kName)) return fail(Code::kNotFound, "no setting of the form port=NUMBER");
  return TRY(parse_port(argument.substr(kName.size())).map_error(context("cannot read the settings")));
}

int report(const Error& error) {
  const auto& row = klutch::traits(error.code());
  std::fprintf(stderr, "%s: %s (over HTTP: status %d)\n", std::string(row.name).c_str(),
               error.message().c_str(), row.http_status);
  return row.exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  const auto port = read_setting(argc > 1 ? argv[1] : "");
  if (!port) return report(port.error());
  std::printf("port %u\n", *port);
  return 0;
}
