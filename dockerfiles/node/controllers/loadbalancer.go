package controllers

import (
	"context"
	"fmt"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	corelisters "k8s.io/client-go/listers/core/v1"
	cloudprovider "k8s.io/cloud-provider"
)

// apiServerPort is taken on every address of the node.
const apiServerPort = 6443

// nodeLoadBalancer is a cloud whose only service is the load balancer, and whose only load balancer is the node itself:
// kube-proxy forwards what reaches the address and port in a Service's status.
type nodeLoadBalancer struct {
	address  string
	services corelisters.ServiceLister
}

var (
	_ cloudprovider.Interface    = (*nodeLoadBalancer)(nil)
	_ cloudprovider.LoadBalancer = (*nodeLoadBalancer)(nil)
)

// GetLoadBalancer returns the status that a Service has, or would have.
func (n *nodeLoadBalancer) GetLoadBalancer(_ context.Context, _ string, service *v1.Service) (*v1.LoadBalancerStatus, bool, error) {
	return n.status(), hasAddress(service), nil
}

// GetLoadBalancerName returns the default name; nothing here is found by it.
func (n *nodeLoadBalancer) GetLoadBalancerName(_ context.Context, _ string, service *v1.Service) string {
	return cloudprovider.DefaultLoadBalancerName(service)
}

// EnsureLoadBalancer returns the node's address, or an error when one of the Service's ports is taken on it. The error
// becomes an event of the Service, and the controller tries again.
func (n *nodeLoadBalancer) EnsureLoadBalancer(_ context.Context, _ string, service *v1.Service, _ []*v1.Node) (*v1.LoadBalancerStatus, error) {
	others, err := n.services.List(labels.Everything())
	if err != nil {
		return nil, err
	}
	for _, port := range service.Spec.Ports {
		if port.Port == apiServerPort && port.Protocol == v1.ProtocolTCP {
			return nil, fmt.Errorf("port %d of the node belongs to the API server; choose another port", port.Port)
		}
		if holder := holderOf(port, service, others); holder != nil {
			return nil, fmt.Errorf("port %d/%s of the node belongs to the Service %s/%s; choose another port",
				port.Port, port.Protocol, holder.Namespace, holder.Name)
		}
	}
	return n.status(), nil
}

// UpdateLoadBalancer does nothing: the node is the only one.
func (n *nodeLoadBalancer) UpdateLoadBalancer(context.Context, string, *v1.Service, []*v1.Node) error {
	return nil
}

// EnsureLoadBalancerDeleted does nothing: kube-proxy forgets the address with the Service's status.
func (n *nodeLoadBalancer) EnsureLoadBalancerDeleted(context.Context, string, *v1.Service) error {
	return nil
}

func (n *nodeLoadBalancer) status() *v1.LoadBalancerStatus {
	return &v1.LoadBalancerStatus{Ingress: []v1.LoadBalancerIngress{{IP: n.address}}}
}

// holderOf returns the other Service that has the port on the node's address already, or nil.
func holderOf(port v1.ServicePort, service *v1.Service, others []*v1.Service) *v1.Service {
	for _, other := range others {
		if other.UID == service.UID || !hasAddress(other) {
			continue
		}
		for _, taken := range other.Spec.Ports {
			if taken.Port == port.Port && taken.Protocol == port.Protocol {
				return other
			}
		}
	}
	return nil
}

func hasAddress(service *v1.Service) bool {
	return service.Spec.Type == v1.ServiceTypeLoadBalancer && len(service.Status.LoadBalancer.Ingress) > 0
}

// Initialize has nothing to prepare.
func (n *nodeLoadBalancer) Initialize(cloudprovider.ControllerClientBuilder, <-chan struct{}) {}

// LoadBalancer returns the one thing that this cloud has.
func (n *nodeLoadBalancer) LoadBalancer() (cloudprovider.LoadBalancer, bool) { return n, true }

// Instances is not supported.
func (n *nodeLoadBalancer) Instances() (cloudprovider.Instances, bool) { return nil, false }

// InstancesV2 is not supported.
func (n *nodeLoadBalancer) InstancesV2() (cloudprovider.InstancesV2, bool) { return nil, false }

// Zones is not supported.
func (n *nodeLoadBalancer) Zones() (cloudprovider.Zones, bool) { return nil, false }

// Clusters is not supported.
func (n *nodeLoadBalancer) Clusters() (cloudprovider.Clusters, bool) { return nil, false }

// Routes is not supported.
func (n *nodeLoadBalancer) Routes() (cloudprovider.Routes, bool) { return nil, false }

// ProviderName returns the name that logs show.
func (n *nodeLoadBalancer) ProviderName() string { return clusterName }

// HasClusterID is true: there is one cluster.
func (n *nodeLoadBalancer) HasClusterID() bool { return true }
