// SPDX-License-Identifier: Apache-2.0
#include "http/message_parser.h"

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/src.hpp>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/strings.h"
#include "http/message.h"

namespace klutch::http {
namespace {

namespace beast = boost::beast;
using beast::error_code;
using BeastError = beast::http::error;

/// What the callbacks of the Beast parser leave behind.
struct Parsed {
  MessageHead head;
  std::string_view piece;
  std::size_t fields = 0;
  std::size_t content_lengths = 0;
  std::optional<Error> refusal;  // why a callback stopped the parser
  bool head_complete = false;
  bool complete = false;
};

std::string_view view(boost::core::string_view text) noexcept {
  return {text.data(), text.size()};
}

/// Stops the Beast parser; the error code it passes on means nothing.
void refuse(Parsed& parsed, error_code& ec, Code code, std::string message) {
  parsed.refusal.emplace(code, std::move(message));
  ec = BeastError::bad_value;
}

/// Refuses heads whose end of body is open to interpretation (RFC 9112 §6.1, §6.3).
void check_framing(Parsed& parsed, error_code& ec) {
  const auto& headers = parsed.head.headers;
  if (parsed.content_lengths > 1) {
    refuse(parsed, ec, Code::kBadRequest, "malformed HTTP message: more than one Content-Length");
    return;
  }
  if (!headers.contains("Transfer-Encoding")) return;
  if (parsed.head.version < 11 || parsed.content_lengths > 0) {
    refuse(parsed, ec, Code::kBadRequest, "malformed HTTP message: Transfer-Encoding is not allowed here");
  } else if (!equal_ignore_case(headers.joined("Transfer-Encoding"), "chunked")) {
    refuse(parsed, ec, Code::kUnsupported, "the only transfer coding understood is chunked");
  }
}

template <bool kRequest>
class Sink final : public beast::http::basic_parser<kRequest> {
 public:
  Sink(Parsed& parsed, const MessageLimits& limits) : parsed_(parsed), limits_(limits) {
    this->header_limit(static_cast<std::uint32_t>(std::min<std::size_t>(limits.head_bytes, 1U << 30)));
    if (limits.body_bytes == std::numeric_limits<std::uint64_t>::max()) {
      this->body_limit(boost::none);
    } else {
      this->body_limit(limits.body_bytes);
    }
  }

 private:
  using View = boost::core::string_view;

  void on_request_impl(beast::http::verb, View method, View target, int version, error_code&) override {
    parsed_.head.method = view(method);
    parsed_.head.target = view(target);
    parsed_.head.version = version;
  }

  void on_response_impl(int status, View, int version, error_code&) override {
    parsed_.head.status = status;
    parsed_.head.version = version;
  }

  void on_field_impl(beast::http::field field, View name, View value, error_code& ec) override {
    if (parsed_.head_complete) return;  // a trailer: nothing here may depend on what comes after the body
    if (++parsed_.fields > limits_.fields) {
      refuse(parsed_, ec, Code::kTooLarge,
             "the message has more than " + std::to_string(limits_.fields) + " fields");
      return;
    }
    if (!is_field_value(view(value))) {
      refuse(parsed_, ec, Code::kBadRequest, "malformed HTTP message: control character in a field");
      return;
    }
    if (field == beast::http::field::content_length) {
      ++parsed_.content_lengths;
      // A list of equal lengths is legal to mend (RFC 9110 §8.6), but not everybody reads it so.
      if (value.find(',') != View::npos) ++parsed_.content_lengths;
    }
    parsed_.head.headers.add(view(name), view(value));
  }

  void on_header_impl(error_code& ec) override {
    parsed_.head_complete = true;
    check_framing(parsed_, ec);
  }

  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}

  std::size_t on_body_impl(View body, error_code&) override {
    parsed_.piece = view(body);
    return body.size();
  }

  void on_chunk_header_impl(std::uint64_t, View, error_code&) override {}

  std::size_t on_chunk_body_impl(std::uint64_t, View body, error_code&) override {
    parsed_.piece = view(body);
    return body.size();
  }

  void on_finish_impl(error_code&) override { parsed_.complete = true; }

  Parsed& parsed_;
  const MessageLimits& limits_;
};

Error to_error(const error_code& ec) {
  if (ec == BeastError::header_limit) return Error(Code::kTooLarge, "the message head is too large");
  if (ec == BeastError::body_limit) return Error(Code::kTooLarge, "the message body is too large");
  if (ec == BeastError::bad_version) return Error(Code::kUnsupported, "not an HTTP/1.0 or HTTP/1.1 message");
  return Error(Code::kBadRequest, "malformed HTTP message: " + ec.message());
}

/// Line folding (RFC 9112 §5.2) inside whole field lines.
bool has_folding(std::string_view lines) noexcept {
  for (auto at = lines.find("\r\n"); at != std::string_view::npos; at = lines.find("\r\n", at + 2)) {
    if (at + 2 < lines.size() && (lines[at + 2] == ' ' || lines[at + 2] == '\t')) return true;
  }
  return false;
}

}  // namespace

struct MessageParser::Impl {
  template <class F>
  decltype(auto) with(F function) {
    return request ? function(*request) : function(*response);
  }

  Impl(Kind kind, const MessageLimits& message_limits) : limits(message_limits) {
    if (kind == Kind::kRequest) {
      request.emplace(parsed, limits);
    } else {
      response.emplace(parsed, limits);
      response->skip(kind == Kind::kResponseToHead);
    }
    with([](auto& parser) { parser.eager(false); });
  }

  tl::unexpected<Error> give_up(Error error) {
    broken = std::move(error);
    parsed.piece = {};
    return fail(*broken);
  }

  /// One step of the Beast parser over `rest`, with the checks it does not make itself. Adds to `used`.
  /// False when it needs more bytes.
  Result<bool> step(std::string_view rest, std::size_t& used) {
    const bool in_head = !parsed.head_complete;
    error_code ec;
    const std::size_t n =
        with([&](auto& parser) { return parser.put(boost::asio::buffer(rest.data(), rest.size()), ec); });
    used += n;
    if (parsed.refusal) return give_up(*parsed.refusal);
    if (ec && ec != BeastError::need_more) return give_up(to_error(ec));
    if (in_head) {
      head_bytes += n;
      if (has_folding(rest.substr(0, n))) {
        return give_up(Error(Code::kBadRequest, "malformed HTTP message: folded header line"));
      }
    } else if (parsed.piece.empty()) {
      overhead_bytes += n;
    } else {
      overhead_bytes = 0;
    }
    return !ec;
  }

  /// Whether what has been used, and what waits for more bytes to make sense, stays within the limits.
  Result<> check_limits(std::size_t waiting) {
    const std::size_t in_head = head_bytes + (parsed.head_complete ? 0 : waiting);
    const std::size_t between = overhead_bytes + (parsed.head_complete ? waiting : 0);
    if (in_head > limits.head_bytes) return give_up(Error(Code::kTooLarge, "the message head is too large"));
    if (between > limits.chunk_overhead_bytes) {
      return give_up(Error(Code::kTooLarge, "chunk extensions or trailers are too large"));
    }
    return {};
  }

  MessageLimits limits;
  Parsed parsed;
  std::optional<Sink<true>> request;
  std::optional<Sink<false>> response;
  std::optional<Error> broken;
  std::size_t head_bytes = 0;
  std::size_t overhead_bytes = 0;  // since the last piece of body
};

MessageParser::MessageParser(Kind kind, const MessageLimits& limits)
    : impl_(std::make_unique<Impl>(kind, limits)) {}
MessageParser::~MessageParser() = default;
MessageParser::MessageParser(MessageParser&&) noexcept = default;
MessageParser& MessageParser::operator=(MessageParser&&) noexcept = default;

Result<std::size_t> MessageParser::feed(std::string_view input) {
  auto& self = *impl_;
  if (self.broken) return fail(*self.broken);
  self.parsed.piece = {};
  std::size_t used = 0;
  const bool in_head = !self.parsed.head_complete;
  while (used < input.size() && !self.parsed.complete && self.parsed.piece.empty() &&
         self.parsed.head_complete != in_head) {
    const bool needs_more = !TRY(self.step(input.substr(used), used));
    TRY(self.check_limits(/*waiting=*/needs_more ? input.size() - used : 0));
    if (needs_more) break;
  }
  return used;
}

Result<> MessageParser::feed_end() {
  auto& self = *impl_;
  if (self.broken) return fail(*self.broken);
  self.parsed.piece = {};
  if (self.parsed.complete) return {};
  if (!self.parsed.head_complete)
    return self.give_up(Error(Code::kBadRequest, "the message ends inside its head"));
  error_code ec;
  self.with([&](auto& parser) { parser.put_eof(ec); });
  if (ec) return self.give_up(Error(Code::kBadRequest, "the message ends before its body does"));
  return {};
}

bool MessageParser::head_complete() const noexcept {
  return impl_->parsed.head_complete;
}
bool MessageParser::complete() const noexcept {
  return impl_->parsed.complete;
}
std::string_view MessageParser::piece() const noexcept {
  return impl_->parsed.piece;
}
const MessageHead& MessageParser::head() const noexcept {
  return impl_->parsed.head;
}
MessageHead MessageParser::take_head() {
  return std::move(impl_->parsed.head);
}

bool MessageParser::keep_alive() const noexcept {
  CHECK(head_complete());
  return impl_->with([](auto& parser) { return parser.keep_alive(); });
}

bool MessageParser::has_body() const noexcept {
  return !complete() || impl_->with([](auto& parser) { return parser.chunked(); }) ||
         content_length().value_or(0) > 0;
}

std::optional<std::uint64_t> MessageParser::content_length() const noexcept {
  CHECK(head_complete());
  const auto length = impl_->with([](auto& parser) { return parser.content_length(); });
  return length ? std::optional<std::uint64_t>(*length) : std::nullopt;
}

namespace {

void append_fields(std::string& out, const Headers& headers) {
  for (const auto& field : headers) {
    out.append(field.name).append(": ").append(field.value).append("\r\n");
  }
}

/// No spaces and no control characters: what ends a request target.
bool is_target(std::string_view target) noexcept {
  if (target.empty()) return false;
  for (const char c : target) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte == 0x7f) return false;
  }
  return true;
}

}  // namespace

Result<> append_request_head(std::string& out, std::string_view method, std::string_view target,
                             const Headers& headers) {
  if (!is_token(method)) return fail(Code::kInvalid, "method " + quote(method) + " is not a token");
  if (!is_target(target))
    return fail(Code::kInvalid, "the request target is empty or contains spaces or controls");
  TRY(headers.check());
  out.append(method).append(" ").append(target).append(" HTTP/1.1\r\n");
  append_fields(out, headers);
  out.append("\r\n");
  return {};
}

Result<> append_response_head(std::string& out, int status, const Headers& headers, std::string_view more) {
  CHECK(status >= 100 && status <= 999);
  TRY(headers.check());
  out.append("HTTP/1.1 ")
      .append(std::to_string(status))
      .append(" ")
      .append(reason_phrase(status))
      .append("\r\n");
  append_fields(out, headers);
  out.append(more).append("\r\n");
  return {};
}

}  // namespace klutch::http
