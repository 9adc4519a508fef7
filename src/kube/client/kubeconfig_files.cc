// SPDX-License-Identifier: Apache-2.0
#include "kube/client/kubeconfig_files.h"

#include <algorithm>

#include "base/os/environment.h"
#include "base/os/file.h"
#include "base/os/paths.h"
#include "base/strings.h"

namespace klutch::kube {

KubeconfigFiles KubeconfigFiles::find(const std::string& explicit_path) {
  if (!explicit_path.empty()) return {.paths = {explicit_path}, .required = true};
  KubeconfigFiles files;
  const auto variable = os::get_env("KUBECONFIG").value_or("");
  if (variable.empty()) {
    if (const auto home = os::home_path()) files.paths.push_back(os::join_path(*home, ".kube/config"));
    return files;
  }
  for (const auto piece : split(variable, ':')) {
    std::string path(piece);
    const bool known = std::find(files.paths.begin(), files.paths.end(), path) != files.paths.end();
    if (!path.empty() && !known) files.paths.push_back(std::move(path));
  }
  return files;
}

std::string KubeconfigFiles::to_string() const {
  return join(paths, ", ");
}

Result<Kubeconfig> load_kubeconfig(const KubeconfigFiles& files) {
  Kubeconfig merged;
  for (const auto& path : files.paths) {
    auto text = os::read_file(path, Kubeconfig::kMaxBytes);
    if (!text) {
      if (is(text.error(), Code::kNotFound) && !files.required) continue;
      return fail(text.error().with_context("cannot load the kubeconfig"));
    }
    auto config = Kubeconfig::parse(*text, path);
    wipe_string(*text);
    merged.merge(TRY(std::move(config)));
  }
  return merged;
}

Result<> save_kubeconfig(const Kubeconfig& config, const std::string& path) {
  auto text = config.to_yaml();
  auto saved = os::write_file_atomic(path, text);
  wipe_string(text);
  return saved.map_error(context("cannot save the kubeconfig"));
}

}  // namespace klutch::kube
