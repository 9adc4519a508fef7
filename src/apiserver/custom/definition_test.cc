// SPDX-License-Identifier: Apache-2.0
#include "apiserver/custom/definition.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "apiserver/custom/naming.h"
#include "json/build.h"
#include "json/parse.h"
#include "json/print.h"
#include "testing/table.h"

// What k8s.io/apiextensions-apiserver answered to each of the definitions in testdata/definitions.tsv: the
// errors of validation, the warnings, and what its controllers make of names.

namespace klutch::apiserver {
namespace {

using json::Value;

Value listed(const FieldErrors& errors) {
  Value out = Value::empty_array();
  for (const FieldError& error : errors) {
    out.push_back(json::array({reason_of(error.type), error.field, error.body}));
  }
  return out;
}

Value texts(const std::vector<std::string>& list) {
  Value out = Value::empty_array();
  for (const std::string& text : list) out.push_back(text);
  return out;
}

Value condition_of(const Value& status, std::string_view type) {
  for (const Value& condition : status.find("conditions")->elements()) {
    if (condition.find_string("type") != type) continue;
    Value out = condition;
    out.erase("lastTransitionTime");
    return out;
  }
  return {};
}

class Answering {
 public:
  explicit Answering(const Value& question) : question_(question), op_(*question.find_string("op")) {}

  Value answer() {
    Value crd = read("crd");
    if (op_ == "names") return answer_names(crd);
    Value out = Value::empty_object();
    if (op_ == "create" || op_ == "prepare") {
      behavior_->prepare_create(crd, {});
      if (op_ == "prepare") return json::object({{"crd", prepared(std::move(crd))}});
      out.set("errs", listed(behavior_->validate_create(crd)));
      add_warnings(out, crd, nullptr);
      return out;
    }
    const Value old = read("old");
    if (op_ == "status") {
      out.set("errs", listed(behavior_->validate_update(crd, old, "status")));
      return out;
    }
    if (const Value* status = old.find("status")) crd.set("status", *status);
    behavior_->prepare_update(crd, old, "", {});
    out.set("stored", *crd.find("status")->find("storedVersions"));
    out.set("errs", listed(behavior_->validate_update(crd, old, "")));
    add_warnings(out, crd, &old);
    return out;
  }

 private:
  Value read(std::string_view key) { return behavior_->read(*question_.find(key)).value().object; }

  void add_warnings(Value& out, const Value& crd, const Value* old) {
    const auto warnings = behavior_->warnings(crd, old);
    if (!warnings.empty()) out.set("warnings", texts(warnings));
  }

  static Value prepared(Value crd) {
    crd.erase("apiVersion");
    crd.erase("kind");
    crd["metadata"].set("generation", 1);
    return crd;
  }

  Value answer_names(const Value& crd) {
    UsedNames used;
    for (const Value& other : question_.find("others")->elements()) {
      if (other.find("spec")->find_string("group") == crd.find("spec")->find_string("group")) used.add(other);
    }
    used.add(crd);
    const Value status = definition_status(crd, used, pool_, Time(std::chrono::hours(24)));
    Value out = json::object({{"names", *status.find("acceptedNames")},
                              {"accepted", condition_of(status, "NamesAccepted")},
                              {"established", condition_of(status, "Established")}});
    // Kubernetes waits until all of its servers serve a definition before it says so; here there is one.
    Value& established = out["established"];
    if (established.find_string("reason") == "InitialNamesAccepted" && !is_established(crd)) {
      established.set("status", "False");
      established.set("reason", "Installing");
    }
    if (Value found = condition_of(status, "KubernetesAPIApprovalPolicyConformant"); !found.is_null()) {
      out.set("approval", std::move(found));
    }
    if (Value found = condition_of(status, "NonStructuralSchema"); !found.is_null()) {
      out.set("structural", std::move(found));
    }
    return out;
  }

  static bool is_established(const Value& crd) {
    const Value* conditions = crd.find("status")->find_array("conditions");
    return conditions != nullptr && !conditions->empty();
  }

  const Value& question_;
  std::string_view op_;
  SchemaPool pool_ = {};
  std::shared_ptr<const ResourceBehavior> behavior_ = definition_behavior(pool_);
};

TEST(Definitions, AreJudgedAsKubernetesJudgesThem) {
  for (const auto& row : testing::read_table("src/apiserver/custom/testdata/definitions.tsv", 2)) {
    const Value question = json::parse(row[0]).value();
    const Value expected = json::parse(row[1]).value();
    const Value answered = Answering(question).answer();
    EXPECT_EQ(json::print(answered == expected ? expected : answered), json::print(expected)) << row[0];
  }
}

}  // namespace
}  // namespace klutch::apiserver
