// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "apiserver/storage/storage.h"
#include "obs/health.h"
#include "obs/metrics.h"

namespace klutch::apiserver {

/// klutch_apiserver_storage_{commits,changes,failed_changes}_total, ..._waiting_changes, ..._objects and
/// ..._history_{events,bytes}. `storage` must outlive the registry's last rendering, here and below.
void add_storage_metrics(obs::Registry& registry, const Storage& storage);
/// Not ready while changes cannot be stored, as with a full disk; reads go on.
void add_storage_check(obs::HealthChecks& health, const Storage& storage);

}  // namespace klutch::apiserver
