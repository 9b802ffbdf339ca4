package curator

import (
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/nodedns/nodedns/watchers/curator/internal/curatorpb"
	"github.com/nodedns/nodedns/zone"
)

// nodes is an event with workers, and with consensus members for negative
// numbers.
func nodes(ns ...int) *curatorpb.WatchEvent {
	event := &curatorpb.WatchEvent{}
	for _, n := range ns {
		node := &curatorpb.Node{Id: string(someID(max(n, -n))), Roles: &curatorpb.NodeRoles{}}
		if n < 0 {
			node.Roles.ConsensusMember = &curatorpb.NodeRoles_ConsensusMember{}
		}
		event.Nodes = append(event.Nodes, node)
	}
	return event
}

func ending(event *curatorpb.WatchEvent) *curatorpb.WatchEvent {
	event.Progress = curatorpb.WatchEvent_PROGRESS_LAST_BACKLOGGED
	return event
}

func gone(n int) *curatorpb.WatchEvent {
	return &curatorpb.WatchEvent{NodeTombstones: []*curatorpb.WatchEvent_NodeTombstone{{NodeId: string(someID(n))}}}
}

// The sender is node 1. What it may send, and which nodes may speak after it,
// depends on what it lists about itself.
func TestSenderListsItself(t *testing.T) {
	t.Parallel()
	const begin, end = "connected true, begin, ", ", connected false"
	stranger := []zone.ID(nil)
	member := []zone.ID{someID(1), someID(9)}
	for name, test := range map[string]struct {
		known   []zone.ID
		steps   []step
		story   string
		err     error  // or one with the reason
		reason  Reason //
		members string // afterwards
	}{
		"a stranger that is listed": {
			stranger,
			[]step{{0, nodes(-1, 2)}, {0, ending(nodes(3, -4))}},
			begin + "set 2, set 2, complete" + end, errLost, "", "1 4",
		},
		"a stranger that is listed late": {
			stranger, []step{{0, nodes(2)}, {0, nodes(-1)}, {0, marker}}, "", errAgain, "", "",
		},
		"a stranger that is not listed": {
			stranger, []step{{0, nodes(2)}, {0, ending(nodes(3, -4))}}, "", nil, ReasonNotMember, "",
		},
		"a stranger that is a worker": {
			stranger, []step{{0, ending(nodes(1, 2))}}, "", nil, ReasonNotMember, "",
		},
		"a stranger without a marker": {
			stranger, []step{{0, nodes(2)}, {firstEventTimeout + 1, nil}}, "", nil, ReasonNotMember, "",
		},
		"a stranger that is slow": {
			stranger, []step{{0, nodes(2)}, {firstEventTimeout - 1, nodes(-1)}}, "", errAgain, "", "",
		},
		"an older curator": {
			stranger, []step{{0, nodes(-1, 2)}, {backlogIdleTimeout + 1, nil}}, begin + "set 2, settle" + end, errLost, "", "1",
		},
		"a member": {
			member,
			[]step{{0, nodes(2)}, {0, ending(nodes(-1, -3))}},
			begin + "set 1, set 2, complete" + end, errLost, "", "1 3",
		},
		"a member that leaves itself out": {
			member, []step{{0, nodes(2)}, {0, ending(nodes(-3))}}, begin + "set 1, set 1" + end, nil, ReasonNotMember, "1 9",
		},
		"a member that is older": {
			member, []step{{0, nodes(-1, -2)}, {backlogIdleTimeout + 1, nodes(9)}}, begin + "set 2, settle, set 1" + end, errLost, "", "1 2 9",
		},
		"an older curator's new members": {
			member,
			[]step{{0, nodes(-1)}, {backlogIdleTimeout + 1, nodes(-3)}, {0, nodes(3)}},
			begin + "set 1, settle, set 1, set 1" + end, errLost, "", "1 3 9",
		},
		"a member that is slow": {
			member,
			[]step{{0, nodes(2)}, {backlogIdleTimeout + 1, ending(nodes(-1))}},
			begin + "set 1, settle, set 1, complete" + end, errLost, "", "1",
		},
		"a slow one's last members": {
			member,
			[]step{{0, nodes(-1)}, {backlogIdleTimeout + 1, ending(nodes(-3))}},
			begin + "set 1, settle, set 1, complete" + end, errLost, "", "1 3",
		},
		"a partial backlog": {
			member, []step{{0, nodes(-1, -2)}}, begin + "set 2" + end, errLost, "", "1 9",
		},
		"changes of roles": {
			member,
			[]step{{0, ending(nodes(-1, -2))}, {0, nodes(-3)}, {0, nodes(2)}, {0, nodes(-4)}, {0, gone(4)}, {0, nodes(1)}},
			begin + "set 2, complete, set 1, set 1, set 1, gone " + string(someID(4)) + ", set 1" + end, errLost, "", "3",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a := knowing(-1, test.known...)
				if len(test.known) == 0 {
					must(t, a.admit(bare, true, someID(1)))
				}
				r := newRecorder()
				s := stream{
					sink: r,
					authorize: func(*x509.Certificate) (*roster, error) {
						return &roster{authority: a, prefix: prefix, sender: someID(1), proven: a.isMember(someID(1))}, nil
					},
					began:  func(*x509.Certificate) {},
					event:  func(*curatorpb.WatchEvent) {},
					synced: func(string, bool) {},
				}
				err := s.run(t.Context(), script(test.steps))
				if test.reason == "" && !errors.Is(err, test.err) || reasonOf(err) != test.reason {
					t.Errorf("ended with %v, want %v %s", err, test.err, test.reason)
				}
				if r.story() != test.story {
					t.Errorf("told\n%q, want\n%q", r.story(), test.story)
				}
				if got := numbers(a.members); got != test.members {
					t.Errorf("members %s, want %s", got, test.members)
				}
			})
		})
	}
}

func numbers(ids map[zone.ID]bool) string {
	var all []string
	for _, id := range sorted(ids) {
		var n int
		_, _ = fmt.Sscanf(strings.TrimPrefix(string(id), string(prefix)), "%x", &n)
		all = append(all, fmt.Sprint(n))
	}
	return strings.Join(all, " ")
}
