// SPDX-License-Identifier: Apache-2.0

// Puts an API server to work with client-go, as operators do, and says of each check whether it went well.
//
//	client-go [-objects N] [-seed N] [CHECK...]      KUBECONFIG names the server
//
// Prints a line per check, ok or FAIL, and `N passed, N failed, N skipped` at the end. It makes a namespace of its own and
// removes it.
package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// env is what every check gets.
type env struct {
	config    *rest.Config
	client    kubernetes.Interface
	namespace string
	objects   int
	seed      int64
	types     *bodyTypes
}

type check struct {
	name string
	run  func(ctx context.Context, e *env) error
}

var checks = []check{
	{"typed clients send protobuf", checkProtobuf},
	{"typed objects come back as they went", checkRoundTrip},
	{"conflicts are told and retries win", checkConflicts},
	{"patches of each type", checkPatches},
	{"lists come in pages of one snapshot", checkPages},
	{"watches resume where they ended", checkWatch},
	{"a watch can begin with the list", checkWatchList},
	{"discovery, mapper and OpenAPI", checkDiscovery},
	{"informer, many objects, broken connections", checkInformer},
	{"informer with watch list, many objects, broken connections", checkInformerWatchList},
	{"metadata informer", checkMetadataInformer},
	{"retry watcher over broken connections", checkRetryWatcher},
	{"custom resources through the dynamic client", checkDynamic},
	{"dynamic informer of custom resources", checkDynamicInformer},
	{"scale client", checkScale},
	{"typed server-side apply", checkApply},
	{"dynamic server-side apply", checkDynamicApply},
	{"leader election", checkElection},
	{"leader election after a crash", checkElectionCrash},
	{"events of both APIs", checkEvents},
	{"owners and finalizers", checkOwners},
	{"tokens and reviews", checkTokens},
	{"access reviews", checkAccess},
}

// bodyTypes remembers the content types that went over the wire.
type bodyTypes struct {
	mutex sync.Mutex
	seen  map[string]string // method and path -> content type of the request
}

type recordingTransport struct {
	next  http.RoundTripper
	types *bodyTypes
}

func (t recordingTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	if sent := request.Header.Get("Content-Type"); sent != "" {
		t.types.mutex.Lock()
		t.types.seen[request.Method+" "+request.URL.Path] = sent
		t.types.mutex.Unlock()
	}
	return t.next.RoundTrip(request)
}

func (b *bodyTypes) of(method, path string) string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.seen[method+" "+path]
}

func newEnv(ctx context.Context, objects int, seed int64) (*env, error) {
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		return nil, err
	}
	config.QPS, config.Burst = -1, -1 // the server says when it is too much
	config.WarningHandler = rest.NoWarnings{}
	types := &bodyTypes{seen: map[string]string{}}
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return recordingTransport{next, types} })
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	made, err := client.CoreV1().Namespaces().Create(ctx,
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "client-go-"}}, metav1.CreateOptions{})
	if err != nil {
		return nil, fmt.Errorf("cannot create a namespace: %w", err)
	}
	return &env{config: config, client: client, namespace: made.Name, objects: objects, seed: seed, types: types}, nil
}

// until polls a condition. What it said last is part of the error.
func until(ctx context.Context, limit time.Duration, condition func() error) error {
	var last error
	err := wait.PollUntilContextTimeout(ctx, 20*time.Millisecond, limit, true, func(context.Context) (bool, error) {
		last = condition()
		return last == nil, nil
	})
	if err != nil {
		return fmt.Errorf("after %v: %w", limit, last)
	}
	return nil
}

func run(ctx context.Context, e *env, one check) (err error) {
	limited, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	defer func() {
		if panicked := recover(); panicked != nil {
			err = fmt.Errorf("panic: %v", panicked)
		}
	}()
	return one.run(limited, e)
}

func main() {
	objects := flag.Int("objects", 2000, "objects of the informer checks")
	seed := flag.Int64("seed", time.Now().UnixNano(), "of what is broken when")
	flag.Parse()
	ctx := context.Background()
	e, err := newEnv(ctx, *objects, *seed)
	if err != nil {
		fmt.Printf("FAIL %v\n0 passed, 1 failed, 0 skipped\n", err)
		os.Exit(1)
	}
	fmt.Printf("namespace %s, seed %d\n", e.namespace, *seed)
	passed, failed, skipped := 0, 0, 0
	for _, one := range checks {
		if flag.NArg() > 0 && !strings.Contains(strings.Join(flag.Args(), "\n"), one.name) {
			skipped++
			continue
		}
		started := time.Now()
		if err := run(ctx, e, one); err != nil {
			failed++
			fmt.Printf("FAIL %s: %v\n", one.name, err)
			continue
		}
		passed++
		fmt.Printf("ok   %s (%.1f s)\n", one.name, time.Since(started).Seconds())
	}
	if err := e.client.CoreV1().Namespaces().Delete(ctx, e.namespace, metav1.DeleteOptions{}); err != nil {
		failed++
		fmt.Printf("FAIL cannot delete the namespace: %v\n", err)
	}
	fmt.Printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped)
	if failed > 0 {
		os.Exit(1)
	}
}
