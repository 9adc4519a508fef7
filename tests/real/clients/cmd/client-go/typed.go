// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/retry"
	"k8s.io/utils/ptr"
)

const (
	protobufType = "application/vnd.kubernetes.protobuf"
	jsonType     = "application/json"
)

func configMap(name string, data map[string]string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: data}
}

func deployment(name string) *appsv1.Deployment {
	labels := map[string]string{"app": name}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels},
		Spec: appsv1.DeploymentSpec{
			Replicas: ptr.To[int32](3),
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Strategy: appsv1.DeploymentStrategy{
				Type:          appsv1.RollingUpdateDeploymentStrategyType,
				RollingUpdate: &appsv1.RollingUpdateDeployment{MaxSurge: ptr.To(intstr.FromString("30%")), MaxUnavailable: ptr.To(intstr.FromInt32(1))},
			},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{Containers: []corev1.Container{{
					Name: "main", Image: "registry.example/main:1", Args: []string{"-v", "2"},
					Env: []corev1.EnvVar{{Name: "A", Value: "1"}, {Name: "POD", ValueFrom: &corev1.EnvVarSource{
						FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.name"}}}},
					Ports:     []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}},
					Resources: corev1.ResourceRequirements{Limits: corev1.ResourceList{"cpu": resource.MustParse("1500m"), "memory": resource.MustParse("64Mi")}},
					ReadinessProbe: &corev1.Probe{PeriodSeconds: 7, ProbeHandler: corev1.ProbeHandler{
						HTTPGet: &corev1.HTTPGetAction{Path: "/readyz", Port: intstr.FromString("http")}}},
				}}},
			},
		},
	}
}

func checkProtobuf(ctx context.Context, e *env) error {
	maps := e.client.CoreV1().ConfigMaps(e.namespace)
	made, err := maps.Create(ctx, configMap("protobuf", map[string]string{"a": "1"}), metav1.CreateOptions{})
	if err != nil {
		return err
	}
	path := "/api/v1/namespaces/" + e.namespace + "/configmaps"
	if sent := e.types.of("POST", path); sent != protobufType {
		return fmt.Errorf("the client sent %q: this check shows nothing", sent)
	}
	made.Data["b"] = "2"
	made, err = maps.Update(ctx, made, metav1.UpdateOptions{})
	if err != nil {
		return err
	}
	if len(made.Data) != 2 {
		return fmt.Errorf("after the update: %v", made.Data)
	}
	return maps.Delete(ctx, "protobuf", metav1.DeleteOptions{PropagationPolicy: ptr.To(metav1.DeletePropagationBackground)})
}

// roundTrip creates an object with a client of one content type, and reads it with both.
func roundTrip[T runtime.Object](object T, clients map[string]func(string) (T, error), name string, specOf func(T) any) error {
	var first any
	for kind, get := range clients {
		got, err := get(name)
		if err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
		if first == nil {
			first = specOf(got)
		} else if !equality.Semantic.DeepEqual(first, specOf(got)) {
			return fmt.Errorf("%T %s: read as JSON and as protobuf: %+v and %+v", object, name, first, specOf(got))
		}
	}
	return nil
}

func clientWith(e *env, contentType string) (kubernetes.Interface, error) {
	config := rest.CopyConfig(e.config)
	config.ContentType = contentType
	config.AcceptContentTypes = contentType + "," + jsonType
	return kubernetes.NewForConfig(config)
}

func checkRoundTrip(ctx context.Context, e *env) error {
	for _, contentType := range []string{protobufType, jsonType} {
		client, err := clientWith(e, contentType)
		if err != nil {
			return err
		}
		suffix := strings.ReplaceAll(contentType[len("application/"):], ".", "-")
		if err := roundTripWith(ctx, client, e.namespace, suffix); err != nil {
			return fmt.Errorf("%s: %w", contentType, err)
		}
	}
	return sameInBothForms(ctx, e)
}

func roundTripWith(ctx context.Context, client kubernetes.Interface, namespace, suffix string) error {
	wanted := deployment("round-" + suffix)
	got, err := client.AppsV1().Deployments(namespace).Create(ctx, wanted, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	container, sent := got.Spec.Template.Spec.Containers[0], wanted.Spec.Template.Spec.Containers[0]
	if !equality.Semantic.DeepEqual(container.Resources, sent.Resources) || !equality.Semantic.DeepEqual(container.Args, sent.Args) ||
		container.ReadinessProbe.PeriodSeconds != 7 || container.ReadinessProbe.HTTPGet.Port != intstr.FromString("http") ||
		*got.Spec.Strategy.RollingUpdate.MaxSurge != intstr.FromString("30%") || *got.Spec.Strategy.RollingUpdate.MaxUnavailable != intstr.FromInt32(1) {
		return fmt.Errorf("a deployment came back otherwise: %+v", got.Spec)
	}
	// What nobody said is defaulted.
	if container.ImagePullPolicy != corev1.PullIfNotPresent || container.ReadinessProbe.TimeoutSeconds != 1 ||
		*got.Spec.RevisionHistoryLimit != 10 || got.Spec.Template.Spec.DNSPolicy != corev1.DNSClusterFirst || got.Generation != 1 {
		return fmt.Errorf("a deployment lacks defaults: %+v", got.Spec)
	}
	secret, err := client.CoreV1().Secrets(namespace).Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "round-" + suffix},
		Data: map[string][]byte{"bytes": {0, 1, 0xfe, 0xff}}, StringData: map[string]string{"text": "words"}}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	if string(secret.Data["bytes"]) != "\x00\x01\xfe\xff" || string(secret.Data["text"]) != "words" || secret.Type != corev1.SecretTypeOpaque {
		return fmt.Errorf("a secret came back otherwise: %+v", secret)
	}
	now := metav1.NewMicroTime(time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC))
	lease, err := client.CoordinationV1().Leases(namespace).Create(ctx, &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: "round-" + suffix},
		Spec: coordinationv1.LeaseSpec{HolderIdentity: ptr.To("me"), LeaseDurationSeconds: ptr.To[int32](15), RenewTime: &now}}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	if !lease.Spec.RenewTime.Equal(&now) {
		return fmt.Errorf("a lease has the time %v, not %v", lease.Spec.RenewTime, now)
	}
	role, err := client.RbacV1().Roles(namespace).Create(ctx, &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: "round-" + suffix},
		Rules: []rbacv1.PolicyRule{{APIGroups: []string{"", "apps"}, Resources: []string{"*"}, Verbs: []string{"get"}}}}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	if len(role.Rules) != 1 || len(role.Rules[0].APIGroups) != 2 {
		return fmt.Errorf("a role came back otherwise: %+v", role)
	}
	service, err := client.CoreV1().Services(namespace).Create(ctx, &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "round-" + suffix[:3]},
		Spec: corev1.ServiceSpec{Selector: map[string]string{"a": "b"}, Ports: []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromString("http")}}}}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	if service.Spec.Ports[0].TargetPort != intstr.FromString("http") || service.Spec.Type != corev1.ServiceTypeClusterIP {
		return fmt.Errorf("a service came back otherwise: %+v", service)
	}
	job, err := client.BatchV1().Jobs(namespace).Create(ctx, &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: "round-" + suffix[:3]},
		Spec: batchv1.JobSpec{Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{RestartPolicy: corev1.RestartPolicyNever,
			Containers: []corev1.Container{{Name: "a", Image: "a"}}}}}}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	if job.Spec.Template.Spec.Containers[0].Name != "a" {
		return fmt.Errorf("a job came back otherwise: %+v", job)
	}
	return nil
}

func sameInBothForms(ctx context.Context, e *env) error {
	deployments, secrets := map[string]func(string) (*appsv1.Deployment, error){}, map[string]func(string) (*corev1.Secret, error){}
	for _, contentType := range []string{protobufType, jsonType} {
		client, err := clientWith(e, contentType)
		if err != nil {
			return err
		}
		deployments[contentType] = func(name string) (*appsv1.Deployment, error) {
			return client.AppsV1().Deployments(e.namespace).Get(ctx, name, metav1.GetOptions{})
		}
		secrets[contentType] = func(name string) (*corev1.Secret, error) {
			return client.CoreV1().Secrets(e.namespace).Get(ctx, name, metav1.GetOptions{})
		}
	}
	for _, suffix := range []string{"json", "vnd-kubernetes-protobuf"} {
		if err := roundTrip(&appsv1.Deployment{}, deployments, "round-"+suffix, func(d *appsv1.Deployment) any { return d }); err != nil {
			return err
		}
		if err := roundTrip(&corev1.Secret{}, secrets, "round-"+suffix, func(s *corev1.Secret) any { return s }); err != nil {
			return err
		}
	}
	return nil
}

func checkConflicts(ctx context.Context, e *env) error {
	maps := e.client.CoreV1().ConfigMaps(e.namespace)
	stale, err := maps.Create(ctx, configMap("counter", map[string]string{"count": "0"}), metav1.CreateOptions{})
	if err != nil {
		return err
	}
	const writers, rounds = 8, 20
	var group sync.WaitGroup
	failures := make(chan error, writers)
	for range writers {
		group.Add(1)
		go func() {
			defer group.Done()
			for range rounds {
				backoff := retry.DefaultBackoff
				backoff.Steps = 200
				err := retry.RetryOnConflict(backoff, func() error {
					current, err := maps.Get(ctx, "counter", metav1.GetOptions{})
					if err != nil {
						return err
					}
					count, _ := strconv.Atoi(current.Data["count"])
					current.Data["count"] = strconv.Itoa(count + 1)
					_, err = maps.Update(ctx, current, metav1.UpdateOptions{})
					return err
				})
				if err != nil {
					failures <- err
					return
				}
			}
		}()
	}
	group.Wait()
	close(failures)
	if err := <-failures; err != nil {
		return err
	}
	final, err := maps.Get(ctx, "counter", metav1.GetOptions{})
	if err != nil {
		return err
	}
	if final.Data["count"] != strconv.Itoa(writers*rounds) {
		return fmt.Errorf("%d increments gave %s", writers*rounds, final.Data["count"])
	}
	if _, err := maps.Update(ctx, stale, metav1.UpdateOptions{}); !apierrors.IsConflict(err) {
		return fmt.Errorf("an update from a stale copy: %v", err)
	}
	if _, err := maps.Create(ctx, configMap("counter", nil), metav1.CreateOptions{}); !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("a second create: %v", err)
	}
	wrong := types.UID("00000000-0000-0000-0000-000000000000")
	if err := maps.Delete(ctx, "counter", metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &wrong}}); !apierrors.IsConflict(err) {
		return fmt.Errorf("a delete of another uid: %v", err)
	}
	// What changes nothing writes nothing.
	same, err := maps.Update(ctx, final, metav1.UpdateOptions{})
	if err != nil {
		return err
	}
	if same.ResourceVersion != final.ResourceVersion {
		return errors.New("an update without a change gave another resourceVersion")
	}
	return nil
}

func checkPatches(ctx context.Context, e *env) error {
	deployments := e.client.AppsV1().Deployments(e.namespace)
	if _, err := deployments.Create(ctx, deployment("patched"), metav1.CreateOptions{}); err != nil {
		return err
	}
	for _, one := range []struct {
		kind        types.PatchType
		body        string
		subresource []string
		holds       func(*appsv1.Deployment) bool
	}{
		{types.StrategicMergePatchType, `{"spec":{"template":{"spec":{"containers":[{"name":"main","image":"registry.example/main:2"}]}}}}`, nil,
			func(d *appsv1.Deployment) bool {
				c := d.Spec.Template.Spec.Containers[0]
				return len(d.Spec.Template.Spec.Containers) == 1 && strings.HasSuffix(c.Image, ":2") && len(c.Env) == 2 && d.Generation == 2
			}},
		{types.MergePatchType, `{"metadata":{"annotations":{"a":"1"}},"spec":{"replicas":5}}`, nil,
			func(d *appsv1.Deployment) bool {
				return d.Annotations["a"] == "1" && *d.Spec.Replicas == 5 && d.Generation == 3
			}},
		{types.JSONPatchType, `[{"op":"test","path":"/spec/replicas","value":5},{"op":"remove","path":"/metadata/annotations/a"}]`, nil,
			func(d *appsv1.Deployment) bool { return len(d.Annotations) == 0 && d.Generation == 4 }}, // annotations of a Deployment count,
		{types.MergePatchType, `{"spec":{"replicas":9},"status":{"replicas":4}}`, []string{"status"},
			func(d *appsv1.Deployment) bool {
				return *d.Spec.Replicas == 5 && d.Status.Replicas == 4 && d.Generation == 4
			}},
	} {
		got, err := deployments.Patch(ctx, "patched", one.kind, []byte(one.body), metav1.PatchOptions{}, one.subresource...)
		if err != nil {
			return fmt.Errorf("%s: %w", one.kind, err)
		}
		if !one.holds(got) {
			return fmt.Errorf("%s gave %+v", one.kind, got)
		}
	}
	_, err := deployments.Patch(ctx, "patched", types.JSONPatchType, []byte(`[{"op":"test","path":"/spec/replicas","value":1}]`), metav1.PatchOptions{})
	if !apierrors.IsInvalid(err) {
		return fmt.Errorf("a test that does not hold: %v", err)
	}
	scale, err := deployments.GetScale(ctx, "patched", metav1.GetOptions{})
	if err != nil {
		return err
	}
	scale.Spec.Replicas = 6
	scale, err = deployments.UpdateScale(ctx, "patched", scale, metav1.UpdateOptions{})
	if err != nil {
		return err
	}
	if scale.Spec.Replicas != 6 || scale.Status.Replicas != 4 || scale.Status.Selector != "app=patched" {
		return fmt.Errorf("the scale is %+v", scale)
	}
	return nil
}

func checkDiscovery(ctx context.Context, e *env) error {
	discovery := e.client.Discovery()
	groups, resources, err := discovery.ServerGroupsAndResources()
	if err != nil {
		return err
	}
	if len(groups) < 10 {
		return fmt.Errorf("there are but %d groups", len(groups))
	}
	found := map[string]bool{}
	for _, list := range resources {
		for _, one := range list.APIResources {
			found[list.GroupVersion+" "+one.Name] = true
		}
	}
	for _, wanted := range []string{"v1 configmaps", "v1 namespaces/finalize", "apps/v1 deployments/scale", "v1 serviceaccounts/token",
		"coordination.k8s.io/v1 leases", "apiextensions.k8s.io/v1 customresourcedefinitions/status", "events.k8s.io/v1 events"} {
		if !found[wanted] {
			return fmt.Errorf("discovery does not name %s", wanted)
		}
	}
	version, err := discovery.ServerVersion()
	if err != nil {
		return err
	}
	if version.Major != "1" || version.GitVersion == "" {
		return fmt.Errorf("the version is %+v", version)
	}
	document, err := discovery.OpenAPISchema() // version 2, in protobuf
	if err != nil {
		return fmt.Errorf("OpenAPI v2: %w", err)
	}
	if len(document.GetDefinitions().GetAdditionalProperties()) < 100 {
		return fmt.Errorf("OpenAPI v2 has %d definitions", len(document.GetDefinitions().GetAdditionalProperties()))
	}
	paths, err := discovery.OpenAPIV3().Paths()
	if err != nil {
		return err
	}
	for _, path := range []string{"api/v1", "apis/apps/v1", "apis/rbac.authorization.k8s.io/v1"} {
		if paths[path] == nil {
			return fmt.Errorf("OpenAPI v3 has no %s", path)
		}
		if bytes, err := paths[path].Schema("application/json"); err != nil || len(bytes) < 1000 {
			return fmt.Errorf("OpenAPI v3 of %s: %d bytes, %v", path, len(bytes), err)
		}
	}
	return checkMapper(e)
}
