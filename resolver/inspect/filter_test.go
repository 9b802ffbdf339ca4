package inspect

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/internal/querylog"
)

func TestChoice(t *testing.T) {
	t.Parallel()
	reply := new(dns.Msg).SetQuestion("Www.Example.ORG.", dns.TypeAAAA)
	reply.Response = true
	packed, err := reply.Pack()
	if err != nil {
		t.Fatal(err)
	}
	event := querylog.Entry{
		Client: netip.MustParseAddrPort("127.0.0.1:1234"), Rcode: dns.RcodeNameError,
		Source: decision.SourceCache, Reply: packed,
	}
	malformed := querylog.Entry{Rcode: dns.RcodeFormatError}
	tests := []struct {
		name   string
		choice QueryFilter
		want   bool // the event
		cut    bool // the malformed query
	}{
		{"all", QueryFilter{}, true, true},
		{"a part", QueryFilter{Name: "EXAMPLE"}, true, false},
		{"another part", QueryFilter{Name: "example.com"}, false, false},
		{"a pattern", QueryFilter{Name: "www.*.org."}, true, false},
		{"a pattern of less than the whole", QueryFilter{Name: "www.*.or"}, false, false},
		{"a type", QueryFilter{Types: []string{"A", "aaaa"}}, true, false},
		{"a type by number", QueryFilter{Types: []string{"TYPE28"}}, true, false},
		{"another type", QueryFilter{Types: []string{"A"}}, false, false},
		{"a code", QueryFilter{Rcodes: []string{"nxdomain"}}, true, false},
		{"other codes", QueryFilter{Rcodes: []string{"FORMERR", "BADVERS"}}, false, true},
		{"a source", QueryFilter{Sources: []string{"zone", "cache"}}, true, false},
		{"another source", QueryFilter{Sources: []string{"request"}}, false, true},
		{"a client", QueryFilter{Clients: []string{"127.0.0.1"}}, true, false},
		{"a network", QueryFilter{Clients: []string{"10.0.0.0/8", "127.1.2.3/8"}}, true, false},
		{"another client", QueryFilter{Clients: []string{"::1"}}, false, false},
		{"all of it", QueryFilter{Name: "www", Types: []string{"AAAA"}, Rcodes: []string{"NXDOMAIN"}, Sources: []string{"cache"}, Clients: []string{"127.0.0.1"}}, true, false},
		{"all but one", QueryFilter{Name: "www", Types: []string{"AAAA"}, Rcodes: []string{"NOERROR"}, Sources: []string{"cache"}}, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			filter, err := tt.choice.Filter()
			if err != nil {
				t.Fatal(err)
			}
			if got := filter(&event); got != tt.want {
				t.Errorf("the event: %v, want %v", got, tt.want)
			}
			if got := filter(&malformed); got != tt.cut {
				t.Errorf("the malformed query: %v, want %v", got, tt.cut)
			}
		})
	}
}

func TestChoiceThatCannotBe(t *testing.T) {
	t.Parallel()
	for want, choice := range map[string]QueryFilter{
		`name "[a"`:                   {Name: "[a"},
		`"AAAAA" is no type`:          {Types: []string{"A", "AAAAA"}},
		`"WRONG" is no response code`: {Rcodes: []string{"WRONG"}},
		`"moon" is no source`:         {Sources: []string{"moon"}},
		`"localhost" is no client`:    {Clients: []string{"localhost"}},
		`"127.0.0.1/33" is no client`: {Clients: []string{"127.0.0.1/33"}},
		`"" is no type`:               {Types: []string{""}},
	} {
		if _, err := choice.Filter(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got %v, want %s", choice, err, want)
		}
	}
}
