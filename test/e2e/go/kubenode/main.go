// What runs on a node beside the container runtime: kubelet, kube-proxy, an enforcer of NetworkPolicy and a device plugin without
// devices, in one binary. Which of them it is, the name says that the file is called by (a symbolic link each) or, failing that, the
// first argument.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

// Constructors, not commands: building a command registers flags and metrics that the others must not see.
var programs = map[string]func() *cobra.Command{
	"kubelet":        func() *cobra.Command { return kubelet.NewKubeletCommand(context.Background()) },
	"kube-proxy":     func() *cobra.Command { return proxy.NewProxyCommand() },
	"device-plugin":  newDevicePluginCommand,
	"network-policy": newNetworkPolicyCommand,
}

func main() {
	name := filepath.Base(os.Args[0])
	build, ok := programs[name]
	if !ok && len(os.Args) > 1 {
		name, os.Args = os.Args[1], os.Args[1:]
		build, ok = programs[name]
	}
	if !ok {
		fmt.Fprintf(os.Stderr, "unknown program %q: call this file as kubelet, kube-proxy, network-policy or device-plugin\n", name)
		os.Exit(2)
	}
	os.Exit(cli.Run(build()))
}
