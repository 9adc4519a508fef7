// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	eventsrecorder "k8s.io/client-go/tools/events"
	"k8s.io/client-go/tools/record"
	"k8s.io/utils/ptr"
)

func checkEvents(ctx context.Context, e *env) error {
	about, err := e.client.CoreV1().ConfigMaps(e.namespace).Create(ctx, configMap("eventful", nil), metav1.CreateOptions{})
	if err != nil {
		return err
	}
	old := record.NewBroadcaster()
	defer old.Shutdown()
	old.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: e.client.CoreV1().Events(e.namespace)})
	recorder := old.NewRecorder(scheme.Scheme, corev1.EventSource{Component: "old"})
	for range 3 {
		recorder.Event(about, corev1.EventTypeNormal, "Old", "the same thing again")
	}
	broadcaster := eventsrecorder.NewBroadcaster(&eventsrecorder.EventSinkImpl{Interface: e.client.EventsV1()})
	defer broadcaster.Shutdown()
	if err := broadcaster.StartRecordingToSinkWithContext(ctx); err != nil {
		return err
	}
	broadcaster.NewRecorder(scheme.Scheme, "example.com/new").Eventf(about, nil, corev1.EventTypeWarning, "New", "Watching", "something %s", "else")
	return until(ctx, 20*time.Second, func() error {
		list, err := e.client.CoreV1().Events(e.namespace).List(ctx, metav1.ListOptions{FieldSelector: "involvedObject.uid=" + string(about.UID)})
		if err != nil {
			return err
		}
		counts := map[string]int32{}
		for _, event := range list.Items {
			counts[event.Reason] += max(event.Count, 1)
		}
		if counts["Old"] != 3 || counts["New"] != 1 {
			return fmt.Errorf("the events are %v", counts)
		}
		fresh, err := e.client.EventsV1().Events(e.namespace).List(ctx, metav1.ListOptions{FieldSelector: "reason=New"})
		if err != nil {
			return err
		}
		if len(fresh.Items) != 1 || fresh.Items[0].Note != "something else" || fresh.Items[0].Regarding.UID != about.UID || fresh.Items[0].ReportingController != "example.com/new" {
			return fmt.Errorf("the new API has %+v", fresh.Items)
		}
		return nil
	})
}

func checkOwners(ctx context.Context, e *env) error {
	maps := e.client.CoreV1().ConfigMaps(e.namespace)
	for _, policy := range []metav1.DeletionPropagation{metav1.DeletePropagationBackground, metav1.DeletePropagationForeground, metav1.DeletePropagationOrphan} {
		suffix := string(policy[0]+'a'-'A') + "-owner"
		owner, err := maps.Create(ctx, configMap(suffix, nil), metav1.CreateOptions{})
		if err != nil {
			return err
		}
		reference := metav1.OwnerReference{APIVersion: "v1", Kind: "ConfigMap", Name: owner.Name, UID: owner.UID, BlockOwnerDeletion: ptr.To(true)}
		child := configMap(suffix+"-child", nil)
		child.OwnerReferences = []metav1.OwnerReference{reference}
		if _, err := maps.Create(ctx, child, metav1.CreateOptions{}); err != nil {
			return err
		}
		if err := maps.Delete(ctx, owner.Name, metav1.DeleteOptions{PropagationPolicy: &policy}); err != nil {
			return err
		}
		err = until(ctx, 30*time.Second, func() error {
			if _, err := maps.Get(ctx, owner.Name, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
				return fmt.Errorf("%s: the owner is still there: %v", policy, err)
			}
			kept, err := maps.Get(ctx, child.Name, metav1.GetOptions{})
			if policy == metav1.DeletePropagationOrphan {
				if err == nil && len(kept.OwnerReferences) != 0 {
					err = errors.New("an orphan still names its owner")
				}
				return err
			}
			if !apierrors.IsNotFound(err) {
				return fmt.Errorf("%s: the dependant is still there: %v", policy, err)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	held := configMap("held", nil)
	held.Finalizers = []string{"example.com/hold"}
	if _, err := maps.Create(ctx, held, metav1.CreateOptions{}); err != nil {
		return err
	}
	if err := maps.Delete(ctx, "held", metav1.DeleteOptions{}); err != nil {
		return err
	}
	going, err := maps.Get(ctx, "held", metav1.GetOptions{})
	if err != nil || going.DeletionTimestamp == nil {
		return fmt.Errorf("with a finalizer: %v, %v", going, err)
	}
	if _, err := maps.Patch(ctx, "held", types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{}); err != nil {
		return err
	}
	if _, err := maps.Get(ctx, "held", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		return fmt.Errorf("without its last finalizer: %v", err)
	}
	return nil
}

func withToken(e *env, token string) (kubernetes.Interface, error) {
	config := rest.AnonymousClientConfig(e.config)
	config.BearerToken = token
	return kubernetes.NewForConfig(config)
}

func checkTokens(ctx context.Context, e *env) error {
	accounts := e.client.CoreV1().ServiceAccounts(e.namespace)
	if _, err := accounts.Create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "robot"}}, metav1.CreateOptions{}); err != nil {
		return err
	}
	granted, err := accounts.CreateToken(ctx, "robot", &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: ptr.To[int64](900)}}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	if left := time.Until(granted.Status.ExpirationTimestamp.Time); left < 14*time.Minute || left > 16*time.Minute {
		return fmt.Errorf("a token for 15 minutes ends in %v", left)
	}
	robot, err := withToken(e, granted.Status.Token)
	if err != nil {
		return err
	}
	self, err := robot.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	name := "system:serviceaccount:" + e.namespace + ":robot"
	if self.Status.UserInfo.Username != name || len(self.Status.UserInfo.Groups) != 3 {
		return fmt.Errorf("the token is of %+v", self.Status.UserInfo)
	}
	if _, err := robot.CoreV1().ConfigMaps(e.namespace).List(ctx, metav1.ListOptions{}); !apierrors.IsForbidden(err) {
		return fmt.Errorf("without rights: %v", err)
	}
	for token, good := range map[string]bool{granted.Status.Token: true, granted.Status.Token + "x": false, "nonsense": false} {
		review, err := e.client.AuthenticationV1().TokenReviews().Create(ctx, &authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: token}}, metav1.CreateOptions{})
		if err != nil {
			return err
		}
		if review.Status.Authenticated != good || (good && review.Status.User.Username != name) {
			return fmt.Errorf("a review says %+v", review.Status)
		}
	}
	nobody, err := withToken(e, "nonsense")
	if err != nil {
		return err
	}
	if _, err := nobody.CoreV1().ConfigMaps(e.namespace).List(ctx, metav1.ListOptions{}); !apierrors.IsUnauthorized(err) {
		return fmt.Errorf("with a made-up token: %v", err)
	}
	return nil
}

func checkAccess(ctx context.Context, e *env) error {
	if _, err := e.client.RbacV1().Roles(e.namespace).Create(ctx, &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: "reader"},
		Rules: []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"configmaps"}, Verbs: []string{"list"}}}}, metav1.CreateOptions{}); err != nil {
		return err
	}
	if _, err := e.client.RbacV1().RoleBindings(e.namespace).Create(ctx, &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Name: "reader"},
		RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "reader"},
		Subjects: []rbacv1.Subject{{Kind: "User", APIGroup: rbacv1.GroupName, Name: "jane"}}}, metav1.CreateOptions{}); err != nil {
		return err
	}
	ask := func(verb, resource string) (bool, error) {
		review, err := e.client.AuthorizationV1().SubjectAccessReviews().Create(ctx, &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
			User: "jane", ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: e.namespace, Verb: verb, Resource: resource}}}, metav1.CreateOptions{})
		if err != nil {
			return false, err
		}
		return review.Status.Allowed, nil
	}
	if err := until(ctx, 10*time.Second, func() error {
		if allowed, err := ask("list", "configmaps"); err != nil || !allowed {
			return fmt.Errorf("jane may not list: %v", err)
		}
		return nil
	}); err != nil {
		return err
	}
	for _, one := range [][]string{{"get", "configmaps"}, {"list", "secrets"}} {
		if allowed, err := ask(one[0], one[1]); err != nil || allowed {
			return fmt.Errorf("jane may %v: %v, %v", one, allowed, err)
		}
	}
	config := rest.CopyConfig(e.config)
	config.Impersonate = rest.ImpersonationConfig{UserName: "jane"}
	jane, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	if _, err := jane.CoreV1().ConfigMaps(e.namespace).List(ctx, metav1.ListOptions{}); err != nil {
		return err
	}
	rules, err := jane.AuthorizationV1().SelfSubjectRulesReviews().Create(ctx, &authorizationv1.SelfSubjectRulesReview{
		Spec: authorizationv1.SelfSubjectRulesReviewSpec{Namespace: e.namespace}}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	for _, rule := range rules.Status.ResourceRules {
		if fmt.Sprint(rule.Verbs, rule.Resources) == "[list] [configmaps]" {
			return nil
		}
	}
	return fmt.Errorf("jane's rules are %+v", rules.Status.ResourceRules)
}
