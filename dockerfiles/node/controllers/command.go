// Package controllers holds what a cloud or a storage driver does on other clusters: addresses of LoadBalancer Services
// and volumes for claims. One process runs both.
package controllers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apiserver/pkg/server"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/cloud-provider/controllers/service"
	"k8s.io/component-base/metrics/prometheus/controllers"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

const (
	resync      = 10 * time.Minute
	workers     = 2
	clusterName = "dockyard"
)

type options struct {
	kubeconfig string
	node       string
	address    string
	volumes    string
	health     string
}

// NewCommand returns the command of the component node-controllers.
func NewCommand() *cobra.Command {
	o := options{}
	command := &cobra.Command{
		Use:          "node-controllers",
		Short:        "Gives LoadBalancer Services the node's address, and claims a folder of the node as their volume",
		Args:         cobra.NoArgs,
		SilenceUsage: true,
		RunE:         func(*cobra.Command, []string) error { return o.run() },
	}
	flags := command.Flags()
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "file that says how to reach the API server")
	flags.StringVar(&o.node, "node", "", "name of the node")
	flags.StringVar(&o.address, "load-balancer-address", "", "address of the node that LoadBalancer Services get")
	flags.StringVar(&o.volumes, "volumes", "", "folder that holds one folder a volume")
	flags.StringVar(&o.health, "health-address", "", "address and port that answers /healthz while the process works")
	return command
}

func (o options) run() error {
	config, err := clientcmd.BuildConfigFromFlags("", o.kubeconfig)
	if err != nil {
		return err
	}
	config.UserAgent = "node-controllers"
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	ctx := server.SetupSignalContext()
	shared := informers.NewSharedInformerFactory(client, resync)
	balancer := &nodeLoadBalancer{address: o.address, services: shared.Core().V1().Services().Lister()}
	balancers, err := service.New(balancer, client, shared.Core().V1().Services(), shared.Core().V1().Nodes(),
		clusterName, utilfeature.DefaultFeatureGate)
	if err != nil {
		return fmt.Errorf("load balancers: %w", err)
	}
	provisioner := folderProvisioner{root: o.volumes, node: o.node}
	volumes := controller.NewProvisionController(ctx, client, provisionerName, provisioner,
		controller.LeaderElection(false))
	shared.Start(ctx.Done())
	go balancers.Run(ctx, workers, controllers.NewControllerManagerMetrics("node-controllers"))
	go volumes.Run(ctx)
	return serveHealth(ctx, o.health)
}

// serveHealth answers /healthz until the context ends.
func serveHealth(ctx context.Context, address string) error {
	handler := http.NewServeMux()
	handler.HandleFunc("/healthz", func(http.ResponseWriter, *http.Request) {})
	health := &http.Server{Addr: address, Handler: handler, ReadHeaderTimeout: time.Second}
	go func() {
		<-ctx.Done()
		_ = health.Close()
	}()
	if err := health.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
