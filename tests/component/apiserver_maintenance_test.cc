// SPDX-License-Identifier: Apache-2.0
// Backup, restore, compact and check of klutch-apiserver, by its command line, while it serves and while it
// does not.
#include "apiserver_setup.h"
#include "base/os/command.h"
#include "json/parse.h"

namespace klutch::testing {
namespace {

os::RunResult maintain(const ApiBench& bench, std::vector<std::string> words) {
  os::Command command;
  command.argv = {KLUTCH_APISERVER_PROGRAM};
  command.argv.insert(command.argv.end(), words.begin(), words.end());
  command.argv.insert(command.argv.end(), {"--state", bench.server.folder() + "/state"});
  command.err = os::Redirect::pipe();
  auto result = os::run_command(command);
  EXPECT_TRUE(result);
  return result ? *std::move(result) : os::RunResult{};
}

kube::Object secret(const std::string& name) {
  auto object = yaml("{metadata: {namespace: default}, stringData: {password: open sesame}}");
  object["metadata"]["name"] = name;
  return object;
}

IO_FIBER_TEST(ApiServerMaintenance, ABackupTakenOnlineComesBackWithANewRevision) {
  ApiBench bench(ctx, {});
  const std::string copy = bench.server.folder() + "/copy.db";
  const std::string passphrase = bench.server.folder() + "/passphrase";
  ASSERT_TRUE(os::write_file_atomic(passphrase, "correct horse battery"));
  ASSERT_TRUE(bench.client->create(ctx, kSecrets, secret("kept")));
  const auto backup =
      maintain(bench, {"backup", copy, "--with-key", "--passphrase-file", passphrase, "--json"});
  ASSERT_TRUE(backup.status.success()) << backup.err;
  const auto summary = json::parse(backup.out).value();
  EXPECT_TRUE(summary.find_bool("withKey").value_or(false));
  const auto last = bench.client->create(ctx, kSecrets, secret("later"));
  ASSERT_TRUE(last);

  const auto busy = maintain(bench, {"restore", copy, "--passphrase-file", passphrase});
  EXPECT_FALSE(busy.status.success());
  EXPECT_NE(busy.err.find(std::to_string(bench.server.pid())), std::string::npos) << busy.err;

  ASSERT_TRUE(bench.server.stop(ctx));
  const auto restored = maintain(bench, {"restore", copy, "--passphrase-file", passphrase});
  ASSERT_TRUE(restored.status.success()) << restored.err;
  ASSERT_TRUE(bench.server.start(ctx));
  const auto client = bench.make_client(ctx);
  const auto kept = client->get(ctx, kSecrets, {"default", "kept"});
  ASSERT_TRUE(kept) << kept.error().message();
  EXPECT_EQ(kept->find("data")->find_string("password"), "b3BlbiBzZXNhbWU=");
  EXPECT_EQ(client->get(ctx, kSecrets, {"default", "later"}).error().code(), Code::kNotFound);
  // Who watched before must list again.
  const auto watch = client->watch(
      ctx, kSecrets, {.ns = "default", .resource_version = std::string(kube::resource_version(*last))});
  const auto event =
      watch ? (*watch)->next(ctx) : Result<std::optional<kube::WatchEvent>>(fail(watch.error()));
  ASSERT_FALSE(event);
  EXPECT_EQ(event.error().code(), Code::kGone);
}

IO_FIBER_TEST(ApiServerMaintenance, SecretsLieSealedOnTheDiskAndToolsCanTell) {
  ApiBench bench(ctx, {});
  ASSERT_TRUE(bench.client->create(ctx, kSecrets, secret("sealed")));
  const auto note = bench.client->get(ctx, kConfigMaps, {"kube-public", "klutch-encryption"});
  ASSERT_TRUE(note);
  EXPECT_EQ(note->find("data")->find_string("provider"), "aesgcm");
  ASSERT_TRUE(bench.server.stop(ctx));
  const auto names = os::list_directory(bench.server.folder() + "/state").value();
  for (const auto& name : names) {
    const auto bytes = os::read_file(bench.server.folder() + "/state/" + name);
    if (!bytes) continue;  // a folder
    EXPECT_EQ(bytes->find("b3BlbiBzZXNhbWU="), std::string::npos) << name;
    EXPECT_EQ(bytes->find("open sesame"), std::string::npos) << name;
  }
}

IO_FIBER_TEST(ApiServerMaintenance, CompactAndCheckWorkWhileItServes) {
  ApiBench bench(ctx, {});
  ASSERT_TRUE(bench.client->create(ctx, kSecrets, secret("a")));
  EXPECT_TRUE(maintain(bench, {"compact"}).status.success());
  const auto check = maintain(bench, {"check"});
  EXPECT_TRUE(check.status.success()) << check.out << check.err;
  EXPECT_NE(check.out.find("the store is sound"), std::string::npos) << check.out;
}

IO_FIBER_TEST(ApiServerMaintenance, TheAuditLogSaysWhoDidWhatAndNoSecret) {
  const auto folder = os::TempDir::create().value();
  ApiBench bench(ctx, {"--ephemeral", "--audit-log", folder.file("audit.log")});
  ASSERT_TRUE(bench.client->create(ctx, kSecrets, secret("hidden")));
  EXPECT_TRUE(eventually(ctx, [&] {
    const auto log = os::read_file(folder.file("audit.log")).value_or("");
    return log.find(R"("name":"hidden")") != std::string::npos ||
           log.find("\"secrets\"") != std::string::npos;
  }));
  const auto log = os::read_file(folder.file("audit.log")).value();
  EXPECT_NE(log.find(R"("username":"admin")"), std::string::npos) << log.substr(0, 2000);
  EXPECT_EQ(log.find("open sesame"), std::string::npos);
  EXPECT_EQ(log.find("b3BlbiBzZXNhbWU="), std::string::npos);
}

IO_FIBER_TEST(ApiServerMaintenance, ASecondServerOnTheSameFolderIsRefused) {
  ApiBench bench(ctx, {});
  const auto second = maintain(bench, {"--listen", "127.0.0.1:0"});
  EXPECT_FALSE(second.status.success());
  EXPECT_NE(second.err.find(std::to_string(bench.server.pid())), std::string::npos) << second.err;
}

}  // namespace
}  // namespace klutch::testing
