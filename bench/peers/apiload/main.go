// SPDX-License-Identifier: Apache-2.0

// The same load for any API server: client-go on both sides, one phase after the other, each over the objects that the
// first one made. Prints one line of JSON per phase: operations per second, latencies, and the CPU time of the server's
// processes, which is what a shared machine measures best.
//
//	apiload -kubeconfig FILE -pids 12,13 [-objects 2000] [-clients 32] [-watchers 50]
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"
)

var (
	kubeconfig = flag.String("kubeconfig", "", "of the API server")
	pids       = flag.String("pids", "", "processes of the server, with commas")
	objects    = flag.Int("objects", 2000, "how many custom objects")
	clients    = flag.Int("clients", 32, "that send requests at once")
	watchers   = flag.Int("watchers", 50, "of the phase watch")
	namespace  = flag.String("namespace", "default", "where the objects are")
)

var (
	widgets     = schema.GroupVersionResource{Group: "bench.ex.io", Version: "v1", Resource: "widgets"}
	definitions = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
)

const definition = `{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition",
"metadata":{"name":"widgets.bench.ex.io"},"spec":{"group":"bench.ex.io","scope":"Namespaced",
"names":{"plural":"widgets","kind":"Widget"},"versions":[{"name":"v1","served":true,"storage":true,
"subresources":{"status":{}},"schema":{"openAPIV3Schema":{"type":"object","properties":{
"spec":{"type":"object","properties":{"size":{"type":"integer","minimum":0},"color":{"type":"string","default":"red"},
"note":{"type":"string"},"tags":{"type":"array","items":{"type":"string"}}}},
"status":{"type":"object","properties":{"phase":{"type":"string"}}}}}}}]}}`

func main() {
	flag.Parse()
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "apiload:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		return err
	}
	config.QPS, config.Burst = -1, -1
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return err
	}
	first, err := defineWidgets(ctx, client)
	if err != nil {
		return err
	}
	report(map[string]any{"phase": "definition to first object", "ms": first.Milliseconds()})
	api := client.Resource(widgets).Namespace(*namespace)
	for _, phase := range phases {
		if err := measure(ctx, api, phase); err != nil {
			return fmt.Errorf("%s: %w", phase.name, err)
		}
	}
	return fanOut(ctx, api)
}

// From the request that makes the definition to the first object of it.
func defineWidgets(ctx context.Context, client dynamic.Interface) (time.Duration, error) {
	var object unstructured.Unstructured
	if err := json.Unmarshal([]byte(definition), &object.Object); err != nil {
		return 0, err
	}
	begun := time.Now()
	if _, err := client.Resource(definitions).Create(ctx, &object, metav1.CreateOptions{}); err != nil {
		return 0, err
	}
	for {
		first := widget("first")
		_, err := client.Resource(widgets).Namespace(*namespace).Create(ctx, first, metav1.CreateOptions{})
		if err == nil {
			return time.Since(begun), nil
		}
		if time.Since(begun) > time.Minute {
			return 0, err
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func widget(name string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "bench.ex.io/v1", "kind": "Widget",
		"metadata": map[string]any{"name": name, "labels": map[string]any{"app": "bench"}},
		"spec": map[string]any{"size": int64(1), "note": strings.Repeat("x", 800),
			"tags": []any{"one", "two", "three"}},
	}}
}

func name(i int) string { return "w-" + strconv.Itoa(i) }

type phase struct {
	name string
	// Operations, if not one per object.
	operations int
	do         func(ctx context.Context, api dynamic.ResourceInterface, i int) error
}

var phases = []phase{
	{"create", 0, func(ctx context.Context, api dynamic.ResourceInterface, i int) error {
		_, err := api.Create(ctx, widget(name(i)), metav1.CreateOptions{})
		return err
	}},
	{"get", 0, func(ctx context.Context, api dynamic.ResourceInterface, i int) error {
		_, err := api.Get(ctx, name(i), metav1.GetOptions{})
		return err
	}},
	{"update", 0, func(ctx context.Context, api dynamic.ResourceInterface, i int) error {
		object, err := api.Get(ctx, name(i), metav1.GetOptions{})
		if err != nil {
			return err
		}
		if err := unstructured.SetNestedField(object.Object, int64(i), "spec", "size"); err != nil {
			return err
		}
		_, err = api.Update(ctx, object, metav1.UpdateOptions{})
		return err
	}},
	{"update without a change", 0, func(ctx context.Context, api dynamic.ResourceInterface, i int) error {
		object, err := api.Get(ctx, name(i), metav1.GetOptions{})
		if err != nil {
			return err
		}
		_, err = api.Update(ctx, object, metav1.UpdateOptions{})
		return err
	}},
	{"merge patch", 0, func(ctx context.Context, api dynamic.ResourceInterface, i int) error {
		patch := fmt.Sprintf(`{"metadata":{"annotations":{"i":"%d"}}}`, i)
		_, err := api.Patch(ctx, name(i), types.MergePatchType, []byte(patch), metav1.PatchOptions{})
		return err
	}},
	{"status patch", 0, func(ctx context.Context, api dynamic.ResourceInterface, i int) error {
		_, err := api.Patch(ctx, name(i), types.MergePatchType, []byte(`{"status":{"phase":"Ready"}}`),
			metav1.PatchOptions{}, "status")
		return err
	}},
	{"apply", 0, func(ctx context.Context, api dynamic.ResourceInterface, i int) error {
		object := widget(name(i))
		_ = unstructured.SetNestedField(object.Object, "blue", "spec", "color")
		_, err := api.Apply(ctx, name(i), object, metav1.ApplyOptions{FieldManager: "bench", Force: true})
		return err
	}},
	{"list all", 40, func(ctx context.Context, api dynamic.ResourceInterface, _ int) error {
		_, err := api.List(ctx, metav1.ListOptions{})
		return err
	}},
}

func measure(ctx context.Context, api dynamic.ResourceInterface, phase phase) error {
	operations := phase.operations
	if operations == 0 {
		operations = *objects
	}
	latencies := make([]time.Duration, operations)
	failures := make(chan error, *clients)
	var next atomic.Int64
	var group sync.WaitGroup
	cpu, begun := cpuTime(), time.Now()
	for range *clients {
		group.Add(1)
		go func() {
			defer group.Done()
			for i := int(next.Add(1) - 1); i < operations; i = int(next.Add(1) - 1) {
				start := time.Now()
				if err := phase.do(ctx, api, i); err != nil {
					failures <- err
					return
				}
				latencies[i] = time.Since(start)
			}
		}()
	}
	group.Wait()
	took, used := time.Since(begun), cpuTime()-cpu
	select {
	case err := <-failures:
		return err
	default:
	}
	reportPhase(phase.name, operations, took, used, latencies)
	return nil
}

// One writer, many watchers: from the write's answer until the last one has seen it.
func fanOut(ctx context.Context, api dynamic.ResourceInterface) error {
	const writes = 200
	list, err := api.List(ctx, metav1.ListOptions{Limit: 1})
	if err != nil {
		return err
	}
	var seen sync.WaitGroup
	for range *watchers {
		watch, err := api.Watch(ctx, metav1.ListOptions{ResourceVersion: list.GetResourceVersion()})
		if err != nil {
			return err
		}
		seen.Add(1)
		go func() {
			defer seen.Done()
			defer watch.Stop()
			for count := 0; count < writes; count++ {
				if _, open := <-watch.ResultChan(); !open {
					return
				}
			}
		}()
	}
	cpu, begun := cpuTime(), time.Now()
	latencies := make([]time.Duration, writes)
	for i := range writes {
		start := time.Now()
		patch := fmt.Sprintf(`{"metadata":{"annotations":{"fan":"%d"}}}`, i)
		if _, err := api.Patch(ctx, name(0), types.MergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
			return err
		}
		latencies[i] = time.Since(start)
	}
	seen.Wait()
	reportPhase(fmt.Sprintf("patch with %d watchers", *watchers), writes, time.Since(begun), cpuTime()-cpu, latencies)
	return nil
}

func reportPhase(name string, operations int, took time.Duration, cpu float64, latencies []time.Duration) {
	sort.Slice(latencies, func(a, b int) bool { return latencies[a] < latencies[b] })
	at := func(share float64) float64 {
		return float64(latencies[int(share*float64(len(latencies)-1))].Microseconds()) / 1000
	}
	report(map[string]any{
		"phase": name, "operations": operations, "perSecond": float64(operations) / took.Seconds(),
		"p50ms": at(0.5), "p99ms": at(0.99), "cpuSecondsPer10k": cpu / float64(operations) * 10000,
		"residentMB": residentMB(),
	})
}

func report(line map[string]any) {
	_ = json.NewEncoder(os.Stdout).Encode(line)
}

func serverProcesses() []string {
	if *pids == "" {
		return nil
	}
	return strings.Split(*pids, ",")
}

// In seconds, of all processes of the server.
func cpuTime() float64 {
	const ticksPerSecond = 100
	total := 0.0
	for _, pid := range serverProcesses() {
		stat, err := os.ReadFile("/proc/" + pid + "/stat")
		if err != nil {
			continue
		}
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		for _, field := range fields[11:13] {
			ticks, _ := strconv.ParseFloat(field, 64)
			total += ticks / ticksPerSecond
		}
	}
	return total
}

func residentMB() float64 {
	total := 0.0
	for _, pid := range serverProcesses() {
		status, err := os.ReadFile("/proc/" + pid + "/status")
		if err != nil {
			continue
		}
		for _, line := range strings.Split(string(status), "\n") {
			if strings.HasPrefix(line, "VmRSS:") {
				kb, _ := strconv.ParseFloat(strings.Fields(line)[1], 64)
				total += kb / 1024
			}
		}
	}
	return total
}
