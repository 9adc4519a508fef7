// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// The objects that both sides read. Each is objectBytes of JSON as the server stores it, managedFields apart.

const objectBytes = 4096

// smallName is a ConfigMap besides them, for single requests.
const smallName = "small"

var (
	crds    = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	widgets = schema.GroupVersionResource{Group: "bench.klutch.io", Version: "v1", Resource: "widgets"}
)

func objectName(number int) string { return fmt.Sprintf("object-%05d", number) }

func metadata(o options, number int) map[string]any {
	return map[string]any{
		"name":      objectName(number),
		"namespace": o.namespace,
		"labels": map[string]any{
			"app.kubernetes.io/name":       "bench",
			"app.kubernetes.io/managed-by": "bench",
			"bench.klutch.io/shard":        fmt.Sprint(number % 10),
		},
		"annotations": map[string]any{"bench.klutch.io/note": fmt.Sprintf("object %d of a benchmark", number)},
	}
}

// widget has the shape of a claim: many small fields, some nesting, a list, conditions to come.
func widget(o options, number int) *unstructured.Unstructured {
	parameters := map[string]any{}
	for i := range 44 {
		parameters[fmt.Sprintf("parameter%02d", i)] = fmt.Sprintf("value %d of object-%05d", i, number)
	}
	var endpoints []any
	for i := range 8 {
		endpoints = append(endpoints, map[string]any{
			"host": fmt.Sprintf("host-%d.example.com", i), "port": int64(5432 + i), "protocol": "TCP", "primary": i == 0,
		})
	}
	object := map[string]any{
		"apiVersion": "bench.klutch.io/v1",
		"kind":       "Widget",
		"metadata":   metadata(o, number),
		"spec": map[string]any{
			"service": "a9s-postgresql13", "plan": "postgresql-single-nano", "replicas": int64(number % 7),
			"parameters": parameters, "endpoints": endpoints,
			"compositionRef": map[string]any{"name": "a8s-postgresql"},
		},
	}
	pad(object, object["spec"].(map[string]any), "description")
	return &unstructured.Unstructured{Object: object}
}

func configMap(o options, number int) *corev1.ConfigMap {
	object := map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata(o, number)}
	data := map[string]any{}
	for i := range 12 {
		data[fmt.Sprintf("file-%02d.conf", i)] = fmt.Sprintf("# %d\n%s", number, strings.Repeat("key = value\n", 18))
	}
	object["data"] = data
	pad(object, data, "padding")
	text, err := json.Marshal(object)
	if err != nil {
		panic(err)
	}
	var result corev1.ConfigMap
	if err := json.Unmarshal(text, &result); err != nil {
		panic(err)
	}
	return &result
}

// pad makes `object` objectBytes long with what the server is going to add.
func pad(object, parent map[string]any, field string) {
	parent[field] = ""
	text, err := json.Marshal(object)
	if err != nil {
		panic(err)
	}
	const added = `,"uid":"00000000-0000-0000-0000-000000000000","resourceVersion":"00000","generation":1,"creationTimestamp":"2026-01-01T00:00:00Z"`
	if missing := objectBytes - len(text) - len(added); missing > 0 {
		parent[field] = strings.Repeat("x", missing)
	}
}

func widgetDefinition() *unstructured.Unstructured {
	anything := map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1",
		"kind":       "CustomResourceDefinition",
		"metadata":   map[string]any{"name": "widgets.bench.klutch.io"},
		"spec": map[string]any{
			"group": "bench.klutch.io",
			"scope": "Namespaced",
			"names": map[string]any{"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"},
			"versions": []any{map[string]any{
				"name": "v1", "served": true, "storage": true,
				"subresources": map[string]any{"status": map[string]any{}},
				"schema": map[string]any{"openAPIV3Schema": map[string]any{
					"type": "object", "properties": map[string]any{"spec": anything, "status": anything},
				}},
			}},
		},
	}}
}

// setUp makes the namespace, the definition and the objects. What is there stays.
func setUp(ctx context.Context, o options) error {
	typed, err := o.typed()
	if err != nil {
		return err
	}
	dynamic, err := o.dynamic()
	if err != nil {
		return err
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: o.namespace}}
	if _, err := typed.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); ignoreExisting(err) != nil {
		return err
	}
	if _, err := dynamic.Resource(crds).Create(ctx, widgetDefinition(), metav1.CreateOptions{}); ignoreExisting(err) != nil {
		return err
	}
	for {
		_, err := dynamic.Resource(widgets).Namespace(o.namespace).List(ctx, metav1.ListOptions{Limit: 1})
		if err == nil {
			break
		}
		if !apierrors.IsNotFound(err) {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
	small := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: smallName, Namespace: o.namespace},
		Data:       map[string]string{"answer": "42", "question": "unknown"},
	}
	if _, err := typed.CoreV1().ConfigMaps(o.namespace).Create(ctx, small, metav1.CreateOptions{}); ignoreExisting(err) != nil {
		return err
	}
	return inParallel(16, o.objects, func(number int) error {
		_, err := typed.CoreV1().ConfigMaps(o.namespace).Create(ctx, configMap(o, number), metav1.CreateOptions{})
		if ignoreExisting(err) != nil {
			return err
		}
		_, err = dynamic.Resource(widgets).Namespace(o.namespace).Create(ctx, widget(o, number), metav1.CreateOptions{})
		return ignoreExisting(err)
	})
}

func ignoreExisting(err error) error {
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// inParallel calls work(0) … work(count-1) from `workers` goroutines and gives the first error.
func inParallel(workers, count int, work func(number int) error) error {
	numbers := make(chan int)
	var first error
	var once sync.Once
	var group sync.WaitGroup
	group.Add(workers)
	for range workers {
		go func() {
			defer group.Done()
			for number := range numbers {
				if err := work(number); err != nil {
					once.Do(func() { first = err })
				}
			}
		}()
	}
	for number := range count {
		numbers <- number
	}
	close(numbers)
	group.Wait()
	return first
}
