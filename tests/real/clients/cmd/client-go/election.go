// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// term remembers who leads, and whether two ever did.
type term struct {
	mutex   sync.Mutex
	leaders map[string]bool
	twice   error
	history []string
}

func (t *term) begin(name string) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.leaders[name] = true
	t.history = append(t.history, name)
	if len(t.leaders) > 1 && t.twice == nil {
		t.twice = fmt.Errorf("two lead: %v", t.leaders)
	}
}

func (t *term) end(name string) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	delete(t.leaders, name)
}

func (t *term) led(count int) error {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if t.twice != nil {
		return t.twice
	}
	if len(t.history) != count {
		return fmt.Errorf("these have led: %v", t.history)
	}
	return nil
}

// candidate runs for a lease until cancelled. With release it gives the lease up when it ends.
func candidate(ctx context.Context, e *env, t *term, lease, name string, release bool) (context.CancelFunc, chan struct{}, error) {
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: &resourcelock.LeaseLock{LeaseMeta: metav1.ObjectMeta{Name: lease, Namespace: e.namespace}, Client: e.client.CoordinationV1(),
			LockConfig: resourcelock.ResourceLockConfig{Identity: name}},
		LeaseDuration: 3 * time.Second, RenewDeadline: 2 * time.Second, RetryPeriod: 200 * time.Millisecond, ReleaseOnCancel: release,
		Callbacks: leaderelection.LeaderCallbacks{OnStartedLeading: func(context.Context) { t.begin(name) }, OnStoppedLeading: func() { t.end(name) }},
	})
	if err != nil {
		return nil, nil, err
	}
	limited, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		elector.Run(limited)
	}()
	return cancel, ended, nil
}

func elect(ctx context.Context, e *env, lease string, release bool) (time.Duration, error) {
	t := &term{leaders: map[string]bool{}}
	stopOne, oneEnded, err := candidate(ctx, e, t, lease, "one", release)
	if err != nil {
		return 0, err
	}
	defer stopOne()
	if err := until(ctx, 20*time.Second, func() error { return t.led(1) }); err != nil {
		return 0, err
	}
	stopTwo, twoEnded, err := candidate(ctx, e, t, lease, "two", release)
	if err != nil {
		return 0, err
	}
	defer func() { stopTwo(); <-twoEnded }()
	time.Sleep(4 * time.Second) // longer than the lease: it is renewed
	if err := t.led(1); err != nil {
		return 0, err
	}
	stopOne()
	<-oneEnded
	started := time.Now()
	if err := until(ctx, 20*time.Second, func() error { return t.led(2) }); err != nil {
		return 0, err
	}
	took := time.Since(started)
	held, err := e.client.CoordinationV1().Leases(e.namespace).Get(ctx, lease, metav1.GetOptions{})
	if err != nil {
		return 0, err
	}
	if *held.Spec.HolderIdentity != "two" || *held.Spec.LeaseTransitions < 1 {
		return 0, fmt.Errorf("the lease is %+v", held.Spec)
	}
	return took, nil
}

func checkElection(ctx context.Context, e *env) error {
	_, err := elect(ctx, e, "released", true)
	return err
}

func checkElectionCrash(ctx context.Context, e *env) error {
	took, err := elect(ctx, e, "crashed", false)
	if err == nil && took < time.Second {
		err = errors.New("the lease of a leader that did not give it up was taken at once")
	}
	return err
}
