// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
)

const patience = 2 * time.Minute

func dropManagedFields(object any) (any, error) {
	if accessor, err := meta.Accessor(object); err == nil {
		accessor.SetManagedFields(nil)
	}
	return object, nil
}

func builtinInformer(o options) (cache.SharedIndexInformer, error) {
	client, err := o.typed()
	if err != nil {
		return nil, err
	}
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(o.namespace))
	return factory.Core().V1().ConfigMaps().Informer(), nil
}

func customInformer(o options) (cache.SharedIndexInformer, error) {
	client, err := o.dynamic()
	if err != nil {
		return nil, err
	}
	factory := dynamicinformer.NewFilteredDynamicSharedInformerFactory(client, 0, o.namespace, nil)
	return factory.ForResource(widgets).Informer(), nil
}

// runToSync starts the informer and returns when it and a handler of its own have seen every object.
func runToSync(ctx context.Context, o options, informer cache.SharedIndexInformer) error {
	if o.transform {
		if err := informer.SetTransform(dropManagedFields); err != nil {
			return err
		}
	}
	var added atomic.Int64
	handled, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: func(any) { added.Add(1) }})
	if err != nil {
		return err
	}
	go informer.RunWithContext(ctx)
	for deadline := time.Now().Add(patience); !handled.HasSynced(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			return errors.New("the informer did not sync")
		}
	}
	if got := int(added.Load()); got < o.objects {
		return fmt.Errorf("the informer has %d of %d objects", got, o.objects)
	}
	return nil
}

func measureInformer(ctx context.Context, o options, measure string,
	create func(options) (cache.SharedIndexInformer, error)) error {
	informer, err := create(o)
	if err != nil {
		return err
	}
	settle()
	before := memory("RssAnon")
	watch := start()
	if err := runToSync(ctx, o, informer); err != nil {
		return err
	}
	values := map[string]any{
		"objects":        len(informer.GetStore().ListKeys()),
		"seconds":        watch.seconds(),
		"cpu_seconds":    watch.cpuSeconds(),
		"rss_bytes":      memory("VmRSS"),
		"anon_bytes":     memory("RssAnon"),
		"peak_rss_bytes": memory("VmHWM"),
	}
	settle()
	values["settled_rss_bytes"] = memory("VmRSS")
	values["settled_anon_bytes"] = memory("RssAnon")
	values["bytes_per_object"] = (memory("RssAnon") - before) / int64(o.objects)
	report(measure, values)
	return nil
}

func informerBuiltin(ctx context.Context, o options) error {
	return measureInformer(ctx, o, "informer-builtin", builtinInformer)
}

func informerCustom(ctx context.Context, o options) error {
	return measureInformer(ctx, o, "informer-custom", customInformer)
}
