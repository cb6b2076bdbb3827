// NetworkPolicy on the one node that there is: what the API server has of policies, namespaces and pods becomes one table of nftables,
// made anew and exchanged as a whole with every change.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
)

func newNetworkPolicyCommand() *cobra.Command {
	var kubeconfig string
	command := &cobra.Command{
		Use:          "network-policy",
		SilenceUsage: true,
		RunE: func(*cobra.Command, []string) error {
			ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			return enforce(ctx, kubeconfig)
		},
	}
	command.Flags().StringVar(&kubeconfig, "kubeconfig", "", "of somebody who may read policies, namespaces and pods")
	return command
}

// Returns with the first table that the kernel does not take; the one before it stays, and whoever runs this starts it again.
func enforce(ctx context.Context, kubeconfig string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	policies, namespaces, pods := factory.Networking().V1().NetworkPolicies(), factory.Core().V1().Namespaces(), factory.Core().V1().Pods()
	changed := make(chan struct{}, 1)
	notice := func(any) {
		select {
		case changed <- struct{}{}:
		default: // one is waiting already, and will see this one too
		}
	}
	handler := cache.ResourceEventHandlerFuncs{AddFunc: notice, DeleteFunc: notice, UpdateFunc: func(_, now any) { notice(now) }}
	for _, informer := range []cache.SharedIndexInformer{policies.Informer(), namespaces.Informer(), pods.Informer()} {
		if _, err := informer.AddEventHandler(handler); err != nil {
			return err
		}
	}
	factory.StartWithContext(ctx)
	factory.WaitForCacheSync(ctx.Done())
	notice(nil)
	loaded := ""
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
		seen, err := look(policies.Lister().List, namespaces.Lister().List, pods.Lister().List)
		if err != nil {
			return err
		}
		table, err := seen.table()
		if err != nil {
			return err
		}
		if table == loaded {
			continue
		}
		if err := load(ctx, table); err != nil {
			return err
		}
		loaded = table
		klog.InfoS("Exchanged the table", "policies", len(seen.policies), "pods", len(seen.pods))
	}
}

// One transaction of nft: packets meet the table before or the one after, and nothing in between.
func load(ctx context.Context, table string) error {
	command := exec.CommandContext(ctx, "nft", "-f", "-")
	command.Stdin = strings.NewReader(table)
	var words bytes.Buffer
	command.Stderr = &words
	if err := command.Run(); err != nil {
		return errors.Join(err, fmt.Errorf("nft says %s of\n%s", words.String(), table))
	}
	return nil
}

// What listers of client-go have as their method List.
type list[T any] func(labels.Selector) ([]T, error)
