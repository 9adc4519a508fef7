// SPDX-License-Identifier: Apache-2.0
// HttpClient's verbs against an API server, the one in memory or the real one.
#include "base/os/environment.h"
#include "base/os/file.h"
#include "kube_client_setup.h"

namespace klutch::kube {
namespace {

const ResourceType& kConfigMap = ConfigMap::type();

IO_FIBER_TEST(KubeClient, CreatesReadsReplacesAndRemoves) {
  const Setup cluster(ctx);
  const Key key{cluster.ns, "a"};
  EXPECT_FALSE(cluster->find(ctx, kConfigMap, key).value());
  const auto created = cluster->create(ctx, kConfigMap, config_map(cluster.ns, "a"));
  ASSERT_TRUE(created) << created.error().message();
  EXPECT_FALSE(uid(*created).empty());
  auto object = cluster->get(ctx, kConfigMap, key).value();
  EXPECT_EQ(object.find("data")->find_string("key"), "one");
  object["data"]["key"] = "two";
  const auto updated = cluster->update(ctx, kConfigMap, object);
  ASSERT_TRUE(updated) << updated.error().message();
  EXPECT_NE(resource_version(*updated), resource_version(*created));
  EXPECT_EQ(code_of(cluster->update(ctx, kConfigMap, object)), Code::kConflict) << "it was read before that";
  EXPECT_TRUE(cluster->remove(ctx, kConfigMap, key).value());
  EXPECT_FALSE(cluster->remove(ctx, kConfigMap, key).value()) << "it is gone";
  EXPECT_EQ(code_of(cluster->get(ctx, kConfigMap, key)), Code::kNotFound);
}

IO_FIBER_TEST(KubeClient, TypedViewsTravelLikeObjects) {
  const Setup cluster(ctx);
  Secret secret(Key{cluster.ns, "s"});
  secret.set_data("password", "hunter2");
  ASSERT_TRUE(cluster->create(ctx, secret));
  const auto found = cluster->find<Secret>(ctx, {cluster.ns, "s"}).value();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->data("password"), "hunter2");
  EXPECT_EQ(cluster->list<Secret>(ctx, {.ns = cluster.ns})->size(), 1U);
  EXPECT_TRUE(cluster->remove<Secret>(ctx, {cluster.ns, "s"}).value());
}

IO_FIBER_TEST(KubeClient, ErrorsCarryWhatTheServerSays) {
  const Setup cluster(ctx);
  ASSERT_TRUE(cluster->create(ctx, kConfigMap, config_map(cluster.ns, "a")));
  const auto twice = cluster->create(ctx, kConfigMap, config_map(cluster.ns, "a"));
  EXPECT_EQ(code_of(twice), Code::kAlreadyExists);
  ASSERT_NE(twice.error().detail<Status>(), nullptr);
  EXPECT_EQ(twice.error().detail<Status>()->name, "a");
  EXPECT_EQ(twice.error().detail<Status>()->kind, "configmaps");

  const auto wrong = cluster->create(ctx, kConfigMap, config_map(cluster.ns, "B_bad"));
  EXPECT_EQ(code_of(wrong), Code::kInvalid);
  ASSERT_FALSE(wrong.error().detail<Status>()->causes.empty());
  EXPECT_EQ(wrong.error().detail<Status>()->causes[0].field, "metadata.name");

  const auto nowhere = cluster->create(ctx, kConfigMap, config_map("no-such-namespace", "a"));
  EXPECT_EQ(code_of(nowhere), Code::kNotFound);
  const ResourceType unknown{"ex.io", "v9", "gizmos", "Gizmo"};
  EXPECT_EQ(code_of(cluster->find(ctx, unknown, {cluster.ns, "a"})), Code::kNotFound)
      << "a type that is not served is an error, not absence";
  EXPECT_EQ(code_of(cluster->remove(ctx, unknown, {cluster.ns, "a"})), Code::kNotFound);
}

IO_FIBER_TEST(KubeClient, ListsByPageAndBySelector) {
  const Setup cluster(ctx);
  for (int i = 0; i < 25; ++i) {
    auto object = config_map(cluster.ns, "item-" + std::to_string(100 + i));
    set_label(object, "parity", i % 2 == 0 ? "even" : "odd");
    ASSERT_TRUE(cluster->create(ctx, kConfigMap, object));
  }
  const auto even = LabelSelector::parse("parity=even").value();
  const auto before = cluster->request_statistics();
  const auto all = cluster->list(ctx, kConfigMap, {.ns = cluster.ns, .labels = even, .limit = 4});
  ASSERT_TRUE(all) << all.error().message();
  EXPECT_EQ(all->items.size(), 13U);
  EXPECT_EQ(kind(all->items[0]), "ConfigMap");
  EXPECT_EQ(api_version(all->items[0]), "v1");
  EXPECT_FALSE(all->resource_version.empty());
  EXPECT_TRUE(all->continue_token.empty());
  EXPECT_EQ(cluster->request_statistics().reused - before.reused, 4U) << "four pages";
  const auto page = cluster->list_page(ctx, kConfigMap, {.ns = cluster.ns, .limit = 4});
  EXPECT_EQ(page->items.size(), 4U);
  EXPECT_FALSE(page->continue_token.empty());
  const auto one = cluster->list(
      ctx, kConfigMap, {.ns = cluster.ns, .fields = FieldSelector::exactly("metadata.name", "item-107")});
  EXPECT_EQ(one->items.size(), 1U);

  ASSERT_TRUE(cluster->remove_all(ctx, kConfigMap, {.ns = cluster.ns, .labels = even}));
  const auto left =
      cluster->list(ctx, kConfigMap, {.ns = cluster.ns, .labels = LabelSelector::parse("parity").value()});
  EXPECT_EQ(left->items.size(), 12U);
}

IO_FIBER_TEST(KubeClient, ListsOfCustomTypesKnowTheirKind) {
  Setup cluster(ctx);
  cluster.ensure_widgets();
  ASSERT_TRUE(cluster->create(ctx, kWidget, widget(cluster.ns, "a")));
  const auto list = cluster->list(ctx, kWidget, {.ns = cluster.ns}).value();
  ASSERT_EQ(list.items.size(), 1U);
  EXPECT_EQ(kind(list.items[0]), "Widget");
  EXPECT_EQ(api_version(list.items[0]), "ex.io/v1");
}

IO_FIBER_TEST(KubeClient, CanAskForMetadataOnly) {
  const Setup cluster(ctx);
  ASSERT_TRUE(cluster->create(ctx, kConfigMap, config_map(cluster.ns, "a")));
  const auto object = cluster->get(ctx, kConfigMap, {cluster.ns, "a"}, {.metadata_only = true}).value();
  EXPECT_EQ(kind(object), "PartialObjectMetadata");
  EXPECT_EQ(name(object), "a");
  EXPECT_FALSE(object.contains("data"));
  const auto list = cluster
                        ->list(ctx, kConfigMap,
                               {.ns = cluster.ns,
                                .fields = FieldSelector::exactly("metadata.name", "a"),
                                .metadata_only = true})
                        .value();
  ASSERT_EQ(list.items.size(), 1U);
  EXPECT_EQ(kind(list.items[0]), "PartialObjectMetadata");
  EXPECT_EQ(api_version(list.items[0]), "meta.k8s.io/v1");
  EXPECT_FALSE(list.items[0].contains("data"));
}

std::string describe(const WatchEvent& event) {
  return std::string(to_string(event.type)) + " " + std::string(name(event.object));
}

IO_FIBER_TEST(KubeClient, WatchesSeeEveryChangeInOrder) {
  const Setup cluster(ctx);
  const auto selected = LabelSelector::parse("seen=yes").value();
  const auto start = cluster->list(ctx, kConfigMap, {.ns = cluster.ns}).value();
  const auto stream = cluster->watch(
      ctx, kConfigMap, {.ns = cluster.ns, .labels = selected, .resource_version = start.resource_version});
  ASSERT_TRUE(stream) << stream.error().message();
  auto object = config_map(cluster.ns, "a");
  set_label(object, "seen", "yes");
  object = cluster->create(ctx, kConfigMap, object).value();
  ASSERT_TRUE(cluster->create(ctx, kConfigMap, config_map(cluster.ns, "hidden")));
  object["data"]["key"] = "two";
  object = cluster->update(ctx, kConfigMap, object).value();
  remove_label(object, "seen");
  ASSERT_TRUE(cluster->update(ctx, kConfigMap, object));
  auto next = config_map(cluster.ns, "b");
  set_label(next, "seen", "yes");
  ASSERT_TRUE(cluster->create(ctx, kConfigMap, next));
  ASSERT_TRUE(cluster->remove(ctx, kConfigMap, {cluster.ns, "b"}));
  std::vector<std::string> seen;
  while (seen.size() < 5) {
    const auto event = (*stream)->next(ctx);
    ASSERT_TRUE(event && *event);
    if ((*event)->type != EventType::kBookmark) seen.push_back(describe(**event));
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"ADDED a", "MODIFIED a", "DELETED a", "ADDED b", "DELETED b"}));
}

IO_FIBER_TEST(KubeClient, WatchesCanBeginWithWhatIsThere) {
  const Setup cluster(ctx);
  ASSERT_TRUE(cluster->create(ctx, kConfigMap, config_map(cluster.ns, "a")));
  const auto stream = cluster->watch(ctx, kConfigMap,
                                     {.ns = cluster.ns,
                                      .fields = FieldSelector::exactly("metadata.name", "a"),
                                      .send_initial_events = true});
  ASSERT_TRUE(stream) << stream.error().message();
  EXPECT_EQ(describe(*(*stream)->next(ctx).value()), "ADDED a");
  const auto end = (*stream)->next(ctx).value().value();
  EXPECT_TRUE(end.ends_initial_events());
}

IO_FIBER_TEST(KubeClient, AWatchEndsInOrderWhenItsTimeIsUp) {
  const Setup cluster(ctx);
  const auto stream = cluster->watch(ctx, kConfigMap,
                                     {.ns = cluster.ns,
                                      .fields = FieldSelector::exactly("metadata.name", "none"),
                                      .timeout = std::chrono::seconds(1)});
  ASSERT_TRUE(stream) << stream.error().message();
  for (;;) {
    const auto event = (*stream)->next(ctx);
    ASSERT_TRUE(event) << event.error().message();
    if (!*event) break;
  }
}

IO_FIBER_TEST(KubeClient, PatchesInEveryWay) {
  Setup cluster(ctx);
  cluster.ensure_widgets();
  const Key key{cluster.ns, "a"};
  ASSERT_TRUE(cluster->create(ctx, kConfigMap, config_map(cluster.ns, "a")));
  const auto value = [&](const Result<Object>& patched) {
    EXPECT_TRUE(patched) << patched.error().message();
    return patched ? std::string(patched->find("data")->find_string("key").value_or("")) : "";
  };
  const auto json_patch =
      json::array({json::object({{"op", "test"}, {"path", "/data/key"}, {"value", "one"}}),
                   json::object({{"op", "replace"}, {"path", "/data/key"}, {"value", "two"}})});
  EXPECT_EQ(value(cluster->patch(ctx, kConfigMap, key, PatchType::kJson, json_patch)), "two");
  EXPECT_FALSE(cluster->patch(ctx, kConfigMap, key, PatchType::kJson, json_patch)) << "the test fails now";
  const auto to = [](std::string_view text) {
    return json::object({{"data", json::object({{"key", text}})}});
  };
  EXPECT_EQ(value(cluster->patch(ctx, kConfigMap, key, PatchType::kMerge, to("three"))), "three");
  EXPECT_EQ(value(cluster->patch(ctx, kConfigMap, key, PatchType::kStrategicMerge, to("four"))), "four");
  auto stale = to("five");
  stale["metadata"]["resourceVersion"] = "1";
  EXPECT_EQ(code_of(cluster->patch(ctx, kConfigMap, key, PatchType::kMerge, stale)), Code::kConflict);

  ASSERT_TRUE(cluster->create(ctx, kWidget, widget(cluster.ns, "w")));
  EXPECT_EQ(code_of(cluster->patch(ctx, kWidget, {cluster.ns, "w"}, PatchType::kStrategicMerge,
                                   json::object({{"spec", json::object({{"size", 2}})}}))),
            Code::kUnsupported)
      << "custom types have no strategic merge";
}

IO_FIBER_TEST(KubeClient, AppliesWhatItOwns) {
  SKIP_UNLESS_REAL("has no server-side apply");
  const Setup cluster(ctx);
  const auto object = config_map(cluster.ns, "a");
  const auto applied = cluster->apply(ctx, kConfigMap, object, {.field_manager = "one"});
  ASSERT_TRUE(applied) << applied.error().message();
  const auto again = cluster->apply(ctx, kConfigMap, object, {.field_manager = "one"});
  EXPECT_EQ(resource_version(*again), resource_version(*applied)) << "nothing changed";
  const auto other = config_map(cluster.ns, "a", "two");
  const auto conflict = cluster->apply(ctx, kConfigMap, other, {.field_manager = "two"});
  EXPECT_EQ(code_of(conflict), Code::kConflict);
  ASSERT_FALSE(conflict.error().detail<Status>()->causes.empty());
  EXPECT_EQ(conflict.error().detail<Status>()->causes[0].field, ".data.key");
  const auto forced = cluster->apply(ctx, kConfigMap, other, {.field_manager = "two", .force = true});
  ASSERT_TRUE(forced) << forced.error().message();
  EXPECT_EQ(forced->find("data")->find_string("key"), "two");
}

IO_FIBER_TEST(KubeClient, RemovesOnlyWhatWasMeant) {
  const Setup cluster(ctx);
  const Key key{cluster.ns, "a"};
  const auto object = cluster->create(ctx, kConfigMap, config_map(cluster.ns, "a")).value();
  EXPECT_EQ(code_of(cluster->remove(ctx, kConfigMap, key, {.uid = new_uuid()})), Code::kConflict);
  EXPECT_EQ(code_of(cluster->remove(ctx, kConfigMap, key, {.resource_version = "1"})), Code::kConflict);
  EXPECT_TRUE(cluster->remove(ctx, kConfigMap, key, {.dry_run = true}).value());
  EXPECT_TRUE(cluster->find(ctx, kConfigMap, key)->has_value()) << "only tried";
  EXPECT_TRUE(cluster
                  ->remove(ctx, kConfigMap, key,
                           {.propagation = Propagation::kBackground,
                            .uid = std::string(uid(object)),
                            .resource_version = std::string(resource_version(object)),
                            .grace_period_seconds = 0})
                  .value());
  EXPECT_FALSE(cluster->find(ctx, kConfigMap, key)->has_value());
}

IO_FIBER_TEST(KubeClient, AFinalizerKeepsARemovedObject) {
  const Setup cluster(ctx);
  const Key key{cluster.ns, "a"};
  auto object = config_map(cluster.ns, "a");
  add_finalizer(object, "ex.io/guard");
  ASSERT_TRUE(cluster->create(ctx, kConfigMap, object));
  EXPECT_TRUE(cluster->remove(ctx, kConfigMap, key).value());
  object = cluster->get(ctx, kConfigMap, key).value();
  EXPECT_TRUE(is_deleting(object));
  remove_finalizer(object, "ex.io/guard");
  ASSERT_TRUE(cluster->update(ctx, kConfigMap, object));
  EXPECT_FALSE(cluster->find(ctx, kConfigMap, key)->has_value());
}

IO_FIBER_TEST(KubeClient, StatusIsWrittenApart) {
  Setup cluster(ctx);
  cluster.ensure_widgets();
  const Key key{cluster.ns, "a"};
  auto object = cluster->create(ctx, kWidget, widget(cluster.ns, "a")).value();
  object["status"]["phase"] = "Ready";
  object["spec"]["size"] = 5;
  const auto updated = cluster->update_status(ctx, kWidget, object);
  ASSERT_TRUE(updated) << updated.error().message();
  EXPECT_EQ(updated->find("status")->find_string("phase"), "Ready");
  EXPECT_EQ(updated->find("spec")->find_int("size"), 1) << "status writes leave the spec alone";
  auto spec = *updated;
  spec["status"]["phase"] = "Lost";
  spec["spec"]["size"] = 6;
  const auto plain = cluster->update(ctx, kWidget, spec);
  ASSERT_TRUE(plain) << plain.error().message();
  EXPECT_EQ(plain->find("status")->find_string("phase"), "Ready") << "and other writes the status";
  EXPECT_EQ(plain->find("spec")->find_int("size"), 6);
  const auto patched = cluster->patch(ctx, kWidget, key, PatchType::kMerge,
                                      json::object({{"status", json::object({{"phase", "Done"}})}}),
                                      {.subresource = "status"});
  ASSERT_TRUE(patched) << patched.error().message();
  EXPECT_EQ(patched->find("status")->find_string("phase"), "Done");
  EXPECT_EQ(name(cluster->get(ctx, kWidget, key, {.subresource = "status"}).value()), "a");
}

IO_FIBER_TEST(KubeClient, ADryRunStoresNothing) {
  const Setup cluster(ctx);
  const auto tried = cluster->create(ctx, kConfigMap, config_map(cluster.ns, "a"), {.dry_run = true});
  ASSERT_TRUE(tried) << tried.error().message();
  EXPECT_FALSE(cluster->find(ctx, kConfigMap, {cluster.ns, "a"})->has_value());
}

IO_FIBER_TEST(KubeClient, UnknownFieldsAreRefusedOrWarnedOf) {
  SKIP_UNLESS_REAL("has no schemas");
  std::vector<std::string> warnings;
  Setup cluster(ctx, {.on_warning = [&](std::string_view text) { warnings.emplace_back(text); }});
  cluster.ensure_widgets();
  auto object = widget(cluster.ns, "a");
  object["spec"]["bogus"] = 1;
  EXPECT_EQ(code_of(cluster->create(ctx, kWidget, object, {.field_validation = FieldValidation::kStrict})),
            Code::kBadRequest);
  EXPECT_TRUE(warnings.empty());
  ASSERT_TRUE(
      cluster->create(ctx, kWidget, object, {.dry_run = true, .field_validation = FieldValidation::kIgnore}));
  EXPECT_TRUE(warnings.empty());
  const auto stored = cluster->create(ctx, kWidget, object, {.field_validation = FieldValidation::kWarn});
  ASSERT_TRUE(stored) << stored.error().message();
  EXPECT_FALSE(stored->find("spec")->contains("bogus"));
  EXPECT_EQ(warnings, std::vector<std::string>{"unknown field \"spec.bogus\""});
  auto large = widget(cluster.ns, "b", 1000);
  const auto refused = cluster->create(ctx, kWidget, large);
  EXPECT_EQ(code_of(refused), Code::kInvalid);
  EXPECT_EQ(refused.error().detail<Status>()->causes.at(0).field, "spec.size");
}

IO_FIBER_TEST(KubeClient, WhoIsNotKnownIsToldSo) {
  const Setup cluster(ctx);
  auto config = *cluster.config;
  config.credentials = {.token = klutch::Secret("nonsense"), .label = "user \"nobody\""};
  const auto stranger = HttpClient::make(ctx, config).value();
  const auto refused = stranger->get(ctx, kConfigMap, {cluster.ns, "a"});
  EXPECT_EQ(code_of(refused), Code::kUnauthenticated);
  EXPECT_NE(refused.error().message().find("user \"nobody\""), std::string::npos)
      << refused.error().message();
  EXPECT_EQ(code_of(stranger->watch(ctx, kConfigMap, {.ns = cluster.ns})), Code::kUnauthenticated);
}

IO_FIBER_TEST(KubeClient, WhoIsImpersonatedHasOnlyTheirRights) {
  SKIP_UNLESS_REAL("has no authorisation");
  const Setup cluster(ctx);
  auto config = *cluster.config;
  config.impersonate = {.user = "eve", .groups = {"system:authenticated"}, .extra = {{"ex.io/why", {"a b"}}}};
  const auto eve = HttpClient::make(ctx, config).value();
  const auto refused = eve->get(ctx, kConfigMap, {cluster.ns, "a"});
  EXPECT_EQ(code_of(refused), Code::kForbidden);
  EXPECT_NE(refused.error().message().find("User \"eve\""), std::string::npos) << refused.error().message();
  const ResourceType review{"authentication.k8s.io", "v1", "selfsubjectreviews", "SelfSubjectReview", false};
  const auto self = eve->create(
      ctx, review, json::object({{"apiVersion", "authentication.k8s.io/v1"}, {"kind", "SelfSubjectReview"}}));
  ASSERT_TRUE(self) << self.error().message();
  const auto& user = *self->find("status")->find("userInfo");
  EXPECT_EQ(user.find_string("username"), "eve");
  EXPECT_EQ(*user.find("extra")->find("ex.io/why"), json::array({"a b"}));
}

IO_FIBER_TEST(KubeClient, APodUsesItsServiceAccount) {
  SKIP_UNLESS_REAL("issues no tokens");
  const Setup cluster(ctx);
  ASSERT_TRUE(cluster->create(ctx, ServiceAccount(Key{cluster.ns, "robot"})));
  auto request = json::object({{"apiVersion", "authentication.k8s.io/v1"},
                               {"kind", "TokenRequest"},
                               {"metadata", json::object({{"namespace", cluster.ns}, {"name", "robot"}})},
                               {"spec", json::object()}});
  const auto issued = cluster->create(ctx, ServiceAccount::type(), request, {.subresource = "token"});
  ASSERT_TRUE(issued) << issued.error().message();
  const auto folder = os::TempDir::create().value();
  const auto token = issued->find("status")->find_string("token").value_or("");
  ASSERT_TRUE(os::write_file_atomic(folder.file("token"), token));
  ASSERT_TRUE(os::write_file_atomic(folder.file("ca.crt"), cluster.config->authorities));
  ASSERT_TRUE(os::write_file_atomic(folder.file("namespace"), cluster.ns));
  const os::ScopedEnv host("KUBERNETES_SERVICE_HOST", cluster.config->server.host());
  const os::ScopedEnv port("KUBERNETES_SERVICE_PORT", std::to_string(cluster.config->server.port()));
  const auto config = in_cluster_config(folder.path());
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->ns, cluster.ns);
  const auto robot = HttpClient::make(ctx, *config).value();
  const auto refused = robot->get(ctx, kConfigMap, {cluster.ns, "a"});
  EXPECT_EQ(code_of(refused), Code::kForbidden) << "known, but without rights";
  EXPECT_NE(refused.error().message().find("system:serviceaccount:" + cluster.ns + ":robot"),
            std::string::npos)
      << refused.error().message();
}

}  // namespace
}  // namespace klutch::kube
