// A device plugin whose devices are /dev/null: what is scheduled, admitted and allocated is real, the devices are not.
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	v1 "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
)

const socketName = "simulated.sock"

func newDevicePluginCommand() *cobra.Command {
	var resource string
	var count int
	command := &cobra.Command{
		Use:          "device-plugin",
		SilenceUsage: true,
		RunE:         func(*cobra.Command, []string) error { return serveDevices(resource, count) },
	}
	command.Flags().StringVar(&resource, "resource", "nvidia.com/gpu", "name of the resource")
	command.Flags().IntVar(&count, "count", 1, "how many devices there are")
	return command
}

// Offers the devices until the kubelet starts anew, which empties the folder of the sockets: whoever runs this starts it again.
func serveDevices(resource string, count int) error {
	socket := filepath.Join(v1.DevicePluginPath, socketName)
	if err := os.Remove(socket); err != nil && !os.IsNotExist(err) {
		return err
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	v1.RegisterDevicePluginServer(server, &devices{count: count})
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	if err := register(resource); err != nil {
		return err
	}
	for {
		select {
		case err := <-ended:
			return err
		case <-time.After(time.Second):
			if _, err := os.Stat(socket); err != nil {
				return fmt.Errorf("the kubelet has started anew: %w", err)
			}
		}
	}
}

func register(resource string) error {
	connection, err := grpc.NewClient("unix://"+v1.KubeletSocket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	deadline, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	request := &v1.RegisterRequest{Version: v1.Version, Endpoint: socketName, ResourceName: resource}
	_, err = v1.NewRegistrationClient(connection).Register(deadline, request)
	return err
}

type devices struct {
	v1.UnimplementedDevicePluginServer
	count int
}

func (d *devices) GetDevicePluginOptions(context.Context, *v1.Empty) (*v1.DevicePluginOptions, error) {
	return &v1.DevicePluginOptions{}, nil
}

func (d *devices) ListAndWatch(_ *v1.Empty, stream grpc.ServerStreamingServer[v1.ListAndWatchResponse]) error {
	answer := &v1.ListAndWatchResponse{}
	for index := range d.count {
		answer.Devices = append(answer.Devices, &v1.Device{ID: fmt.Sprintf("simulated-%d", index), Health: v1.Healthy})
	}
	if err := stream.Send(answer); err != nil {
		return err
	}
	<-stream.Context().Done()
	return nil
}

// As NVIDIA's own plugin does: the ids in the variable that its container toolkit reads, and a file per device.
func (d *devices) Allocate(_ context.Context, request *v1.AllocateRequest) (*v1.AllocateResponse, error) {
	answer := &v1.AllocateResponse{}
	for _, container := range request.ContainerRequests {
		allocated := &v1.ContainerAllocateResponse{
			Envs: map[string]string{"NVIDIA_VISIBLE_DEVICES": strings.Join(container.DevicesIds, ",")},
		}
		for _, id := range container.DevicesIds {
			path := "/dev/nvidia" + strings.TrimPrefix(id, "simulated-")
			device := &v1.DeviceSpec{HostPath: "/dev/null", ContainerPath: path, Permissions: "rw"}
			allocated.Devices = append(allocated.Devices, device)
		}
		answer.ContainerResponses = append(answer.ContainerResponses, allocated)
	}
	return answer, nil
}
