// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// requestRate: GET of one small object from o.clients goroutines, o.requests in all, over connections that are open.
func requestRate(ctx context.Context, o options) error {
	client, err := o.typed()
	if err != nil {
		return err
	}
	get := func(int) error {
		object, err := client.CoreV1().ConfigMaps(o.namespace).Get(ctx, smallName, metav1.GetOptions{})
		if err == nil && object.Data["answer"] != "42" {
			return fmt.Errorf("this is not what was stored: %v", object.Data)
		}
		return err
	}
	if err := inParallel(o.clients, 4*o.clients, get); err != nil { // opens the connections
		return err
	}
	latencies := make([]time.Duration, o.requests)
	watch := start()
	err = inParallel(o.clients, o.requests, func(number int) error {
		began := time.Now()
		err := get(number)
		latencies[number] = time.Since(began)
		return err
	})
	if err != nil {
		return err
	}
	seconds, cpu := watch.seconds(), watch.cpuSeconds()
	slices.Sort(latencies)
	at := func(share float64) float64 {
		return float64(latencies[int(share*float64(len(latencies)-1))].Nanoseconds()) / 1e6
	}
	report("requests", map[string]any{
		"count": o.requests, "clients": o.clients, "seconds": seconds, "cpu_seconds": cpu,
		"per_second": float64(o.requests) / seconds, "cpu_microseconds_each": cpu / float64(o.requests) * 1e6,
		"p50_milliseconds": at(0.5), "p99_milliseconds": at(0.99),
	})
	return nil
}
