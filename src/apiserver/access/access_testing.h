// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "apiserver/storage/storage.h"

// For the tests of this folder: objects put into a store as they are.

namespace klutch::apiserver {

inline void put_text(Ctx& ctx, Storage& storage, std::string_view type, const kube::Key& key,
                     std::string_view text) {
  const auto decide = [&](const StoredObject*, Revision) -> Result<Decision> {
    return Decision::put(std::string(text), {});
  };
  ASSERT_TRUE(storage.write(ctx, type, key, decide));
}

inline void remove_object(Ctx& ctx, Storage& storage, std::string_view type, const kube::Key& key) {
  const auto decide = [](const StoredObject*, Revision) -> Result<Decision> { return Decision::remove(); };
  ASSERT_TRUE(storage.write(ctx, type, key, decide));
}

}  // namespace klutch::apiserver
