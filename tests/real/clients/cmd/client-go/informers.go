// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/features"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/pager"
	toolswatch "k8s.io/client-go/tools/watch"
	"k8s.io/utils/ptr"
)

const writers = 4

// fill creates objects named prefix-N, with a label that only the given check knows.
func fill(ctx context.Context, e *env, prefix string, count int) error {
	maps := e.client.CoreV1().ConfigMaps(e.namespace)
	failures := make(chan error, writers)
	for w := range writers {
		go func() {
			for n := w; n < count; n += writers {
				one := configMap(fmt.Sprintf("%s-%d", prefix, n), map[string]string{"n": fmt.Sprint(n)})
				one.Labels = map[string]string{"check": prefix}
				if _, err := maps.Create(ctx, one, metav1.CreateOptions{}); err != nil {
					failures <- err
					return
				}
			}
			failures <- nil
		}()
	}
	for range writers {
		if err := <-failures; err != nil {
			return err
		}
	}
	return nil
}

// churn changes, removes and creates objects of fill.
func churn(ctx context.Context, e *env, prefix string, count int, salt int64, rounds int) error {
	maps := e.client.CoreV1().ConfigMaps(e.namespace)
	failures := make(chan error, writers)
	for w := range writers {
		go func() {
			random := rand.New(rand.NewSource(e.seed + salt*writers + int64(w)))
			for range rounds {
				name := fmt.Sprintf("%s-%d", prefix, random.Intn(count))
				var err error
				switch random.Intn(4) {
				case 0:
					err = maps.Delete(ctx, name, metav1.DeleteOptions{})
				case 1:
					one := configMap(name, nil)
					one.Labels = map[string]string{"check": prefix}
					_, err = maps.Create(ctx, one, metav1.CreateOptions{})
				default:
					_, err = maps.Patch(ctx, name, types.MergePatchType, []byte(fmt.Sprintf(`{"data":{"r":"%d"}}`, random.Int())), metav1.PatchOptions{})
				}
				if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsAlreadyExists(err) {
					failures <- err
					return
				}
			}
			failures <- nil
		}()
	}
	for range writers {
		if err := <-failures; err != nil {
			return err
		}
	}
	return nil
}

// sameAs compares a store with what the server has.
func sameAs(ctx context.Context, e *env, prefix string, store cache.Store) error {
	list, err := e.client.CoreV1().ConfigMaps(e.namespace).List(ctx, metav1.ListOptions{LabelSelector: "check=" + prefix})
	if err != nil {
		return err
	}
	wanted := map[string]string{}
	for _, one := range list.Items {
		wanted[one.Name] = one.ResourceVersion
	}
	for _, held := range store.List() {
		one, err := meta.Accessor(held)
		if err != nil {
			return err
		}
		if wanted[one.GetName()] != one.GetResourceVersion() {
			return fmt.Errorf("%s is held at version %s, the server has %q", one.GetName(), one.GetResourceVersion(), wanted[one.GetName()])
		}
		delete(wanted, one.GetName())
	}
	if len(wanted) > 0 {
		return fmt.Errorf("%d of %d objects are missing in the store", len(wanted), len(list.Items))
	}
	return nil
}

// orderedHandler is a handler that checks what it is told: no object is added twice, none changes backwards.
type orderedHandler struct {
	mutex   sync.Mutex
	known   map[string]types.UID
	problem error
	events  int
}

func (h *orderedHandler) note(what string, object interface{}) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.events++
	if final, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = final.Obj
	}
	one := object.(*corev1.ConfigMap)
	_, held := h.known[one.Name]
	if h.problem == nil && held == (what == "add") {
		h.problem = fmt.Errorf("%s of %s, which was known: %v", what, one.Name, held)
	}
	if what == "delete" {
		delete(h.known, one.Name)
	} else {
		h.known[one.Name] = one.UID
	}
}

func (h *orderedHandler) OnAdd(object interface{}, _ bool) { h.note("add", object) }
func (h *orderedHandler) OnUpdate(_, object interface{})   { h.note("update", object) }
func (h *orderedHandler) OnDelete(object interface{})      { h.note("delete", object) }
func (h *orderedHandler) said() (int, error) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	return h.events, h.problem
}

func informOverBreaks(ctx context.Context, e *env, prefix string) error {
	proxy, config, err := newBreaker(e.config, e.seed, 50*time.Millisecond)
	if err != nil {
		return err
	}
	defer proxy.close()
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	if err := fill(ctx, e, prefix, e.objects); err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(e.namespace),
		informers.WithTweakListOptions(func(options *metav1.ListOptions) { options.LabelSelector = "check=" + prefix }))
	informer := factory.Core().V1().ConfigMaps().Informer()
	handler := &orderedHandler{known: map[string]types.UID{}}
	if _, err := informer.AddEventHandler(handler); err != nil {
		return err
	}
	ended, cancel := context.WithCancel(ctx)
	defer factory.Shutdown()
	defer cancel()
	factory.Start(ended.Done())
	if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
		return errors.New("the informer does not sync")
	}
	const wantedCuts = 6
	proxy.begin()
	for round := int64(0); round == 0 || proxy.count() < wantedCuts; round++ {
		if err := churn(ctx, e, prefix, e.objects, round, max(e.objects/20, 50)); err != nil {
			return err
		}
	}
	cuts := proxy.heal()
	if err := until(ctx, 60*time.Second, func() error { return sameAs(ctx, e, prefix, informer.GetStore()) }); err != nil {
		return err
	}
	events, problem := handler.said()
	if problem != nil {
		return problem
	}
	if cuts < wantedCuts || events <= e.objects {
		return fmt.Errorf("%d connections cut, %d events: this check shows nothing", cuts, events)
	}
	fmt.Printf("     %d objects, %d events, %d connections cut\n", len(informer.GetStore().ListKeys()), events, cuts)
	return nil
}

func watchListOn() bool { return features.FeatureGates().Enabled(features.WatchListClient) }

const watchListVariable = "KUBE_FEATURE_WatchListClient"

func checkInformer(ctx context.Context, e *env) error { return informWith(ctx, e, false, "informer") }
func checkInformerWatchList(ctx context.Context, e *env) error {
	return informWith(ctx, e, true, "informer-watchlist")
}

// informWith runs here, or in a child where the environment says otherwise: client-go reads its gates once.
func informWith(ctx context.Context, e *env, watchList bool, prefix string) error {
	if watchListOn() == watchList {
		return informOverBreaks(ctx, e, prefix)
	}
	if os.Getenv("CHECK_CHILD") != "" {
		return errors.New("client-go does not listen to " + watchListVariable)
	}
	name := "informer, many objects, broken connections"
	if watchList {
		name = "informer with watch list, many objects, broken connections"
	}
	child := exec.CommandContext(ctx, os.Args[0], fmt.Sprintf("-objects=%d", e.objects), fmt.Sprintf("-seed=%d", e.seed), name)
	child.Env = append(os.Environ(), fmt.Sprintf("%s=%v", watchListVariable, watchList), "CHECK_CHILD=yes")
	out, err := child.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w:\n%s", err, out)
	}
	for _, line := range strings.Split(string(out), "\n") {
		if strings.HasPrefix(line, "     ") {
			fmt.Println(line)
		}
	}
	return nil
}

func checkMetadataInformer(ctx context.Context, e *env) error {
	client, err := metadata.NewForConfig(e.config)
	if err != nil {
		return err
	}
	if err := fill(ctx, e, "metadata", 50); err != nil {
		return err
	}
	maps := schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	factory := metadatainformer.NewFilteredSharedInformerFactory(client, 0, e.namespace, func(options *metav1.ListOptions) { options.LabelSelector = "check=metadata" })
	informer := factory.ForResource(maps).Informer()
	ended, cancel := context.WithCancel(ctx)
	defer cancel()
	factory.Start(ended.Done())
	if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
		return errors.New("the informer does not sync")
	}
	if err := churn(ctx, e, "metadata", 60, 0, 30); err != nil {
		return err
	}
	if err := until(ctx, 20*time.Second, func() error { return sameAs(ctx, e, "metadata", informer.GetStore()) }); err != nil {
		return err
	}
	for _, held := range informer.GetStore().List() {
		if one, ok := held.(*metav1.PartialObjectMetadata); !ok || one.Labels["check"] != "metadata" {
			return fmt.Errorf("the store holds %T %+v", held, held)
		}
	}
	return client.Resource(maps).Namespace(e.namespace).DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "check=metadata"})
}

func checkPages(ctx context.Context, e *env) error {
	const count = 120
	if err := fill(ctx, e, "pages", count); err != nil {
		return err
	}
	maps := e.client.CoreV1().ConfigMaps(e.namespace)
	options := metav1.ListOptions{LabelSelector: "check=pages", Limit: 25}
	names, version := map[string]bool{}, ""
	for page := 0; ; page++ {
		list, err := maps.List(ctx, options)
		if err != nil {
			return err
		}
		if len(list.Items) > 25 || (version != "" && list.ResourceVersion != version) {
			return fmt.Errorf("page %d has %d objects at version %s, the first was at %s", page, len(list.Items), list.ResourceVersion, version)
		}
		version = list.ResourceVersion
		for _, one := range list.Items {
			names[one.Name] = true
		}
		if page == 0 { // what changes now does not concern the pages to come
			for _, name := range []string{"pages-99", "pages-7"} {
				if err := maps.Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
					return err
				}
			}
			if _, err := maps.Create(ctx, configMap("pages-zzz", nil), metav1.CreateOptions{}); err != nil {
				return err
			}
		}
		if options.Continue = list.Continue; options.Continue == "" {
			break
		}
	}
	if len(names) != count {
		return fmt.Errorf("the pages had %d of %d objects", len(names), count)
	}
	all := 0
	err := pager.New(pager.SimplePageFunc(func(options metav1.ListOptions) (runtime.Object, error) {
		return maps.List(ctx, options)
	})).EachListItem(ctx, metav1.ListOptions{LabelSelector: "check=pages", Limit: 10}, func(runtime.Object) error { all++; return nil })
	if err != nil {
		return err
	}
	if all != count-2 {
		return fmt.Errorf("the pager saw %d objects, not %d", all, count-2)
	}
	_, err = maps.List(ctx, metav1.ListOptions{Limit: 5, Continue: "nonsense"})
	if !apierrors.IsBadRequest(err) {
		return fmt.Errorf("a made-up continue token: %v", err)
	}
	return maps.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "check=pages"})
}

// take reads events until one is a bookmark or count have come.
func take(watcher watch.Interface, count int) ([]watch.Event, error) {
	var events []watch.Event
	limit := time.After(10 * time.Second)
	for len(events) < count {
		select {
		case event, open := <-watcher.ResultChan():
			if !open {
				return events, fmt.Errorf("the watch ended after %d events", len(events))
			}
			events = append(events, event)
		case <-limit:
			return events, fmt.Errorf("only %d of %d events came", len(events), count)
		}
	}
	return events, nil
}

func kinds(events []watch.Event) string {
	var all []string
	for _, event := range events {
		if one, err := meta.Accessor(event.Object); err == nil {
			all = append(all, string(event.Type)+" "+one.GetName())
		} else {
			all = append(all, fmt.Sprintf("%s %v", event.Type, apierrors.FromObject(event.Object)))
		}
	}
	return strings.Join(all, ", ")
}

func checkWatch(ctx context.Context, e *env) error {
	maps := e.client.CoreV1().ConfigMaps(e.namespace)
	if err := fill(ctx, e, "watched", 3); err != nil {
		return err
	}
	list, err := maps.List(ctx, metav1.ListOptions{LabelSelector: "check=watched"})
	if err != nil {
		return err
	}
	if _, err := maps.Patch(ctx, "watched-0", types.MergePatchType, []byte(`{"data":{"a":"1"}}`), metav1.PatchOptions{}); err != nil {
		return err
	}
	if err := maps.Delete(ctx, "watched-1", metav1.DeleteOptions{}); err != nil {
		return err
	}
	if _, err := maps.Patch(ctx, "watched-2", types.MergePatchType, []byte(`{"metadata":{"labels":{"check":"other"}}}`), metav1.PatchOptions{}); err != nil {
		return err
	}
	options := metav1.ListOptions{LabelSelector: "check=watched", ResourceVersion: list.ResourceVersion, TimeoutSeconds: ptr.To[int64](30)}
	watcher, err := maps.Watch(ctx, options)
	if err != nil {
		return err
	}
	events, err := take(watcher, 3)
	watcher.Stop()
	if err != nil {
		return err
	}
	if got := kinds(events); got != "MODIFIED watched-0, DELETED watched-1, DELETED watched-2" {
		return errors.New("since the list: " + got)
	}
	// A deletion has a version of its own, from which a watch can go on.
	removed, err := meta.Accessor(events[1].Object)
	if err != nil {
		return err
	}
	options.ResourceVersion = removed.GetResourceVersion()
	if watcher, err = maps.Watch(ctx, options); err != nil {
		return err
	}
	events, err = take(watcher, 1)
	watcher.Stop()
	if err != nil || kinds(events) != "DELETED watched-2" {
		return fmt.Errorf("since the deletion: %s, %v", kinds(events), err)
	}
	// The server ends a watch when its time is over.
	options.TimeoutSeconds, options.ResourceVersion = ptr.To[int64](1), ""
	if watcher, err = maps.Watch(ctx, options); err != nil {
		return err
	}
	started := time.Now()
	for range watcher.ResultChan() {
	}
	if took := time.Since(started); took < 500*time.Millisecond || took > 20*time.Second {
		return fmt.Errorf("a watch of one second took %v", took)
	}
	return nil
}

func checkWatchList(ctx context.Context, e *env) error {
	maps := e.client.CoreV1().ConfigMaps(e.namespace)
	if err := fill(ctx, e, "initial", 5); err != nil {
		return err
	}
	watcher, err := maps.Watch(ctx, metav1.ListOptions{LabelSelector: "check=initial", SendInitialEvents: ptr.To(true), AllowWatchBookmarks: true,
		ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan, TimeoutSeconds: ptr.To[int64](30)})
	if err != nil {
		return err
	}
	defer watcher.Stop()
	events, err := take(watcher, 6)
	if err != nil {
		return err
	}
	for _, event := range events[:5] {
		if event.Type != watch.Added {
			return errors.New("the first events are " + kinds(events))
		}
	}
	last, err := meta.Accessor(events[5].Object)
	if err != nil || events[5].Type != watch.Bookmark || last.GetAnnotations()[metav1.InitialEventsAnnotationKey] != "true" {
		return fmt.Errorf("after the initial events comes %s %v", events[5].Type, last)
	}
	if _, err := maps.Patch(ctx, "initial-3", types.MergePatchType, []byte(`{"data":{"a":"1"}}`), metav1.PatchOptions{}); err != nil {
		return err
	}
	events, err = take(watcher, 1)
	if err != nil || kinds(events) != "MODIFIED initial-3" {
		return fmt.Errorf("then comes %s, %v", kinds(events), err)
	}
	return nil
}

func checkRetryWatcher(ctx context.Context, e *env) error {
	proxy, config, err := newBreaker(e.config, e.seed+1, 100*time.Millisecond)
	if err != nil {
		return err
	}
	defer proxy.close()
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	maps := e.client.CoreV1().ConfigMaps(e.namespace)
	made, err := maps.Create(ctx, configMap("retried", map[string]string{"n": "0"}), metav1.CreateOptions{})
	if err != nil {
		return err
	}
	watcher, err := toolswatch.NewRetryWatcherWithContext(ctx, made.ResourceVersion, &cache.ListWatch{
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			options.FieldSelector = "metadata.name=retried"
			return client.CoreV1().ConfigMaps(e.namespace).Watch(ctx, options)
		}})
	if err != nil {
		return err
	}
	defer watcher.Stop()
	proxy.begin()
	const changes = 40
	go func() {
		for n := 1; n <= changes; n++ {
			_, _ = maps.Patch(ctx, "retried", types.MergePatchType, []byte(fmt.Sprintf(`{"data":{"n":"%d"}}`, n)), metav1.PatchOptions{})
			time.Sleep(50 * time.Millisecond)
			if n == changes-5 {
				proxy.heal()
			}
		}
	}()
	limit := time.After(90 * time.Second)
	for n := 1; n <= changes; n++ {
		select {
		case event, open := <-watcher.ResultChan():
			if !open {
				return fmt.Errorf("the watch ended before change %d", n)
			}
			if one, ok := event.Object.(*corev1.ConfigMap); !ok || one.Data["n"] != fmt.Sprint(n) {
				return fmt.Errorf("change %d is %s %+v", n, event.Type, event.Object)
			}
		case <-limit:
			return fmt.Errorf("change %d does not come", n)
		}
	}
	return nil
}

func checkMapper(e *env) error {
	groups, err := restmapper.GetAPIGroupResources(e.client.Discovery())
	if err != nil {
		return err
	}
	mapping, err := restmapper.NewDiscoveryRESTMapper(groups).RESTMapping(schema.GroupKind{Group: "apps", Kind: "Deployment"})
	if err != nil {
		return err
	}
	if mapping.Resource.Resource != "deployments" || mapping.Scope.Name() != meta.RESTScopeNameNamespace {
		return fmt.Errorf("a Deployment is mapped to %+v", mapping)
	}
	return nil
}
