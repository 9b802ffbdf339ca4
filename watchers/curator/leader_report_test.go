package curator

import (
	"crypto/ed25519"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"testing"

	"github.com/nodedns/nodedns/watchers/curator/internal/curatorpb"
	"github.com/nodedns/nodedns/zone"
)

const (
	one   = zone.ID("metropolis-00000000000000000000000000000001")
	two   = zone.ID("metropolis-00000000000000000000000000000002")
	three = zone.ID("metropolis-00000000000000000000000000000003")
)

// by is a curator's report, in short.
func by(self, leader zone.ID) leaderReport {
	return leaderReport{endpoint: Endpoint{host: string(self), node: self, port: DefaultPort}, self: self, leader: leader}
}

func TestElect(t *testing.T) {
	t.Parallel()
	mute := by(one, one)
	mute.failure = errors.New("lost").Error()
	again := by(one, two)
	again.endpoint = Endpoint{host: "192.0.2.1", port: 1}
	for name, test := range map[string]struct {
		reports []leaderReport
		present zone.ID
		want    zone.ID
	}{
		"nobody speaks":                     {nil, one, ""},
		"an election is on":                 {[]leaderReport{by(one, ""), by(two, "")}, one, ""},
		"the leader alone":                  {[]leaderReport{by(one, one)}, "", one},
		"all agree":                         {[]leaderReport{by(one, two), by(two, two), by(three, two)}, one, two},
		"two claim, one follows":            {[]leaderReport{by(one, one), by(two, two), by(three, two)}, one, two},
		"a tie, the present one stays":      {[]leaderReport{by(one, one), by(two, two)}, two, two},
		"a tie, and the other one":          {[]leaderReport{by(one, one), by(two, two)}, one, one},
		"a tie of strangers":                {[]leaderReport{by(one, one), by(two, two)}, three, one},
		"a tie, one of them says so itself": {[]leaderReport{by(three, one), by(two, two)}, "", two},
		"who is not heard has no vote":      {[]leaderReport{mute, by(two, two)}, one, two},
		"nor has anybody two":               {[]leaderReport{by(one, one), again, by(three, one)}, two, one},
		"one that nobody hears":             {[]leaderReport{by(one, three), by(two, three)}, one, three},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := majority(test.reports, test.present); got != test.want {
				t.Errorf("elected %q, want %q", got, test.want)
			}
		})
	}
}

// While no leader is known, as with older curators, the endpoint that worked last
// is tried first, whatever the order of their addresses.
func TestWaysWithoutALeader(t *testing.T) {
	t.Parallel()
	w, err := New(Config{Prefix: prefix, Insecure: true, Endpoints: endpointsAt("127.0.0.1:1", "127.0.0.1:2")}, newRecorder())
	must(t, err)
	c := newLeaderTracker(w, w.plan)
	for _, endpoint := range w.plan.endpoints {
		c.update(t.Context(), leaderReport{endpoint: endpoint, failure: "it is an older one"})
	}
	last := w.plan.endpoints[1]
	c.prefer(last)
	if candidates, _ := c.candidates(); len(candidates) != 2 || candidates[0].endpoint != last {
		t.Errorf("ways %+v", candidates)
	}
}

func TestUnderstand(t *testing.T) {
	t.Parallel()
	asked := Endpoint{host: "192.0.2.9", port: 7835}
	key, _, err := ed25519.GenerateKey(nil)
	must(t, err)
	certified := &x509.Certificate{PublicKey: key, Subject: pkix.Name{CommonName: string(two)}}
	for name, test := range map[string]struct {
		says     *curatorpb.GetCurrentLeaderResponse
		peer     *x509.Certificate
		insecure bool
		want     leaderReport
	}{
		"nothing": {&curatorpb.GetCurrentLeaderResponse{}, nil, false, leaderReport{}},
		"a follower": {
			&curatorpb.GetCurrentLeaderResponse{LeaderNodeId: string(one), LeaderHost: "2001:db8::1", LeaderPort: 99, ThisNodeId: string(two)},
			nil, false,
			leaderReport{leader: one, self: two, at: Endpoint{host: "2001:db8::1", port: 99}},
		},
		"without a port": {
			&curatorpb.GetCurrentLeaderResponse{LeaderNodeId: string(one), LeaderHost: string(one), ThisNodeId: string(two)},
			nil, false,
			leaderReport{leader: one, self: two, at: Endpoint{host: string(one), node: one, port: DefaultPort}},
		},
		"the certificate is believed": {
			&curatorpb.GetCurrentLeaderResponse{LeaderNodeId: string(one), ThisNodeId: string(one)}, certified, false,
			leaderReport{leader: one, self: prefix.FromPublicKey(key)},
		},
		"nonsense": {
			&curatorpb.GetCurrentLeaderResponse{LeaderNodeId: "king", LeaderHost: "h", LeaderPort: 1, ThisNodeId: "\xff"},
			nil, false,
			leaderReport{},
		},
		"an impossible place": {
			&curatorpb.GetCurrentLeaderResponse{LeaderNodeId: string(one), LeaderHost: "a b", LeaderPort: -1},
			nil, false,
			leaderReport{leader: one},
		},
		"plain text elsewhere": {
			&curatorpb.GetCurrentLeaderResponse{LeaderNodeId: string(one), LeaderHost: "192.0.2.1", LeaderPort: 1},
			nil, true,
			leaderReport{leader: one},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.want.endpoint = asked
			if got := parseReport(asked, test.says, test.peer, prefix, test.insecure); got != test.want {
				t.Errorf("understood %+v, want %+v", got, test.want)
			}
		})
	}
}
