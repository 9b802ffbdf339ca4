package main

import (
	"context"
	"fmt"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/nodedns/nodedns/watchers/curator/internal/curatorpb"
	"github.com/nodedns/nodedns/watchers/curator/memory"
)

// leads reports whether this curator leads.
func (c *console) leads([]string) (string, error) {
	if c.server.Behaviour().Follower {
		return "no", nil
	}
	return "yes", nil
}

// leader sets the leader that the curator names while it follows.
func (c *console) leader(args []string) (string, error) {
	if len(args) != 1 && len(args) != 3 {
		return "", errUsage
	}
	var leader memory.Leader
	if args[0] != "-" {
		leader.ID = args[0]
	}
	if len(args) == 3 {
		port, err := parsePort(args[2])
		if err != nil {
			return "", err
		}
		leader.Host, leader.Port = args[1], port
	}
	c.server.SetLeader(leader)
	return "", nil
}

// reach asks the curator of another node for the leader, and resolves that by its
// ID as any program on this machine does.
func (c *console) reach(args []string) (string, error) {
	if len(args) != 2 || c.server.Credentials == nil {
		return "", errUsage
	}
	conn, err := grpc.NewClient("passthrough:///"+net.JoinHostPort(args[0], args[1]),
		grpc.WithTransportCredentials(credentials.NewTLS(c.server.Credentials.ClientConfig(c.prefix, nil))))
	if err != nil {
		return "", err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	stream, err := curatorpb.NewCuratorLocalClient(conn).GetCurrentLeader(ctx, &curatorpb.GetCurrentLeaderRequest{})
	if err != nil {
		return "", err
	}
	m, err := stream.Recv()
	if err != nil {
		return "", err
	}
	if m.GetThisNodeId() != args[0] {
		return "", fmt.Errorf("%s answers in the place of %s", m.GetThisNodeId(), args[0])
	}
	return m.GetLeaderNodeId(), nil
}
