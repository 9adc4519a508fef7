// SPDX-License-Identifier: Apache-2.0
#include "apiserver/verbs/verbs.h"

#include <gtest/gtest.h>

#include "apiserver/verbs/namespace_lifecycle.h"
#include "async/task_group.h"
#include "json/build.h"
#include "kube/api/object.h"
#include "kube/api/status.h"
#include "testing/fiber_test.h"

namespace klutch::apiserver {
namespace {

/// Widgets: spec is anything, status has an endpoint of its own, "bogus" is unknown and `spec.size` must not
/// be negative.
class WidgetBehavior final : public ResourceBehavior {
 public:
  Result<ReadObject> read(json::Value object) const override {
    ReadObject read;
    if (object.erase("bogus")) read.unknown_fields.push_back("bogus");
    if (const auto* spec = object.find("spec"); spec != nullptr && !spec->is_object()) {
      return fail(Code::kBadRequest, "json: cannot unmarshal string into Go struct field Widget.spec");
    }
    read.object = std::move(object);
    return read;
  }
  bool has_status_subresource() const override { return true; }
  bool counts_generations() const override { return true; }
  bool generations_count_annotations() const override { return annotations_count; }
  bool allows_unconditional_update() const override { return false; }
  FieldErrors validate_create(const json::Value& object) const override {
    const auto* spec = object.find("spec");
    const auto size = spec == nullptr ? 0 : spec->find_int("size").value_or(0);
    if (size >= 0) return {};
    return {FieldError::invalid(FieldPath("spec").child("size"), size, "must not be negative")};
  }
  FieldErrors validate_update(const json::Value& object, const json::Value& /*old*/,
                              std::string_view /*subresource*/) const override {
    return validate_create(object);
  }
  const ScalePaths* scale() const override {
    static const ScalePaths paths{{"spec", "replicas"}, {"status", "replicas"}, {"status", "selector"}};
    return &paths;
  }
  OwnershipTypes ownership(std::string_view subresource) const override {
    OwnershipTypes types;
    types.type_of = [this](std::string_view) { return schema_.any(); };
    const bool main = subresource.empty();
    types.reset_fields = [main](std::string_view) {
      FieldSet set;
      if (main) set.insert({PathElement::field("status")});
      return set;
    };
    return types;
  }

  bool annotations_count = false;

 private:
  MergeSchema schema_;
};

ServedPtr widgets() {
  auto served = std::make_shared<ServedResource>();
  served->description.type = {"ex.io", "v1", "widgets", "Widget"};
  served->description.custom = true;
  served->storage_type = "widgets.ex.io";
  served->stored_api_version = "ex.io/v1";
  served->behavior = std::make_shared<WidgetBehavior>();
  return served;
}

struct Bench {
  explicit Bench(Ctx& ctx) : storage(*Storage::open(ctx, make_ephemeral_backend())) {}

  Result<WriteOutcome> create(Ctx& ctx, json::Value object,
                              const WriteOptions& options = {.field_manager = "t"}) {
    return verbs.create(ctx, resource, "default", std::move(object), user, options);
  }
  Result<WriteOutcome> patch(Ctx& ctx, PatchType type, json::Value patch,
                             WriteOptions options = {.field_manager = "t"}) {
    return verbs.patch(ctx, resource, kKey, type, std::move(patch), user, options);
  }

  inline static const kube::Key kKey = {"default", "a"};
  std::unique_ptr<Storage> storage;
  ManualClock clock{Time(std::chrono::hours(24))};
  Verbs verbs{*storage, {.clock = &clock}};
  ServedPtr resource = widgets();
  User user = {.name = "tester"};
};

json::Value widget(std::string_view name, json::Value spec = json::object()) {
  return json::object({{"metadata", json::object({{"name", name}})}, {"spec", std::move(spec)}});
}

FIBER_TEST(Verbs, CreateSetsWhatTheServerDecides) {
  Bench bench(ctx);
  json::Value sent = widget("a", json::object({{"size", 1}}));
  sent["status"]["ready"] = true;
  sent["metadata"]["uid"] = "mine";
  sent["metadata"]["generation"] = 7;
  const auto created = *bench.create(ctx, sent);
  EXPECT_TRUE(created.created);
  const json::Value& object = created.object;
  EXPECT_EQ(kube::api_version(object), "ex.io/v1");
  EXPECT_EQ(kube::ns(object), "default");
  EXPECT_NE(kube::uid(object), "mine");
  EXPECT_EQ(kube::resource_version(object), "1");
  EXPECT_EQ(kube::generation(object), 1);
  EXPECT_EQ(object.find("metadata")->find_string("creationTimestamp"), "1970-01-02T00:00:00Z");
  EXPECT_FALSE(object.contains("status"));
  EXPECT_EQ(object.find("metadata")->find_array("managedFields")->size(), 1U);
  EXPECT_EQ(bench.storage->get("widgets.ex.io", Bench::kKey)->to_value(), object);

  const auto again = bench.create(ctx, sent);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), Code::kAlreadyExists);
  EXPECT_EQ(again.error().message(), "widgets.ex.io \"a\" already exists");
  bench.storage->stop(ctx);
}

FIBER_TEST(Verbs, CreateRefusesWhatDoesNotBelong) {
  Bench bench(ctx);
  const auto text_of = [&](json::Value object, WriteOptions options = {}) {
    const auto created = bench.create(ctx, std::move(object), options);
    return created ? std::string("created") : created.error().message();
  };
  json::Value other = widget("a");
  other["kind"] = "Gadget";
  EXPECT_EQ(text_of(other), "Gadget in version \"v1\" cannot be handled as a Widget: the kinds differ");
  other = widget("a");
  other["apiVersion"] = "ex.io/v2";
  EXPECT_EQ(text_of(other),
            "the API version in the data (ex.io/v2) does not match the expected API version (ex.io/v1)");
  other = widget("a");
  other["metadata"]["namespace"] = "elsewhere";
  EXPECT_EQ(text_of(other),
            "the namespace of the provided object does not match the namespace sent on the request");
  EXPECT_EQ(text_of(widget("")),
            "Widget.ex.io \"\" is invalid: metadata.name: Required value: name or generateName is required");
  other = widget("a");
  other["metadata"]["resourceVersion"] = "1";
  EXPECT_EQ(text_of(other), "resourceVersion should not be set on objects to be created");
  EXPECT_EQ(text_of(widget("a", json::object({{"size", -1}}))),
            "Widget.ex.io \"a\" is invalid: spec.size: Invalid value: -1: must not be negative");
  other = widget("a");
  other["bogus"] = 1;
  EXPECT_EQ(text_of(other, {.field_validation = FieldValidation::kStrict, .duplicate_fields = {"spec.x"}}),
            "Widget in version \"v1\" cannot be handled as a Widget: strict decoding error: duplicate field "
            "\"spec.x\", unknown field \"bogus\"");
  EXPECT_EQ(bench.storage->revision(), 0U);
  bench.storage->stop(ctx);
}

FIBER_TEST(Verbs, UnknownFieldsAreWarnedAbout) {
  Bench bench(ctx);
  json::Value sent = widget("a");
  sent["bogus"] = 1;
  std::vector<std::string> warnings;
  const auto warn = [&](std::string_view text) { warnings.emplace_back(text); };
  EXPECT_TRUE(bench.create(ctx, sent, {.warn = warn}));
  EXPECT_EQ(warnings, std::vector<std::string>{"unknown field \"bogus\""});
  // Also when nothing comes of it.
  EXPECT_FALSE(bench.create(ctx, sent, {.warn = warn}));
  EXPECT_EQ(warnings.size(), 2U);
  bench.storage->stop(ctx);
}

FIBER_TEST(Verbs, GeneratedNamesEndInFiveCharacters) {
  Bench bench(ctx);
  const json::Value sent =
      json::object({{"metadata", json::object({{"generateName", std::string(100, 'x')}})}});
  const auto created = *bench.create(ctx, sent);
  EXPECT_EQ(kube::name(created.object).size(), 63U);
  EXPECT_TRUE(kube::name(created.object).starts_with(std::string(58, 'x')));
  bench.storage->stop(ctx);
}

FIBER_TEST(Verbs, WhatChangesNothingWritesNothing) {
  Bench bench(ctx);
  const auto created = *bench.create(ctx, widget("a", json::object({{"size", 1}})));
  bench.clock.advance(std::chrono::hours(1));
  const auto updated = *bench.verbs.update(ctx, bench.resource, Bench::kKey, created.object, bench.user,
                                           {.field_manager = "t"});
  EXPECT_FALSE(updated.changed);
  EXPECT_EQ(updated.object, created.object);
  const json::Value patch = json::object({{"spec", json::object({{"size", 1}})}});
  EXPECT_FALSE(bench.patch(ctx, PatchType::kMerge, patch)->changed);
  EXPECT_EQ(bench.storage->revision(), 1U);
  bench.storage->stop(ctx);
}

FIBER_TEST(Verbs, GenerationCountsChangesOfAnnotationsWhereTheKindSaysSo) {
  Bench bench(ctx);
  ASSERT_TRUE(bench.create(ctx, widget("a")));
  const auto annotate = [&](std::string_view value) {
    return kube::generation(
        bench
            .patch(
                ctx, PatchType::kMerge,
                json::object({{"metadata", json::object({{"annotations", json::object({{"a", value}})}})}}))
            ->object);
  };
  EXPECT_EQ(annotate("1"), 1);
  const auto counting = std::make_shared<WidgetBehavior>();
  counting->annotations_count = true;  // as Deployments do
  auto resource = std::make_shared<ServedResource>(*bench.resource);
  resource->behavior = counting;
  bench.resource = resource;
  EXPECT_EQ(annotate("1"), 1);
  EXPECT_EQ(annotate("2"), 2);
  bench.storage->stop(ctx);
}

FIBER_TEST(Verbs, GenerationCountsChangesOfTheSpecAlone) {
  Bench bench(ctx);
  ASSERT_TRUE(bench.create(ctx, widget("a", json::object({{"size", 1}}))));
  const auto patched = [&](json::Value patch, WriteOptions options = {.field_manager = "t"}) {
    return bench.patch(ctx, PatchType::kMerge, std::move(patch), std::move(options))->object;
  };
  auto object = patched(json::object({{"metadata", json::object({{"labels", json::object({{"a", "b"}})}})}}));
  EXPECT_EQ(kube::generation(object), 1);
  object = patched(json::object({{"spec", json::object({{"size", 2}})}}));
  EXPECT_EQ(kube::generation(object), 2);
  // The main endpoint does not write status, the other one nothing else.
  const json::Value both =
      json::object({{"spec", json::object({{"size", 3}})}, {"status", json::object({{"ready", true}})}});
  object = patched(both);
  EXPECT_EQ(kube::generation(object), 3);
  EXPECT_FALSE(object.contains("status"));
  object = patched(json::object({{"spec", json::object({{"size", 9}})},
                                 {"metadata", json::object({{"labels", json::object({{"c", "d"}})}})},
                                 {"status", json::object({{"ready", true}})}}),
                   {.field_manager = "t", .subresource = "status"});
  EXPECT_EQ(kube::generation(object), 3);
  EXPECT_EQ(object.find("spec")->find_int("size"), 3);
  EXPECT_FALSE(kube::label(object, "c"));
  EXPECT_TRUE(object.find("status")->find_bool("ready").value_or(false));
  bench.storage->stop(ctx);
}

FIBER_TEST(Verbs, UpdateChecksVersionAndIdentity) {
  Bench bench(ctx);
  const json::Value created = bench.create(ctx, widget("a", json::object({{"size", 1}})))->object;
  const auto text_of = [&](json::Value object) {
    const auto updated =
        bench.verbs.update(ctx, bench.resource, Bench::kKey, std::move(object), bench.user, {});
    return updated ? std::string("updated") : updated.error().message();
  };
  json::Value object = created;
  object["metadata"].erase("resourceVersion");
  EXPECT_EQ(
      text_of(object),
      "widgets.ex.io \"a\" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for "
      "an update");
  object["metadata"]["resourceVersion"] = "77";
  EXPECT_EQ(
      text_of(object),
      "Operation cannot be fulfilled on widgets.ex.io \"a\": the object has been modified; please apply "
      "your changes to the latest version and try again");
  object = created;
  object["metadata"]["uid"] = "other";
  EXPECT_NE(text_of(object).find("Precondition failed: UID in precondition: other"), std::string::npos);
  object = created;
  object["metadata"]["name"] = "b";
  EXPECT_EQ(text_of(object), "the name of the object (b) does not match the name on the URL (a)");
  bench.storage->stop(ctx);
}

FIBER_TEST(Verbs, DeletionWaitsForFinalizers) {
  Bench bench(ctx);
  json::Value sent = widget("a");
  sent["metadata"]["finalizers"] = json::array({"ex.io/wait"});
  ASSERT_TRUE(bench.create(ctx, sent));
  const auto remove = [&](DeleteOptions options = {}) {
    return bench.verbs.remove(ctx, bench.resource, Bench::kKey, bench.user, options);
  };
  auto removed = *remove();
  EXPECT_FALSE(removed.deleted);
  EXPECT_TRUE(kube::is_deleting(removed.object));
  EXPECT_EQ(kube::generation(removed.object), 2);
  EXPECT_EQ(removed.object.find("metadata")->find_int("deletionGracePeriodSeconds"), 0);
  EXPECT_FALSE(remove()->changed);  // again

  const auto last = *bench.patch(ctx, PatchType::kMerge,
                                 json::object({{"metadata", json::object({{"finalizers", nullptr}})}}));
  EXPECT_TRUE(last.deleted);
  EXPECT_EQ(kube::resource_version(last.object), "2");
  EXPECT_EQ(bench.storage->get("widgets.ex.io", Bench::kKey), nullptr);
  EXPECT_EQ(bench.storage->revision(), 3U);
  EXPECT_EQ(remove().error().code(), Code::kNotFound);
  bench.storage->stop(ctx);
}

FIBER_TEST(Verbs, DeletionChecksPreconditions) {
  Bench bench(ctx);
  ASSERT_TRUE(bench.create(ctx, widget("a")));
  const auto remove = [&](DeleteOptions options) {
    return bench.verbs.remove(ctx, bench.resource, Bench::kKey, bench.user, options);
  };
  EXPECT_EQ(remove({.uid = "other"}).error().code(), Code::kConflict);
  EXPECT_EQ(remove({.resource_version = "9"}).error().code(), Code::kConflict);
  EXPECT_TRUE(remove({.dry_run = true})->deleted);
  EXPECT_NE(bench.storage->get("widgets.ex.io", Bench::kKey), nullptr);
  const auto foreground = *remove({.propagation = DeleteOptions::Propagation::kForeground});
  EXPECT_FALSE(foreground.deleted);
  EXPECT_TRUE(kube::has_finalizer(foreground.object, "foregroundDeletion"));
  EXPECT_TRUE(remove({.propagation = DeleteOptions::Propagation::kBackground})->deleted);
  bench.storage->stop(ctx);
}

FIBER_TEST(Verbs, ApplyCreatesMergesAndConflicts) {
  Bench bench(ctx);
  const auto apply = [&](std::string manager, int size, bool force = false) {
    return bench.patch(ctx, PatchType::kApply, widget("a", json::object({{"size", size}})),
                       {.field_manager = std::move(manager), .force = force});
  };
  EXPECT_TRUE(apply("one", 1)->created);
  EXPECT_FALSE(apply("one", 1)->changed);
  const auto conflict = apply("two", 2);
  ASSERT_FALSE(conflict);
  EXPECT_EQ(conflict.error().code(), Code::kConflict);
  EXPECT_TRUE(kube::has_cause(conflict.error(), "FieldManagerConflict"));
  EXPECT_EQ(apply("two", 2, true)->object.find("spec")->find_int("size"), 2);
  bench.storage->stop(ctx);
}

FIBER_TEST(Verbs, JsonPatchesThatDoNotApplyAreUnprocessable) {
  Bench bench(ctx);
  ASSERT_TRUE(bench.create(ctx, widget("a", json::object({{"size", 1}}))));
  const json::Value test =
      json::array({json::object({{"op", "test"}, {"path", "/spec/size"}, {"value", 5}})});
  const auto patched = bench.patch(ctx, PatchType::kJson, test);
  ASSERT_FALSE(patched);
  EXPECT_EQ(kube::Status::from_error(patched.error()).http_status, 422);
  EXPECT_EQ(bench.patch(ctx, PatchType::kJson, json::object()).error().code(), Code::kBadRequest);
  EXPECT_EQ(bench.patch(ctx, PatchType::kMerge, json::object({{"spec", "x"}})).error().code(),
            Code::kInvalid);
  bench.storage->stop(ctx);
}

FIBER_TEST(Verbs, ConcurrentPatchesOfDifferentKeysNeverConflict) {
  Bench bench(ctx);
  ASSERT_TRUE(bench.create(ctx, widget("a")));
  async::TaskGroup tasks(ctx);
  for (int i = 0; i < 20; ++i) {
    tasks.spawn("patch", [&, i](Ctx& task) -> Result<> {
      json::Value spec = json::Value::empty_object();
      spec.set("k" + std::to_string(i), i);
      TRY(bench.patch(task, PatchType::kMerge, json::object({{"spec", std::move(spec)}})));
      return {};
    });
  }
  ASSERT_TRUE(tasks.wait(ctx));
  EXPECT_EQ(bench.storage->get("widgets.ex.io", Bench::kKey)->to_value().find("spec")->size(), 20U);
  EXPECT_EQ(bench.storage->revision(), 21U);
  bench.storage->stop(ctx);
}

FIBER_TEST(Verbs, ScaleReadsAndWritesReplicas) {
  Bench bench(ctx);
  ASSERT_TRUE(bench.create(ctx, widget("a", json::object({{"replicas", 2}}))));
  const json::Value scale = *bench.verbs.get_scale(bench.resource, Bench::kKey);
  EXPECT_EQ(scale.find("spec")->find_int("replicas"), 2);
  const json::Value three = json::object({{"spec", json::object({{"replicas", 3}})}});
  const auto patched =
      bench.verbs.patch_scale(ctx, bench.resource, Bench::kKey, PatchType::kMerge, three, bench.user);
  ASSERT_TRUE(patched) << patched.error().message();
  EXPECT_EQ(kube::kind(patched->object), "Scale");
  EXPECT_EQ(patched->object.find("spec")->find_int("replicas"), 3);
  const json::Value negative = json::object({{"spec", json::object({{"replicas", -3}})}});
  EXPECT_EQ(bench.verbs.patch_scale(ctx, bench.resource, Bench::kKey, PatchType::kMerge, negative, bench.user)
                .error()
                .code(),
            Code::kInvalid);
  bench.storage->stop(ctx);
}

FIBER_TEST(Verbs, ScalesWhileOthersChangeTheObject) {
  Bench bench(ctx);
  ASSERT_TRUE(bench.create(ctx, widget("a", json::object({{"replicas", 1}}))));
  async::TaskGroup tasks(ctx);
  for (int i = 0; i < 3; ++i) {
    tasks.spawn("scale", [&, i](Ctx& task) -> Result<> {
      const json::Value patch = json::object({{"spec", json::object({{"replicas", i + 2}})}});
      TRY(bench.verbs.patch_scale(task, bench.resource, Bench::kKey, PatchType::kMerge, patch, bench.user));
      return {};
    });
  }
  EXPECT_TRUE(tasks.wait(ctx));
  EXPECT_EQ(bench.storage->revision(), 4U);
  bench.storage->stop(ctx);
}

FIBER_TEST(NamespaceLifecycle, LetsNothingIntoMissingOrEndingNamespaces) {
  Bench bench(ctx);
  Verbs verbs(*bench.storage, {.admission = {std::make_shared<NamespaceLifecycle>(*bench.storage)}});
  const auto create = [&] {
    return verbs.create(ctx, bench.resource, "default", widget("a"), bench.user, {.field_manager = "t"});
  };
  EXPECT_EQ(create().error().message(), "namespaces \"default\" not found");
  const auto put = [&](std::string bytes) {
    const auto decide = [&](const StoredObject*, Revision) -> Result<Decision> {
      return Decision::put(bytes, {});
    };
    return bench.storage->write(ctx, "namespaces", {"", "default"}, decide);
  };
  ASSERT_TRUE(put(R"({"metadata":{"deletionTimestamp":"2026-01-01T00:00:00Z"}})"));
  const auto refused = create();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::kForbidden);
  EXPECT_TRUE(kube::has_cause(refused.error(), "NamespaceTerminating"));
  ASSERT_TRUE(put(R"({"metadata":{}})"));
  EXPECT_TRUE(create());
  bench.storage->stop(ctx);
}

}  // namespace
}  // namespace klutch::apiserver
