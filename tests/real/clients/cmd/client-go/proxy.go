// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"math/rand"
	"net"
	"net/url"
	"sync"
	"time"

	"k8s.io/client-go/rest"
)

// breaker passes TCP connections on to the server and cuts them at random moments.
type breaker struct {
	listener net.Listener
	target   string
	mutex    sync.Mutex
	open     map[net.Conn]struct{}
	stop     chan struct{}
	cuts     int
	begin    func() // begins to cut
}

func newBreaker(config *rest.Config, seed int64, every time.Duration) (*breaker, *rest.Config, error) {
	server, err := url.Parse(config.Host)
	if err != nil {
		return nil, nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	b := &breaker{listener: listener, target: server.Host, open: map[net.Conn]struct{}{}, stop: make(chan struct{})}
	broken := rest.CopyConfig(config)
	broken.Host = "https://" + listener.Addr().String()
	go b.accept()
	b.begin = func() { go b.cut(rand.New(rand.NewSource(seed)), every) }
	return b, broken, nil
}

func (b *breaker) accept() {
	for {
		client, err := b.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", b.target)
		if err != nil {
			client.Close()
			continue
		}
		b.mutex.Lock()
		b.open[client], b.open[server] = struct{}{}, struct{}{}
		b.mutex.Unlock()
		go b.copy(client, server)
		go b.copy(server, client)
	}
}

func (b *breaker) copy(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	to.Close()
	from.Close()
	b.mutex.Lock()
	delete(b.open, to)
	delete(b.open, from)
	b.mutex.Unlock()
}

func (b *breaker) cut(random *rand.Rand, every time.Duration) {
	for {
		select {
		case <-b.stop:
			return
		case <-time.After(time.Duration(random.Int63n(int64(2 * every)))):
		}
		b.mutex.Lock()
		for one := range b.open {
			one.Close()
			b.cuts++
			break
		}
		b.mutex.Unlock()
	}
}

func (b *breaker) count() int {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.cuts
}

// heal stops cutting; connections go on working.
func (b *breaker) heal() int {
	select {
	case <-b.stop:
	default:
		close(b.stop)
	}
	return b.count()
}

func (b *breaker) close() {
	b.heal()
	b.listener.Close()
	b.mutex.Lock()
	defer b.mutex.Unlock()
	for one := range b.open {
		one.Close()
	}
}
