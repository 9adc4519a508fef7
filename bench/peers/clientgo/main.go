// SPDX-License-Identifier: Apache-2.0

// The peer of bench/kube/klutch_kube_bench.cc: the same work, done by client-go. Each run does one thing in a fresh
// process and prints one line of JSON per measurement. bench/kube/run.py sets the two side by side.
//
//	clientgo -kubeconfig FILE MODE [flags]
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

type options struct {
	kubeconfig string
	namespace  string
	objects    int
	rounds     int
	workers    int
	clients    int
	requests   int
	json       bool // for built-in types, in place of protobuf
	http1      bool // in place of HTTP/2
	transform  bool // drops managedFields before an object is stored
}

var modes = map[string]func(context.Context, options) error{
	"setup":            setUp,
	"informer-builtin": informerBuiltin,
	"informer-custom":  informerCustom,
	"queue":            queueThroughput,
	"reconcile-noop":   reconcileNoop,
	"reconcile-status": reconcileStatus,
	"requests":         requestRate,
}

func main() {
	var o options
	flag.StringVar(&o.kubeconfig, "kubeconfig", "", "of the API server")
	flag.StringVar(&o.namespace, "namespace", "bench", "where the objects are")
	flag.IntVar(&o.objects, "objects", 10000, "how many of each kind, or keys of the queue")
	flag.IntVar(&o.rounds, "rounds", 10, "how often each key is worked on")
	flag.IntVar(&o.workers, "workers", 1, "that take keys from the queue")
	flag.IntVar(&o.clients, "clients", 1, "that send requests at once")
	flag.IntVar(&o.requests, "requests", 5000, "in all")
	flag.BoolVar(&o.json, "json", false, "JSON in place of protobuf for built-in types")
	flag.BoolVar(&o.http1, "http1", false, "HTTP/1.1 in place of HTTP/2")
	flag.BoolVar(&o.transform, "transform", false, "drop managedFields before objects are stored")
	flag.Parse()
	mode, found := modes[flag.Arg(0)]
	if !found || flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	if err := mode(context.Background(), o); err != nil {
		fmt.Fprintln(os.Stderr, "clientgo:", err)
		os.Exit(1)
	}
}

// config is a client's configuration without the limit of requests per second.
func (o options) config() (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", o.kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS = -1
	if o.http1 {
		config.NextProtos = []string{"http/1.1"}
	}
	return config, nil
}

func (o options) typed() (*kubernetes.Clientset, error) {
	config, err := o.config()
	if err != nil {
		return nil, err
	}
	if o.json {
		config.ContentType = "application/json"
	}
	return kubernetes.NewForConfig(config)
}

func (o options) dynamic() (*dynamic.DynamicClient, error) {
	config, err := o.config()
	if err != nil {
		return nil, err
	}
	return dynamic.NewForConfig(config)
}

// report prints one measurement.
func report(measure string, values map[string]any) {
	values["measure"] = measure
	values["side"] = "client-go"
	line, err := json.Marshal(values)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(line))
}
