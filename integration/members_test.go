package integration

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/testkit"
)

// believes fails unless the daemon holds exactly these nodes to be the members of
// the control plane.
func (m *machine) believes(members ...*member) error {
	var s struct {
		Curator struct {
			Members []struct {
				ID     string `json:"id"`
				Source string `json:"source"`
			} `json:"members"`
		} `json:"curator"`
	}
	if err := m.readStatus(&s); err != nil {
		return err
	}
	var got, want []string
	for _, member := range s.Curator.Members {
		got = append(got, member.ID)
	}
	for _, member := range members {
		want = append(want, member.id)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		return fmt.Errorf("the members are %v, want %v", got, want)
	}
	return nil
}

// replace makes a control plane of other members, in one step or in several, in
// each of which one joins before one leaves. Those that leave are killed, the
// leader too where it is one of them. The new leader is returned.
func (r *realm) replace(old, members []*member, atOnce bool) *member {
	r.t.Helper()
	joining, leaving := without(members, old), without(old, members)
	if atOnce {
		r.promote(r.awaitLeader().curator, joining...)
		return r.demote(members, leaving...)
	}
	for i := range max(len(joining), len(leaving)) {
		if i < len(joining) {
			r.promote(r.awaitLeader().curator, joining[i])
		}
		if i < len(leaving) {
			r.demote(members, leaving[i])
		}
	}
	return r.awaitLeader()
}

func without(all, some []*member) []*member {
	return slices.DeleteFunc(slices.Clone(all), func(m *member) bool { return slices.Contains(some, m) })
}

// promote makes workers members, whose curators are started.
func (r *realm) promote(leader *curator, workers ...*member) {
	r.t.Helper()
	for _, m := range workers {
		r.enter(leader, m, true)
		m.curator.launch()
	}
}

// demote removes members from the cluster. If that leads one that stays takes
// over first.
func (r *realm) demote(members []*member, leaving ...*member) *member {
	r.t.Helper()
	leader := r.awaitLeader()
	for _, m := range leaving {
		leader.curator.tell("remove %s", m.id)
	}
	for _, m := range append(without(leaving, []*member{leader}), leader) {
		if slices.Contains(leaving, m) {
			m.curator.kill()
		}
	}
	return r.awaitLeader()
}

// newChangingRealm has three members, two workers that can become members, and a
// victim that knows the addresses of the first three.
func newChangingRealm(t *testing.T) (r *realm, before, after []*member) {
	t.Helper()
	r = newRealm(t, 3, 3, 2)
	store := r.members[0].curator
	for _, m := range r.workers {
		m.curator = &curator{host: m.host, id: m.id, authority: store.authority, port: 7835, flags: slices.Clone(store.flags)}
		m.curator.flags[len(store.flags)-1] = m.path(keyFile)
		t.Cleanup(m.curator.kill)
	}
	return r, slices.Clone(r.members[:3]), append([]*member{r.members[2]}, r.workers...)
}

// {A, B, C} become {C, D, E}.
func TestMembersChange(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	for _, atOnce := range []bool{false, true} {
		for _, connected := range []bool{true, false} {
			if atOnce == connected && !testkit.Full() {
				continue // each once
			}
			t.Run(fmt.Sprintf("at once %v, connected %v", atOnce, connected), func(t *testing.T) {
				t.Parallel()
				r, before, after := newChangingRealm(t)
				r.bootVictim()
				eventually(t, "the members are known", func() error { return r.victim.believes(before...) })
				if !connected {
					r.victim.daemon.signal(unix.SIGTERM)
					r.victim.daemon.exit()
				}
				leader := r.replace(before, after, atOnce)
				if !connected {
					r.victim.boot()
				}
				eventually(t, "the leader is followed", func() error { return r.victim.followsMember(leader) })
				eventually(t, "the new members are known", func() error { return r.victim.believes(after...) })
				r.awaitMove(leader)
			})
		}
	}
}

// recovery is a way to recover where no known member is left.
type recovery struct {
	name  string
	flags []string
	// alone is whether that is all it takes.
	alone bool
	then  func(r *realm, leader *member)
}

var recoveries = []recovery{
	{"by itself", []string{"--curator.recover_after=2s"}, true, nil},
	{"trust", nil, false, func(r *realm, leader *member) { r.command("curator", "trust", leader.id) }},
	{"reset", nil, false, func(r *realm, _ *member) { r.command("curator", "reset") }},
}

// someRecoveries are the named ones, and with NODEDNS_FULL=1 all.
func someRecoveries(names ...string) []recovery {
	if testkit.Full() {
		return recoveries
	}
	return slices.DeleteFunc(slices.Clone(recoveries), func(way recovery) bool { return !slices.Contains(names, way.name) })
}

func (r *realm) command(words ...string) {
	r.t.Helper()
	_, err := r.victim.nodedns(append(words, "--config", configFile)...)
	must(r.t, err)
}

// recovers boots the victim, to which all members are strangers: it keeps its
// names, names what it sees, and recovers in each of the ways.
func (r *realm) recovers(leader *member, flags []string, alone bool, then func(*realm, *member)) {
	r.t.Helper()
	r.victim.daemon = r.victim.startDaemon(flags...)
	if !alone {
		eventually(r.t, "it is reached and refused", func() error { return r.victim.curatorIs("unauthorized") })
		r.resists(trueAddr)
		eventually(r.t, "it is refused still", func() error { return r.victim.curatorIs("unauthorized") })
		must(r.t, r.victim.daemon.logged(leader.id))
		must(r.t, r.victim.unwell("unauthorized"))
		then(r, leader)
	}
	eventually(r.t, "the leader is followed", func() error { return r.victim.followsMember(leader) })
	eventually(r.t, "the peer is known", func() error { return r.victim.resolves(r.peer, trueAddr) })
	r.awaitMove(leader)
}

// unwell fails unless the verdict has this reason.
func (m *machine) unwell(code string) error {
	var s struct {
		Verdict struct {
			Healthy bool                    `json:"healthy"`
			Reasons []struct{ Code string } `json:"reasons"`
		} `json:"verdict"`
	}
	if err := m.readStatus(&s); err != nil {
		return err
	}
	for _, reason := range s.Verdict.Reasons {
		if strings.Contains(reason.Code, code) && !s.Verdict.Healthy {
			return nil
		}
	}
	return fmt.Errorf("the verdict is %+v, want the reason %q", s.Verdict, code)
}

// All members are replaced while the node is off.
func TestAllMembersReplaced(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	for _, way := range someRecoveries("by itself") {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			r, before, _ := newChangingRealm(t)
			r.bootVictim()
			r.victim.daemon.signal(unix.SIGTERM)
			r.victim.daemon.exit()
			leader := r.replace(before, r.workers, true)
			r.follow(r.workers[0].addr.String()+":7835", r.workers[1].addr.String()+":7835")
			r.recovers(leader, way.flags, way.alone, way.then)
			eventually(t, "the new members are known", func() error { return r.victim.believes(r.workers...) })
		})
	}
}

// A control plane is restored from a backup, on a machine with another key, at
// the address of the old one. The CA is the same.
func TestRestoredOnNewKeys(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	for _, way := range someRecoveries("trust", "reset") {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			r := newRealm(t, 1, 1, 0)
			m := r.members[0]
			r.bootVictim()
			r.victim.daemon.signal(unix.SIGTERM)
			r.victim.daemon.exit()

			m.curator.tell("remove %s", m.id)
			m.curator.kill()
			m.id = m.identify()
			m.curator.launch()
			leader := r.awaitLeader()
			r.enter(leader.curator, leader, true)
			r.recovers(leader, way.flags, way.alone, way.then)
			eventually(t, "the new member is known", func() error { return r.victim.believes(leader) })
		})
	}
}

// Of two members one is lost: the other is trusted, though there is no majority
// of the known ones, and a worker that claims to lead is not.
func TestOneOfTwoMembersLost(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	r := newRealm(t, 2, 2, 1)
	usurpers := r.usurpers(r.workers...)
	r.bootVictim()
	old := r.awaitLeader()
	r.claim(old.curator, r.workers...)
	old.curator.kill()
	leader := r.awaitLeader()
	eventually(t, "the other one is followed", func() error { return r.victim.followsMember(leader) })
	r.awaitMove(leader)
	r.resists(movedAddr, usurpers...)
}

// A member loses its role while it leads, and leads on for a while. The node is
// not locked out, and ends with the next leader.
func TestLeaderLosesItsRole(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	r := newRealm(t, 3, 3, 0)
	r.bootVictim()
	old := r.awaitLeader()
	r.enter(old.curator, old, false)
	rest := without(r.curators(), []*member{old})
	r.resists(trueAddr)
	old.curator.kill()
	leader := r.awaitLeader()
	eventually(t, "the next leader is followed", func() error { return r.victim.followsMember(leader) })
	eventually(t, "it is no member any more", func() error { return r.victim.believes(rest...) })
	r.awaitMove(leader)

	// It comes back and claims to lead.
	usurper := r.usurp(old, old.path(credentialsDir))
	r.resists(movedAddr, usurper)
	must(t, r.victim.followsMember(leader))
}

// A first contact without a pin trusts any node of the cluster: that is the
// price of no pin, and it is logged. The data is checked again against the
// first backlog of those that an operator trusts.
func TestFirstContactWithAUsurper(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	r := newRealm(t, 1, 1, 1)
	leader := r.members[0]
	usurper := r.usurp(r.workers[0], r.workers[0].path(credentialsDir))
	invented := strangerID(t)
	usurper.tell("set %s %s", invented, markAddr)
	r.follow(r.workers[0].addr.String() + ":7835")
	r.victim.boot()
	eventually(t, "the usurper is believed", func() error { return r.victim.resolves(r.peer, falseAddr) })
	must(t, r.victim.daemon.logged(usurper.id))

	r.follow(leader.addr.String() + ":7835")
	r.victim.daemon.signal(unix.SIGHUP)
	usurper.kill()
	eventually(t, "the leader is reached and refused", func() error { return r.victim.curatorIs("unauthorized") })
	r.command("curator", "trust", leader.id)
	eventually(t, "the leader is followed", func() error { return r.victim.followsMember(leader) })
	eventually(t, "the peer is where it is", func() error { return r.victim.resolves(r.peer, trueAddr) })
	eventually(t, "what was invented has departed", func() error { return r.victim.remarks(3, "since ", invented) })
	eventually(t, "the member is known", func() error { return r.victim.believes(leader) })
}
