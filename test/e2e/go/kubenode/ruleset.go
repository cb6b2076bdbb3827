// The rules that a set of NetworkPolicies means for the pods of one node (https://kubernetes.io/docs/concepts/services-networking/network-policies/).
//
// A pod that no policy selects may do everything. Otherwise what no rule lets through is dropped without a word, as most network
// plugins do. The node itself always reaches its pods, answers always come back, and a pod reaches itself. Kube-proxy has put the pod's
// address in the place of the Service's before these rules are asked. IPv4 only, which is all that this cluster has.
package main

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

type cluster struct {
	policies   []*networking.NetworkPolicy
	namespaces map[string]labels.Set
	// By address: those that have one of their own.
	pods map[string]*core.Pod
}

func look(policies list[*networking.NetworkPolicy], namespaces list[*core.Namespace], pods list[*core.Pod]) (*cluster, error) {
	seen := &cluster{namespaces: map[string]labels.Set{}, pods: map[string]*core.Pod{}}
	var err error
	if seen.policies, err = policies(labels.Everything()); err != nil {
		return nil, err
	}
	slices.SortFunc(seen.policies, func(a, b *networking.NetworkPolicy) int {
		return strings.Compare(a.Namespace+"/"+a.Name, b.Namespace+"/"+b.Name)
	})
	allNamespaces, err := namespaces(labels.Everything())
	if err != nil {
		return nil, err
	}
	for _, namespace := range allNamespaces {
		seen.namespaces[namespace.Name] = namespace.Labels
	}
	allPods, err := pods(labels.Everything())
	if err != nil {
		return nil, err
	}
	for _, pod := range allPods {
		address := pod.Status.PodIP
		ended := pod.Status.Phase == core.PodSucceeded || pod.Status.Phase == core.PodFailed
		if address == "" || ended || pod.Spec.HostNetwork {
			continue
		}
		// An address that has been given anew may for a moment be that of its former owner too.
		if other, taken := seen.pods[address]; !taken || other.CreationTimestamp.Before(&pod.CreationTimestamp) {
			seen.pods[address] = pod
		}
	}
	return seen, nil
}

// A direction of traffic as a selected pod sees it.
type direction struct {
	kind  networking.PolicyType
	chain string
	// What the packet has of the pod itself, and of the one at the other end.
	own, other string
}

var directions = []direction{
	{networking.PolicyTypeEgress, "leaving", "saddr", "daddr"},
	{networking.PolicyTypeIngress, "arriving", "daddr", "saddr"},
}

const tableName = "ip network-policy"

// As nft reads it: in place of the table that is there.
func (c *cluster) table() (string, error) {
	var chains, gates strings.Builder
	for _, way := range directions {
		var doors []string
		for _, address := range slices.Sorted(maps.Keys(c.pods)) {
			rules, selected, err := c.rulesOf(address, way)
			if err != nil {
				return "", err
			}
			if !selected {
				continue
			}
			name := way.chain + "-" + address
			fmt.Fprintf(&chains, "\tchain %s {\n\t\t%s\n\t}\n", name, strings.Join(append(rules, "counter drop"), "\n\t\t"))
			doors = append(doors, address+" : jump "+name)
		}
		if len(doors) > 0 {
			fmt.Fprintf(&gates, "\t\tip %s vmap { %s }\n", way.own, strings.Join(doors, ", "))
		}
	}
	var hooks strings.Builder
	for _, hook := range []string{"forward", "input"} {
		fmt.Fprintf(&hooks, "\tchain %s {\n\t\ttype filter hook %s priority filter; policy accept;\n\t\tjump check\n\t}\n", hook, hook)
	}
	return fmt.Sprintf("table %[1]s\ndelete table %[1]s\ntable %[1]s {\n%[2]s\tchain check {\n\t\tct state established,related accept\n%[3]s\t}\n%[4]s}\n",
		tableName, chains.String(), gates.String(), hooks.String()), nil
}

// What lets packets of one pod pass in one direction; whether any policy speaks of it.
func (c *cluster) rulesOf(address string, way direction) (rules []string, selected bool, err error) {
	pod := c.pods[address]
	rules = []string{fmt.Sprintf("ip %s %s return", way.other, address)}
	for _, policy := range c.policies {
		selects, err := meta.LabelSelectorAsSelector(&policy.Spec.PodSelector)
		if err != nil {
			return nil, false, err
		}
		if policy.Namespace != pod.Namespace || !selects.Matches(labels.Set(pod.Labels)) || !slices.Contains(policy.Spec.PolicyTypes, way.kind) {
			continue
		}
		selected = true
		for _, rule := range rulesIn(policy, way.kind) {
			peers, err := c.peers(policy.Namespace, rule.peers, way.other)
			if err != nil {
				return nil, false, err
			}
			for _, peer := range peers {
				for _, port := range c.ports(rule.ports, address, way.kind) {
					rules = append(rules, strings.Join(append(append(peer, port...), "return"), " "))
				}
			}
		}
	}
	return rules, selected, nil
}

// Ingress and egress rules have the same two parts under different names.
type rule struct {
	peers []networking.NetworkPolicyPeer
	ports []networking.NetworkPolicyPort
}

func rulesIn(policy *networking.NetworkPolicy, kind networking.PolicyType) (rules []rule) {
	if kind == networking.PolicyTypeIngress {
		for _, ingress := range policy.Spec.Ingress {
			rules = append(rules, rule{ingress.From, ingress.Ports})
		}
		return rules
	}
	for _, egress := range policy.Spec.Egress {
		rules = append(rules, rule{egress.To, egress.Ports})
	}
	return rules
}

// Matches of which one must hold, each in parts; none at all matches everybody.
func (c *cluster) peers(namespace string, peers []networking.NetworkPolicyPeer, field string) ([][]string, error) {
	if len(peers) == 0 {
		return [][]string{{}}, nil
	}
	var matches [][]string
	for _, peer := range peers {
		if peer.IPBlock != nil {
			match, err := blockMatch(peer.IPBlock, field)
			if err != nil {
				return nil, err
			}
			if match != nil {
				matches = append(matches, match)
			}
			continue
		}
		addresses, err := c.addresses(namespace, peer)
		if err != nil {
			return nil, err
		}
		if len(addresses) > 0 {
			matches = append(matches, []string{fmt.Sprintf("ip %s { %s }", field, strings.Join(addresses, ", "))})
		}
	}
	return matches, nil
}

func blockMatch(block *networking.IPBlock, field string) ([]string, error) {
	prefix, err := netip.ParsePrefix(block.CIDR)
	if err != nil {
		return nil, err
	}
	if !prefix.Addr().Is4() {
		return nil, nil
	}
	match := []string{fmt.Sprintf("ip %s %s", field, prefix.Masked())}
	for _, except := range block.Except {
		match = append(match, fmt.Sprintf("ip %s != %s", field, except))
	}
	return match, nil
}

func (c *cluster) addresses(namespace string, peer networking.NetworkPolicyPeer) ([]string, error) {
	isNamespace := func(name string) bool { return name == namespace }
	if peer.NamespaceSelector != nil {
		selects, err := meta.LabelSelectorAsSelector(peer.NamespaceSelector)
		if err != nil {
			return nil, err
		}
		isNamespace = func(name string) bool { return selects.Matches(c.namespaces[name]) }
	}
	isPod := labels.Everything()
	if peer.PodSelector != nil {
		selects, err := meta.LabelSelectorAsSelector(peer.PodSelector)
		if err != nil {
			return nil, err
		}
		isPod = selects
	}
	var addresses []string
	for _, address := range slices.Sorted(maps.Keys(c.pods)) {
		if pod := c.pods[address]; isNamespace(pod.Namespace) && isPod.Matches(labels.Set(pod.Labels)) {
			addresses = append(addresses, address)
		}
	}
	return addresses, nil
}

// Matches of which one must hold, each in parts; none at all matches every port. A name is a port of the pod that is called.
func (c *cluster) ports(ports []networking.NetworkPolicyPort, address string, kind networking.PolicyType) [][]string {
	if len(ports) == 0 {
		return [][]string{{}}
	}
	var matches [][]string
	for _, port := range ports {
		protocol := "tcp"
		if port.Protocol != nil {
			protocol = strings.ToLower(string(*port.Protocol))
		}
		switch {
		case port.Port == nil:
			matches = append(matches, []string{"meta l4proto " + protocol})
		case port.Port.Type == intstr.Int && port.EndPort != nil:
			matches = append(matches, []string{fmt.Sprintf("%s dport %d-%d", protocol, port.Port.IntVal, *port.EndPort)})
		case port.Port.Type == intstr.Int:
			matches = append(matches, []string{fmt.Sprintf("%s dport %d", protocol, port.Port.IntVal)})
		default:
			called := []string{address}
			if kind == networking.PolicyTypeEgress {
				called = slices.Sorted(maps.Keys(c.pods))
			}
			for _, callee := range called {
				for _, number := range numbers(c.pods[callee], port.Port.StrVal, protocol) {
					matches = append(matches, []string{"ip daddr " + callee, fmt.Sprintf("%s dport %d", protocol, number)})
				}
			}
		}
	}
	return matches
}

func numbers(pod *core.Pod, name, protocol string) (numbers []int32) {
	for _, container := range append(slices.Clone(pod.Spec.InitContainers), pod.Spec.Containers...) {
		for _, port := range container.Ports {
			if port.Name == name && strings.EqualFold(string(port.Protocol), protocol) {
				numbers = append(numbers, port.ContainerPort)
			}
		}
	}
	return numbers
}
