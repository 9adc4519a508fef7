// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	appsapply "k8s.io/client-go/applyconfigurations/apps/v1"
	coreapply "k8s.io/client-go/applyconfigurations/core/v1"
	metaapply "k8s.io/client-go/applyconfigurations/meta/v1"
)

func checkApply(ctx context.Context, e *env) error {
	deployments := e.client.AppsV1().Deployments(e.namespace)
	labels := map[string]string{"app": "applied"}
	container := coreapply.Container().WithName("main").WithImage("registry.example/main:1").WithEnv(coreapply.EnvVar().WithName("A").WithValue("1"))
	wanted := appsapply.Deployment("applied", e.namespace).WithLabels(labels).WithSpec(appsapply.DeploymentSpec().WithReplicas(2).
		WithSelector(metaapply.LabelSelector().WithMatchLabels(labels)).
		WithTemplate(coreapply.PodTemplateSpec().WithLabels(labels).WithSpec(coreapply.PodSpec().WithContainers(container))))
	first, err := deployments.Apply(ctx, wanted, metav1.ApplyOptions{FieldManager: "one"})
	if err != nil {
		return err
	}
	again, err := deployments.Apply(ctx, wanted, metav1.ApplyOptions{FieldManager: "one"})
	if err != nil {
		return err
	}
	if again.ResourceVersion != first.ResourceVersion {
		return fmt.Errorf("applying the same again went from version %s to %s", first.ResourceVersion, again.ResourceVersion)
	}
	other := appsapply.Deployment("applied", e.namespace).WithSpec(appsapply.DeploymentSpec().WithReplicas(5))
	_, err = deployments.Apply(ctx, other, metav1.ApplyOptions{FieldManager: "two"})
	if !apierrors.IsConflict(err) || !strings.Contains(err.Error(), `conflict with "one": .spec.replicas`) {
		return fmt.Errorf("a conflict is told so: %v", err)
	}
	got, err := deployments.Apply(ctx, other, metav1.ApplyOptions{FieldManager: "two", Force: true})
	if err != nil {
		return err
	}
	if *got.Spec.Replicas != 5 || len(got.ManagedFields) != 2 {
		return fmt.Errorf("after forcing: %d replicas, managers %+v", *got.Spec.Replicas, got.ManagedFields)
	}
	mine, err := appsapply.ExtractDeployment(got, "one")
	if err != nil {
		return err
	}
	if mine.Spec == nil || mine.Spec.Replicas != nil || len(mine.Spec.Template.Spec.Containers) != 1 || *mine.Spec.Template.Spec.Containers[0].Image != "registry.example/main:1" {
		return fmt.Errorf("what belongs to one is %+v", mine.Spec)
	}
	// What is taken out of the intent of its only manager goes; an entry of a list, too.
	mine.Spec.Template.Spec.Containers[0].Env = nil
	got, err = deployments.Apply(ctx, mine, metav1.ApplyOptions{FieldManager: "one"})
	if err != nil {
		return err
	}
	if len(got.Spec.Template.Spec.Containers[0].Env) != 0 || *got.Spec.Replicas != 5 {
		return fmt.Errorf("after giving up the environment: %+v", got.Spec)
	}
	status, err := deployments.ApplyStatus(ctx, appsapply.Deployment("applied", e.namespace).WithStatus(appsapply.DeploymentStatus().WithReplicas(4).
		WithConditions(appsapply.DeploymentCondition().WithType("Available").WithStatus(corev1.ConditionTrue))), metav1.ApplyOptions{FieldManager: "controller"})
	if err != nil {
		return err
	}
	if status.Status.Replicas != 4 || len(status.Status.Conditions) != 1 || *status.Spec.Replicas != 5 {
		return fmt.Errorf("after applying the status: %+v", status.Status)
	}
	// An update by somebody else takes what it changes.
	status.Spec.Template.Spec.Containers[0].Image = "registry.example/main:3"
	if _, err := deployments.Update(ctx, status, metav1.UpdateOptions{FieldManager: "hand"}); err != nil {
		return err
	}
	_, err = deployments.Apply(ctx, wanted, metav1.ApplyOptions{FieldManager: "one"})
	if !apierrors.IsConflict(err) || !strings.Contains(err.Error(), `.spec.template.spec.containers[name="main"].image`) {
		return fmt.Errorf("a conflict with an update: %v", err)
	}
	return nil
}

func checkDynamicApply(ctx context.Context, e *env) error {
	resource, client, _, err := gadgetClient(ctx, e)
	if err != nil {
		return err
	}
	part := func(name string, weight int64) interface{} {
		return map[string]interface{}{"name": name, "weight": weight}
	}
	apply := func(manager string, force bool, parts ...interface{}) (*unstructured.Unstructured, error) {
		return client.Apply(ctx, "applied", gadget(resource, "applied", map[string]interface{}{"parts": parts}), metav1.ApplyOptions{FieldManager: manager, Force: force})
	}
	if _, err := apply("one", false, part("a", 1), part("b", 2)); err != nil {
		return err
	}
	if _, err := apply("two", false, part("c", 3)); err != nil {
		return err
	}
	if _, err := apply("two", false, part("a", 9), part("c", 3)); !apierrors.IsConflict(err) || !strings.Contains(err.Error(), `.spec.parts[name="a"].weight`) {
		return fmt.Errorf("a conflict in a list with keys: %v", err)
	}
	got, err := apply("one", false, part("b", 4))
	if err != nil {
		return err
	}
	parts, _, _ := unstructured.NestedSlice(got.Object, "spec", "parts")
	if fmt.Sprint(parts) != "[map[name:b weight:4] map[name:c weight:3]]" {
		return fmt.Errorf("the parts are %v", parts)
	}
	_, err = client.Patch(ctx, "applied", types.ApplyPatchType, []byte(`{"apiVersion":"`+resource.Group+`/v1","kind":"Gadget","spec":{"parts":[{"name":"x"},{"name":"x"}]}}`),
		metav1.PatchOptions{FieldManager: "three"})
	if err == nil || !strings.Contains(err.Error(), "duplicate entries for key") {
		return fmt.Errorf("an intent with a key twice: %v", err)
	}
	return client.Delete(ctx, "applied", metav1.DeleteOptions{})
}
