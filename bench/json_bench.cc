// SPDX-License-Identifier: Apache-2.0
// Reading and writing one Kubernetes object of about 4 KB, beside nlohmann's JSON library and Boost.JSON in
// the same run: CPU time per object, bytes resident per object, and after all of them the ratios. The peers
// keep doubles less exact (Boost.JSON) and do not escape HTML; Boost.JSON prints no floats as Go does.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "json/merge_patch.h"
#include "json/parse.h"
#include "json/print.h"

namespace {

using namespace klutch;

/// A Pod as a cluster gives it back, managed fields included.
const std::string& pod() {
  static const std::string kText = [] {
    std::string text =
        R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"web-5d4f8c7b9-x2x7q",)"
        R"("generateName":"web-5d4f8c7b9-","namespace":"team-a","uid":"0c1b6f7e-4f61-4f0c-9a5e-3f1f2f6f8f11",)"
        R"("resourceVersion":"4812345","creationTimestamp":"2026-01-12T08:15:30Z","labels":{"app":"web",)"
        R"("pod-template-hash":"5d4f8c7b9","app.kubernetes.io/part-of":"shop"},"annotations":)"
        R"({"example.com/note":"first line\nsecond \"quoted\" line with caf\u00e9"},"ownerReferences":)"
        R"([{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web-5d4f8c7b9","uid":"b7a6d2f0-55c2-4c2d-8a53-0f0f6a1b2c3d",)"
        R"("controller":true,"blockOwnerDeletion":true}],"managedFields":[{"manager":"kube-controller-manager",)"
        R"("operation":"Update","apiVersion":"v1","time":"2026-01-12T08:15:30Z","fieldsType":"FieldsV1","fieldsV1":)"
        R"({"f:metadata":{"f:generateName":{},"f:labels":{".":{},"f:app":{},"f:pod-template-hash":{}},"f:ownerReferences":)"
        R"({".":{},"k:{\"uid\":\"b7a6d2f0-55c2-4c2d-8a53-0f0f6a1b2c3d\"}":{}}},"f:spec":{"f:containers":)"
        R"({"k:{\"name\":\"web\"}":{".":{},"f:image":{},"f:imagePullPolicy":{},"f:name":{},"f:resources":{}}},)"
        R"("f:dnsPolicy":{},"f:restartPolicy":{},"f:schedulerName":{}}}}]},"spec":{"containers":[)";
    for (int i = 0; i < 3; ++i) {
      text +=
          std::string(i == 0 ? "" : ",") + R"({"name":"web)" + std::to_string(i) +
          R"(","image":"registry.example.com/shop/web:1.24.7","args":["--listen=:8080","--verbose"],)"
          R"("ports":[{"name":"http","containerPort":8080,"protocol":"TCP"}],"env":[{"name":"LOG_LEVEL","value":"info"},)"
          R"({"name":"PASSWORD","valueFrom":{"secretKeyRef":{"name":"web-credentials","key":"password"}}}],)"
          R"("resources":{"limits":{"cpu":"500m","memory":"256Mi"},"requests":{"cpu":"100m","memory":"128Mi"}},)"
          R"("livenessProbe":{"httpGet":{"path":"/healthz","port":8080,"scheme":"HTTP"},"initialDelaySeconds":3,)"
          R"("timeoutSeconds":1,"periodSeconds":10,"successThreshold":1,"failureThreshold":3},)"
          R"("imagePullPolicy":"IfNotPresent","terminationMessagePath":"/dev/termination-log"})";
    }
    text +=
        R"(],"restartPolicy":"Always","terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst",)"
        R"("serviceAccountName":"default","nodeName":"node-17","schedulerName":"default-scheduler"},"status":)"
        R"({"phase":"Running","conditions":[)";
    for (const char* type : {"Initialized", "Ready", "ContainersReady", "PodScheduled"}) {
      text += std::string(text.back() == '[' ? "" : ",") + R"({"type":")" + type +
              R"(","status":"True","lastProbeTime":null,"lastTransitionTime":"2026-01-12T08:15:42Z"})";
    }
    return text +
           R"(],"hostIP":"10.0.0.17","podIP":"10.244.3.19","startTime":"2026-01-12T08:15:30Z","load":0.375}})";
  }();
  return kText;
}

struct Ours {
  static json::Value parse() { return *json::parse(pod()); }
  static std::string print(const json::Value& value) { return json::print(value); }
};

struct Nlohmann {
  static nlohmann::ordered_json parse() { return nlohmann::ordered_json::parse(pod()); }
  static std::string print(const nlohmann::ordered_json& value) { return value.dump(); }
};

struct Boost {
  static boost::json::value parse() { return boost::json::parse(pod()); }
  static std::string print(const boost::json::value& value) { return boost::json::serialize(value); }
};

template <class Library>
void bm_parse(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(Library::parse());
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * pod().size()));
}

template <class Library>
void bm_print(benchmark::State& state) {
  const auto value = Library::parse();
  for (auto _ : state) benchmark::DoNotOptimize(Library::print(value));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * pod().size()));
}

template <class Library>
void bm_copy(benchmark::State& state) {
  const auto value = Library::parse();
  for (auto _ : state) {
    auto copy = value;
    benchmark::DoNotOptimize(copy);
  }
}

void bm_hash(benchmark::State& state) {
  const json::Value value = Ours::parse();
  for (auto _ : state) benchmark::DoNotOptimize(json::hash(value));
}

void bm_equal(benchmark::State& state) {
  const json::Value value = Ours::parse();
  const json::Value copy = value;
  for (auto _ : state) benchmark::DoNotOptimize(value == copy);
}

BENCHMARK(bm_parse<Ours>)->Name("parse/klutch");
BENCHMARK(bm_parse<Nlohmann>)->Name("parse/nlohmann");
BENCHMARK(bm_parse<Boost>)->Name("parse/boost");
BENCHMARK(bm_print<Ours>)->Name("print/klutch");
BENCHMARK(bm_print<Nlohmann>)->Name("print/nlohmann");
BENCHMARK(bm_print<Boost>)->Name("print/boost");
BENCHMARK(bm_copy<Ours>)->Name("copy/klutch");
BENCHMARK(bm_copy<Nlohmann>)->Name("copy/nlohmann");
BENCHMARK(bm_copy<Boost>)->Name("copy/boost");
BENCHMARK(bm_hash)->Name("hash/klutch");
BENCHMARK(bm_equal)->Name("equal/klutch");

/// Bytes that malloc has handed out per parsed object, its own headers included.
template <class Library>
double resident_bytes() {
  constexpr std::size_t kObjects = 1000;
  std::vector<decltype(Library::parse())> objects;
  objects.reserve(kObjects);
  const std::size_t before = mallinfo2().uordblks;
  for (std::size_t i = 0; i < kObjects; ++i) objects.push_back(Library::parse());
  return static_cast<double>(mallinfo2().uordblks - before) / kObjects;
}

/// Prints as usual, and keeps the CPU times: medians where runs are repeated.
class KeepTimes : public benchmark::ConsoleReporter {
 public:
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.run_type == Run::RT_Iteration || run.aggregate_name == "median") {
        times[run.run_name.function_name] = run.GetAdjustedCPUTime();
      }
    }
    ConsoleReporter::ReportRuns(runs);
  }
  std::map<std::string, double> times;
};

void print_ratios(const std::string& what, double ours, double nlohmann, double boost) {
  std::printf("%-6s nlohmann / klutch %5.2f    boost / klutch %5.2f\n", what.c_str(), nlohmann / ours,
              boost / ours);
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  KeepTimes reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);

  std::printf("\nobject of %zu bytes of text; above 1.00 klutch is faster or smaller\n", pod().size());
  for (const std::string what : {"parse", "print", "copy"}) {
    auto& times = reporter.times;
    if (times.count(what + "/klutch") == 0) continue;
    print_ratios(what, times[what + "/klutch"], times[what + "/nlohmann"], times[what + "/boost"]);
  }
  const double ours = resident_bytes<Ours>();
  const double nlohmann = resident_bytes<Nlohmann>();
  const double boost = resident_bytes<Boost>();
  print_ratios("bytes", ours, nlohmann, boost);
  std::printf("resident bytes per object: klutch %.0f, nlohmann %.0f, boost %.0f\n", ours, nlohmann, boost);
  return 0;
}
