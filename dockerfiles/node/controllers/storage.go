package controllers

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

// provisionerName is what the StorageClass names.
const provisionerName = "dockyard.dev/folder"

// folderMode lets containers of every user write, as other provisioners of host folders do.
const folderMode = 0o777

// folderProvisioner makes a folder of the node for each claim. It has no size limit, and is removed with its volume
// when the reclaim policy is Delete.
type folderProvisioner struct {
	root string
	node string
}

var _ controller.Provisioner = folderProvisioner{}

// Provision makes the folder and returns a volume that points to it.
func (p folderProvisioner) Provision(_ context.Context, options controller.ProvisionOptions) (*v1.PersistentVolume, controller.ProvisioningState, error) {
	claim := options.PVC
	if claim.Spec.Selector != nil {
		return nil, controller.ProvisioningFinished, fmt.Errorf("a claim with a selector gets no volume from this StorageClass")
	}
	folder := filepath.Join(p.root, strings.Join([]string{options.PVName, claim.Namespace, claim.Name}, "_"))
	if err := os.MkdirAll(folder, folderMode); err != nil {
		return nil, controller.ProvisioningFinished, err
	}
	if err := os.Chmod(folder, folderMode); err != nil { // MkdirAll is subject to the umask
		return nil, controller.ProvisioningFinished, err
	}
	return p.volume(options, folder), controller.ProvisioningFinished, nil
}

// Delete removes the folder of a volume.
func (p folderProvisioner) Delete(_ context.Context, volume *v1.PersistentVolume) error {
	source := volume.Spec.HostPath
	if source == nil || filepath.Dir(source.Path) != filepath.Clean(p.root) {
		return &controller.IgnoredError{Reason: "the volume is not a folder of this provisioner"}
	}
	return os.RemoveAll(source.Path)
}

func (p folderProvisioner) volume(options controller.ProvisionOptions, folder string) *v1.PersistentVolume {
	directory := v1.HostPathDirectory
	return &v1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: options.PVName},
		Spec: v1.PersistentVolumeSpec{
			PersistentVolumeReclaimPolicy: *options.StorageClass.ReclaimPolicy,
			AccessModes:                   options.PVC.Spec.AccessModes,
			MountOptions:                  options.StorageClass.MountOptions,
			Capacity:                      v1.ResourceList{v1.ResourceStorage: options.PVC.Spec.Resources.Requests[v1.ResourceStorage]},
			PersistentVolumeSource: v1.PersistentVolumeSource{
				HostPath: &v1.HostPathVolumeSource{Path: folder, Type: &directory},
			},
			NodeAffinity: &v1.VolumeNodeAffinity{Required: p.here()},
		},
	}
}

// here selects the node that has the folder.
func (p folderProvisioner) here() *v1.NodeSelector {
	return &v1.NodeSelector{NodeSelectorTerms: []v1.NodeSelectorTerm{{
		MatchExpressions: []v1.NodeSelectorRequirement{{
			Key: v1.LabelHostname, Operator: v1.NodeSelectorOpIn, Values: []string{p.node},
		}},
	}}}
}
