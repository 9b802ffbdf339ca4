package verify

import (
	"context"
	"slices"
	"time"

	"github.com/nodedns/nodedns"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/control"
	"github.com/nodedns/nodedns/internal/retry"
	"github.com/nodedns/nodedns/resolver/inspect"
	"github.com/nodedns/nodedns/resolver/resolvconf"
	"github.com/nodedns/nodedns/zone/hostsfile"
)

// Daemon provides the zone. A [control.Client] is one.
type Daemon interface {
	Status(ctx context.Context) (nodedns.Status, error)
	Query(ctx context.Context, name, typ string) (inspect.Answer, error)
	Nodes(ctx context.Context, filter control.Filter, yield func(control.Node) error) error
}

// Config defines what is compared with what.
type Config struct {
	Daemon Daemon
	// All has every node queried over DNS, instead of a sample.
	All bool
	// Files are those that are managed.
	Files hostsfile.Config
	// ResolvConf is the machine's.
	ResolvConf resolvconf.Location
	// Varlink is the path of the socket, "" where there is none.
	Varlink string

	// wait is for tests, which do not wait for a file to be written.
	wait func(ctx context.Context, d time.Duration)
}

// verification is one run.
type verification struct {
	Config
	status nodedns.Status // at the start
	sample []control.Node
}

// Run makes all checks. The error means that the daemon cannot be queried, or
// that ctx has ended.
func Run(ctx context.Context, cfg Config) (Report, error) {
	if cfg.wait == nil {
		cfg.wait = retry.Sleep
	}
	keeper, err := hostsfile.New(cfg.Files)
	if err != nil {
		return Report{}, err
	}
	v := &verification{Config: cfg}
	zone, err := v.checkZone(ctx)
	if err != nil {
		return Report{}, err
	}
	report := Report{
		NodeID: v.status.NodeID, Serial: v.status.Serial,
		Nodes: total(v.status), Asked: len(v.sample),
		Checks: []Check{zone},
	}
	byDNS, err := v.checkListeners(ctx)
	if err != nil {
		return Report{}, err
	}
	byVarlink, err := v.checkVarlink(ctx)
	if err != nil {
		return Report{}, err
	}
	hosts, err := v.checkHosts(ctx, keeper)
	if err != nil {
		return Report{}, err
	}
	report.Checks = slices.Concat(report.Checks, byDNS, []Check{byVarlink, hosts}, v.checkIdentity(keeper), []Check{v.checkResolvConf()})
	report.Equal = report.Unequal() == 0
	return report, nil
}

// total is the number of the zone's nodes.
func total(s nodedns.Status) int { return s.Nodes.Live + s.Nodes.Departed }
