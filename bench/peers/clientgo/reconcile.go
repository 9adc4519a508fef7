// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
)

// A controller as controller-runtime builds it: a rate limited queue of names, workers that read a private copy of the
// object from the cache, forget and finish.

type workQueue = workqueue.TypedRateLimitingInterface[types.NamespacedName]

func newQueue() workQueue {
	return workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[types.NamespacedName]())
}

func key(o options, number int) types.NamespacedName {
	return types.NamespacedName{Namespace: o.namespace, Name: objectName(number)}
}

// work starts the workers; `finished` gets a value whenever `batch` more keys are done.
func work(queue workQueue, workers, batch int, reconcile func(types.NamespacedName) error) (finished chan struct{}, failed chan error) {
	finished, failed = make(chan struct{}, 1), make(chan error, 1)
	var done atomic.Int64
	for range workers {
		go func() {
			for {
				name, closing := queue.Get()
				if closing {
					return
				}
				if err := reconcile(name); err != nil {
					select {
					case failed <- err:
					default:
					}
				}
				queue.Forget(name)
				queue.Done(name)
				if done.Add(1)%int64(batch) == 0 {
					finished <- struct{}{}
				}
			}
		}()
	}
	return finished, failed
}

// inRounds puts every key into the queue `rounds` times, each time after the ones before are done.
func inRounds(o options, queue workQueue, reconcile func(types.NamespacedName) error) (stopwatch, error) {
	finished, failed := work(queue, o.workers, o.objects, reconcile)
	watch := start()
	for range o.rounds {
		for number := range o.objects {
			queue.Add(key(o, number))
		}
		select {
		case <-finished:
		case err := <-failed:
			return watch, err
		}
	}
	return watch, nil
}

func reportRate(measure string, o options, count int, watch stopwatch) {
	seconds, cpu := watch.seconds(), watch.cpuSeconds()
	report(measure, map[string]any{
		"count": count, "workers": o.workers, "seconds": seconds, "cpu_seconds": cpu,
		"per_second": float64(count) / seconds, "cpu_microseconds_each": cpu / float64(count) * 1e6,
	})
}

// queueThroughput: the queue alone.
func queueThroughput(_ context.Context, o options) error {
	queue := newQueue()
	defer queue.ShutDown()
	watch, err := inRounds(o, queue, func(types.NamespacedName) error { return nil })
	if err != nil {
		return err
	}
	reportRate("queue", o, o.objects*o.rounds, watch)
	return nil
}

func fromCache(informer cache.SharedIndexInformer, name types.NamespacedName) (*unstructured.Unstructured, error) {
	object, found, err := informer.GetIndexer().GetByKey(name.String())
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, fmt.Errorf("%s is not in the cache", name)
	}
	return object.(*unstructured.Unstructured).DeepCopy(), nil
}

// reconcileNoop: the queue, and a copy from the cache in which nothing is to be changed.
func reconcileNoop(ctx context.Context, o options) error {
	informer, err := customInformer(o)
	if err != nil {
		return err
	}
	if err := runToSync(ctx, o, informer); err != nil {
		return err
	}
	queue := newQueue()
	defer queue.ShutDown()
	watch, err := inRounds(o, queue, func(name types.NamespacedName) error {
		object, err := fromCache(informer, name)
		if err != nil {
			return err
		}
		if _, found, err := unstructured.NestedString(object.Object, "spec", "service"); err != nil || !found {
			return errors.New("the object has no service")
		}
		return nil
	})
	if err != nil {
		return err
	}
	reportRate("reconcile-noop", o, o.objects*o.rounds, watch)
	return nil
}

// reconcileStatus: the same and one patch of the status for each of o.requests objects, until the cache has them all.
func reconcileStatus(ctx context.Context, o options) error {
	informer, err := customInformer(o)
	if err != nil {
		return err
	}
	client, err := o.dynamic()
	if err != nil {
		return err
	}
	mark := time.Now().UnixNano()
	var seen atomic.Int64
	arrived := make(chan struct{})
	if _, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{UpdateFunc: func(_, now any) {
		got, _, _ := unstructured.NestedInt64(now.(*unstructured.Unstructured).Object, "status", "mark")
		if got == mark && seen.Add(1) == int64(o.requests) {
			close(arrived)
		}
	}}); err != nil {
		return err
	}
	if err := runToSync(ctx, o, informer); err != nil {
		return err
	}
	queue := newQueue()
	defer queue.ShutDown()
	patch := fmt.Appendf(nil, `{"status":{"mark":%d,"ready":true}}`, mark)
	some := o
	some.objects, some.rounds = o.requests, 1
	watch, err := inRounds(some, queue, func(name types.NamespacedName) error {
		object, err := fromCache(informer, name)
		if err != nil {
			return err
		}
		_, err = client.Resource(widgets).Namespace(object.GetNamespace()).Patch(
			ctx, object.GetName(), types.MergePatchType, patch, v1.PatchOptions{}, "status")
		return err
	})
	if err != nil {
		return err
	}
	select {
	case <-arrived:
	case <-time.After(patience):
		return fmt.Errorf("the cache has %d of %d changes", seen.Load(), o.requests)
	}
	reportRate("reconcile-status", o, o.requests, watch)
	return nil
}
