// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/scale"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/ptr"
)

// gadgets makes sure that the CRD of the checks is there. Its group is that of the run.
func gadgets(ctx context.Context, e *env) (schema.GroupVersionResource, error) {
	group := e.namespace + ".example.com"
	resource := schema.GroupVersionResource{Group: group, Version: "v1", Resource: "gadgets"}
	client, err := apiextensions.NewForConfig(e.config)
	if err != nil {
		return resource, err
	}
	object := func(properties map[string]apiextensionsv1.JSONSchemaProps) apiextensionsv1.JSONSchemaProps {
		return apiextensionsv1.JSONSchemaProps{Type: "object", Properties: properties}
	}
	integer := apiextensionsv1.JSONSchemaProps{Type: "integer", Minimum: ptr.To[float64](0)}
	schemaProps := object(map[string]apiextensionsv1.JSONSchemaProps{
		"spec": object(map[string]apiextensionsv1.JSONSchemaProps{"replicas": integer, "mode": {Type: "string",
			Default: &apiextensionsv1.JSON{Raw: []byte(`"calm"`)}},
			"parts": {Type: "array", XListType: ptr.To("map"), XListMapKeys: []string{"name"}, Items: &apiextensionsv1.JSONSchemaPropsOrArray{
				Schema: &apiextensionsv1.JSONSchemaProps{Type: "object", Required: []string{"name"}, Properties: map[string]apiextensionsv1.JSONSchemaProps{
					"name": {Type: "string"}, "weight": integer}}}}}),
		"status": object(map[string]apiextensionsv1.JSONSchemaProps{"replicas": integer}),
	})
	_, err = client.ApiextensionsV1().CustomResourceDefinitions().Create(ctx, &apiextensionsv1.CustomResourceDefinition{
		ObjectMeta: metav1.ObjectMeta{Name: "gadgets." + group},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{Group: group, Scope: apiextensionsv1.NamespaceScoped,
			Names: apiextensionsv1.CustomResourceDefinitionNames{Plural: "gadgets", Kind: "Gadget"},
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{Name: "v1", Served: true, Storage: true,
				Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &schemaProps},
				Subresources: &apiextensionsv1.CustomResourceSubresources{Status: &apiextensionsv1.CustomResourceSubresourceStatus{},
					Scale: &apiextensionsv1.CustomResourceSubresourceScale{SpecReplicasPath: ".spec.replicas", StatusReplicasPath: ".status.replicas"}}}}},
	}, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return resource, err
	}
	return resource, until(ctx, 20*time.Second, func() error {
		one, err := client.ApiextensionsV1().CustomResourceDefinitions().Get(ctx, "gadgets."+group, metav1.GetOptions{})
		if err != nil {
			return err
		}
		for _, condition := range one.Status.Conditions {
			if condition.Type == apiextensionsv1.Established && condition.Status == apiextensionsv1.ConditionTrue {
				return nil
			}
		}
		return errors.New("the CRD is not established")
	})
}

func gadget(resource schema.GroupVersionResource, name string, spec map[string]interface{}) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]interface{}{"apiVersion": resource.Group + "/v1", "kind": "Gadget",
		"metadata": map[string]interface{}{"name": name}, "spec": spec}}
}

func gadgetClient(ctx context.Context, e *env) (schema.GroupVersionResource, dynamic.ResourceInterface, *dynamic.DynamicClient, error) {
	resource, err := gadgets(ctx, e)
	if err != nil {
		return resource, nil, nil, err
	}
	client, err := dynamic.NewForConfig(e.config)
	if err != nil {
		return resource, nil, nil, err
	}
	return resource, client.Resource(resource).Namespace(e.namespace), client, nil
}

func checkDynamic(ctx context.Context, e *env) error {
	resource, client, _, err := gadgetClient(ctx, e)
	if err != nil {
		return err
	}
	watcher, err := client.Watch(ctx, metav1.ListOptions{TimeoutSeconds: ptr.To[int64](60)})
	if err != nil {
		return err
	}
	defer watcher.Stop()
	made, err := client.Create(ctx, gadget(resource, "one", map[string]interface{}{"replicas": int64(2), "nobody": "knows"}), metav1.CreateOptions{})
	if err != nil {
		return err
	}
	if mode, _, _ := unstructured.NestedString(made.Object, "spec", "mode"); mode != "calm" {
		return fmt.Errorf("the default is missing: %v", made.Object)
	}
	if _, found, _ := unstructured.NestedString(made.Object, "spec", "nobody"); found {
		return fmt.Errorf("an unknown field stayed: %v", made.Object)
	}
	if _, err := client.Create(ctx, gadget(resource, "bad", map[string]interface{}{"replicas": int64(-1)}), metav1.CreateOptions{}); !apierrors.IsInvalid(err) {
		return fmt.Errorf("an invalid object: %v", err)
	}
	if err := unstructured.SetNestedField(made.Object, int64(2), "status", "replicas"); err != nil {
		return err
	}
	if err := unstructured.SetNestedField(made.Object, "wild", "spec", "mode"); err != nil {
		return err
	}
	updated, err := client.UpdateStatus(ctx, made, metav1.UpdateOptions{})
	if err != nil {
		return err
	}
	mode, _, _ := unstructured.NestedString(updated.Object, "spec", "mode")
	replicas, _, _ := unstructured.NestedInt64(updated.Object, "status", "replicas")
	if mode != "calm" || replicas != 2 || updated.GetGeneration() != 1 {
		return fmt.Errorf("a status update gave %v", updated.Object)
	}
	if _, err := client.Patch(ctx, "one", types.MergePatchType, []byte(`{"spec":{"mode":"wild"}}`), metav1.PatchOptions{}); err != nil {
		return err
	}
	if err := client.Delete(ctx, "one", metav1.DeleteOptions{}); err != nil {
		return err
	}
	events, err := take(watcher, 4)
	if err != nil {
		return err
	}
	if events[0].Type != watch.Added || events[1].Type != watch.Modified || events[2].Type != watch.Modified || events[3].Type != watch.Deleted {
		return errors.New("the watch saw " + kinds(events))
	}
	return nil
}

func checkDynamicInformer(ctx context.Context, e *env) error {
	resource, client, all, err := gadgetClient(ctx, e)
	if err != nil {
		return err
	}
	factory := dynamicinformer.NewFilteredDynamicSharedInformerFactory(all, 0, e.namespace, nil)
	informer := factory.ForResource(resource).Informer()
	ended, cancel := context.WithCancel(ctx)
	defer cancel()
	factory.Start(ended.Done())
	if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
		return errors.New("the informer does not sync")
	}
	for n := range 30 {
		if _, err := client.Create(ctx, gadget(resource, fmt.Sprintf("many-%d", n), map[string]interface{}{"replicas": int64(n)}), metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	if err := until(ctx, 20*time.Second, func() error {
		if held := len(informer.GetStore().ListKeys()); held != 30 {
			return fmt.Errorf("the store has %d of 30 objects", held)
		}
		return nil
	}); err != nil {
		return err
	}
	if err := client.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{}); err != nil {
		return err
	}
	return until(ctx, 20*time.Second, func() error {
		if held := len(informer.GetStore().ListKeys()); held != 0 {
			return fmt.Errorf("the store still has %d objects", held)
		}
		return nil
	})
}

func checkScale(ctx context.Context, e *env) error {
	resource, client, _, err := gadgetClient(ctx, e)
	if err != nil {
		return err
	}
	discovery := memory.NewMemCacheClient(e.client.Discovery())
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(discovery)
	scales, err := scale.NewForConfig(e.config, mapper, dynamic.LegacyAPIPathResolverFunc, scale.NewDiscoveryScaleKindResolver(discovery))
	if err != nil {
		return err
	}
	if _, err := client.Create(ctx, gadget(resource, "scaled", map[string]interface{}{"replicas": int64(2)}), metav1.CreateOptions{}); err != nil {
		return err
	}
	if _, err := e.client.AppsV1().Deployments(e.namespace).Create(ctx, deployment("scaled"), metav1.CreateOptions{}); err != nil {
		return err
	}
	for _, one := range []schema.GroupResource{resource.GroupResource(), {Group: "apps", Resource: "deployments"}} {
		current, err := scales.Scales(e.namespace).Get(ctx, one, "scaled", metav1.GetOptions{})
		if err != nil {
			return fmt.Errorf("%s: %w", one, err)
		}
		current.Spec.Replicas = 7
		if current, err = scales.Scales(e.namespace).Update(ctx, one, current, metav1.UpdateOptions{}); err != nil {
			return fmt.Errorf("%s: %w", one, err)
		}
		if current.Spec.Replicas != 7 {
			return fmt.Errorf("%s: the scale is %+v", one, current)
		}
	}
	held, err := client.Get(ctx, "scaled", metav1.GetOptions{})
	if err != nil {
		return err
	}
	if replicas, _, _ := unstructured.NestedInt64(held.Object, "spec", "replicas"); replicas != 7 {
		return fmt.Errorf("the object has %d replicas", replicas)
	}
	return client.Delete(ctx, "scaled", metav1.DeleteOptions{})
}
