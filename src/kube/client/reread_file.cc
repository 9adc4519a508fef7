// SPDX-License-Identifier: Apache-2.0
#include "kube/client/reread_file.h"

#include "base/os/file.h"
#include "base/strings.h"
#include "obs/log.h"

namespace klutch::kube {

Result<klutch::Secret> RereadFile::read(Ctx& ctx) const {
  return ctx.blocking([path = path_, max_bytes = max_bytes_]() -> Result<klutch::Secret> {
    auto text = TRY(os::read_file(path, max_bytes));
    if (trim(text).empty()) return fail(Code::kInvalid, path + " is empty");
    return klutch::Secret::take(text);
  });
}

Result<> RereadFile::load(Ctx& ctx) {
  content_ = TRY(read(ctx));
  read_at_ = ctx.now();
  return {};
}

bool RereadFile::refresh(Ctx& ctx, When when) {
  if (path_.empty()) return false;
  if (when == When::kDue && ctx.now() - read_at_ < interval_) return false;
  read_at_ = ctx.now();  // before reading, so that of many fibers one reads
  auto next = read(ctx);
  if (!next) {
    static const obs::Logger kLog("kube.client");
    const bool stopping = is(next.error(), Code::kCancelled) || is(next.error(), Code::kTimeout);
    if (!stopping && !failing_) {
      failing_ = true;
      kLog.warn("cannot read a file again, its old content is used",
                {{"file", path_}, {"error", next.error()}});
    }
    return false;
  }
  failing_ = false;
  if (next->reveal() == content_.reveal()) return false;
  content_ = *std::move(next);
  return true;
}

}  // namespace klutch::kube
