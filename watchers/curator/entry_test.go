package curator

import (
	"reflect"
	"testing"

	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/watchers/curator/internal/curatorpb"
	"github.com/nodedns/nodedns/zone"
)

func TestEntries(t *testing.T) {
	t.Parallel()
	curatorAt := func(port int32) *curatorpb.NodeStatus {
		return &curatorpb.NodeStatus{RunningCurator: &curatorpb.NodeStatus_RunningCurator{Port: port}}
	}
	for name, test := range map[string]struct {
		node *curatorpb.Node
		want zone.Entry
	}{
		"nil":            {nil, zone.Entry{}},
		"no status":      {&curatorpb.Node{Id: "a"}, zone.Entry{ID: "a"}},
		"empty address":  {&curatorpb.Node{Id: "a", Status: &curatorpb.NodeStatus{}}, zone.Entry{ID: "a"}},
		"ID as spelled":  {&curatorpb.Node{Id: " Metropolis-AB\x00"}, zone.Entry{ID: " Metropolis-AB\x00"}},
		"address":        {&curatorpb.Node{Status: &curatorpb.NodeStatus{ExternalAddress: "127.0.0.1"}}, zone.Entry{Addresses: testkit.Addrs("127.0.0.1")}},
		"no address":     {&curatorpb.Node{Status: &curatorpb.NodeStatus{ExternalAddress: "no address"}}, zone.Entry{Malformed: "no address"}},
		"port":           {&curatorpb.Node{Status: curatorAt(65535)}, zone.Entry{CuratorPort: 65535}},
		"port too large": {&curatorpb.Node{Status: curatorAt(65536)}, zone.Entry{}},
		"port negative":  {&curatorpb.Node{Status: curatorAt(-1)}, zone.Entry{}},
		"no roles":       {&curatorpb.Node{Roles: &curatorpb.NodeRoles{}}, zone.Entry{}},
		"consensus":      {&curatorpb.Node{Roles: &curatorpb.NodeRoles{ConsensusMember: &curatorpb.NodeRoles_ConsensusMember{}}}, zone.Entry{Roles: zone.ConsensusMember}},
		"controller":     {&curatorpb.Node{Roles: &curatorpb.NodeRoles{KubernetesController: &curatorpb.NodeRoles_KubernetesController{}}}, zone.Entry{Roles: zone.KubernetesController}},
		"worker":         {&curatorpb.Node{Roles: &curatorpb.NodeRoles{KubernetesWorker: &curatorpb.NodeRoles_KubernetesWorker{}}}, zone.Entry{Roles: zone.KubernetesWorker}},
		"new":            {&curatorpb.Node{State: curatorpb.NodeState_NODE_STATE_NEW}, zone.Entry{State: zone.StateNew}},
		"standby":        {&curatorpb.Node{State: curatorpb.NodeState_NODE_STATE_STANDBY}, zone.Entry{State: zone.StateStandby}},
		"up":             {&curatorpb.Node{State: curatorpb.NodeState_NODE_STATE_UP}, zone.Entry{State: zone.StateUp}},
		"decommissioned": {&curatorpb.Node{State: curatorpb.NodeState_NODE_STATE_DECOMMISSIONED}, zone.Entry{State: zone.StateDecommissioned}},
		"later state":    {&curatorpb.Node{State: 99}, zone.Entry{State: zone.StateUnknown}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := entries([]*curatorpb.Node{test.node}); !reflect.DeepEqual(got, []zone.Entry{test.want}) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}
