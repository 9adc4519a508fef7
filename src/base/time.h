// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

// Points in time as text: RFC 3339 as Kubernetes writes it, and HTTP dates. Pure functions, safe from any
// thread. All texts are UTC on output. A Time reaches from 1677-09-21 to 2262-04-11; what lies outside is
// kInvalid on input and cannot occur on output.

namespace klutch {

/// "2006-01-02T15:04:05Z": metav1.Time. Fractions are cut off towards the past.
std::string format_rfc3339(Time time);
/// "2006-01-02T15:04:05.000000Z": metav1.MicroTime, always six digits, the rest cut off towards the past.
std::string format_rfc3339_micros(Time time);
/// Up to nine digits, without trailing zeros and without the point when none remain; loses nothing.
std::string format_rfc3339_nanos(Time time);

/// Parses RFC 3339 §5.6 with any offset and any number of fraction digits (those after the ninth are cut
/// off). As Go and Kubernetes do, demands capital 'T' and 'Z'. A leap second (23:59:60 UTC on the last day of
/// a month) counts as the second after it. kInvalid names the part that is wrong.
Result<Time> parse_rfc3339(std::string_view text);

/// "Sun, 06 Nov 1994 08:49:37 GMT": IMF-fixdate, RFC 9110 §5.6.7. Fractions are cut off towards the past.
std::string format_http_date(Time time);

/// Parses the three forms of RFC 9110 §5.6.7: IMF-fixdate, the obsolete RFC 850 form and asctime. The weekday
/// must be a weekday but is not compared with the date. `now` decides the century of RFC 850's two-digit
/// years: never more than 50 years ahead. kInvalid otherwise.
Result<Time> parse_http_date(std::string_view text, Time now);

}  // namespace klutch
