package wire

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/cookie"
	"github.com/nodedns/nodedns/resolver/internal/decision"
)

// Each of the questions that aliases lead to has extended errors. The reply has those
// about the last of them, and is whole whatever its limit.
func TestExtendedErrorsOfManyHops(t *testing.T) {
	const hops, each = 16, 5
	w := &Replies{Cookies: cookie.New(), Now: time.Now}
	for _, limit := range []int{plainLimit, UDPLimit, TCPLimit} {
		r, err := Ask("www.example.org", "A")
		if err != nil {
			t.Fatal(err)
		}
		r.Limit = limit
		hop := func(r *Request, n int) *dns.Msg {
			var errors []*dns.EDNS0_EDE
			for range each {
				errors = append(errors, &dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeNetworkError, ExtraText: fmt.Sprint(n, strings.Repeat("x", 300))})
			}
			return w.Build(r, &decision.Verdict{Kind: decision.Bare, Rcode: dns.RcodeServerFailure}, errors...)
		}
		var join func(r *Request, n int) *dns.Msg
		join = func(r *Request, n int) *dns.Msg {
			head := hop(r, n)
			if n == hops {
				return head
			}
			rest, err := r.Behind("www.example.org", nil)
			if err != nil {
				t.Fatal(err)
			}
			w.Join(r, head, join(rest, n+1), rest)
			return head
		}
		m := join(r, 0)
		if last := r.Extended[len(r.Extended)-each:]; len(r.Extended) != maxExtended || slices.ContainsFunc(last, func(ede *dns.EDNS0_EDE) bool { return !strings.HasPrefix(ede.ExtraText, fmt.Sprint(hops)) }) {
			t.Errorf("%d errors, %v", len(r.Extended), last)
		}
		verdict := decision.Verdict{Reason: "unchanged"}
		packed, rcode := w.Encode(r, m, &verdict, nil)
		got := new(dns.Msg)
		if err := got.Unpack(packed); err != nil || len(packed) > limit || rcode != dns.RcodeServerFailure || verdict.Reason != "unchanged" || len(got.IsEdns0().Option) != maxExtended {
			t.Errorf("limit %d: %d octets, %v, %v\n%v", limit, len(packed), err, verdict.Reason, got)
		}
	}
}

// An extended error is no reason to take records out of an answer.
// Shows RFC 2181 9a.
// Shows RFC 8914 3b.
func TestExtendedErrorsGiveWayToRecords(t *testing.T) {
	w := &Replies{Cookies: cookie.New(), Now: time.Now}
	for _, text := range []int{300, 429, 430, 431, 432, 440, 450, 455} {
		r, err := Ask("a.example", "TXT")
		if err != nil {
			t.Fatal(err)
		}
		r.Limit = plainLimit
		r.Msg.Question[0].Name = "a.example."
		answer := new(dns.Msg).SetReply(&r.Msg)
		answer.Answer = []dns.RR{&dns.TXT{
			Hdr: dns.RR_Header{Name: "a.example.", Rrtype: dns.TypeTXT, Class: dns.ClassINET},
			Txt: []string{strings.Repeat("x", 200), strings.Repeat("x", text-200)},
		}}
		own := &dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeStaleAnswer, ExtraText: strings.Repeat("y", 100)}
		verdict := new(decision.Verdict)
		packed, _ := w.Encode(r, w.Rewrite(r, false, verdict, answer, own), verdict, nil)
		got := new(dns.Msg)
		if err := got.Unpack(packed); err != nil || got.Truncated || len(got.Answer) != 1 || got.IsEdns0() == nil {
			t.Errorf("%d octets of text: %v\n%v", text, err, got)
		}
	}
}
