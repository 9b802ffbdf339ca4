package curator

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/nodedns/nodedns/watchers/curator/nodetls"
)

func TestFailureIsWorded(t *testing.T) {
	t.Parallel()
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	rule := &tls.CertificateVerificationError{Err: &nodetls.PeerError{Rule: nodetls.RuleLeaf, Found: "a CA certificate"}}
	for name, test := range map[string]struct {
		endpoint   string
		err        error
		text, kind string
	}{
		"end":            {"e", io.EOF, "curator e: the curator ended the stream", "e EOF"},
		"dialer":         {"", io.EOF, "curator by dialer: the curator ended the stream", " EOF"},
		"follower":       {"e", status.Error(codes.Unimplemented, "x"), "curator e: not the leader, it answers Unimplemented", "e Unimplemented"},
		"not allowed":    {"e", status.Error(codes.PermissionDenied, "x"), "curator e: it refuses this node (PermissionDenied: x): is the node still a member?", "e PermissionDenied"},
		"anything":       {"e", status.Error(codes.Internal, "x"), "curator e: Internal: x", "e Internal"},
		"not by gRPC":    {"e", errSilent, "curator e: " + errSilent.Error(), "e " + errSilent.Error()},
		"by the kernel":  {"e", refused, "curator e: dial tcp: connect: connection refused", "e connection refused"},
		"by our rules":   {"e", rule, "curator e: " + rule.Error(), "e " + string(nodetls.RuleLeaf)},
		"hostile":        {"e", status.Error(codes.Internal, "a\nb\x00\xff"), "curator e: Internal: a b ?", "e Internal"},
		"a long message": {"e", status.Error(codes.Internal, strings.Repeat("x", 1<<20)), "curator e: Internal: " + strings.Repeat("x", 300) + "…", "e Internal"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := &streamError{test.endpoint, test.err}
			if err.Error() != test.text {
				t.Errorf("text %q, want %q", err, test.text)
			}
			if err.kind() != test.kind {
				t.Errorf("kind %q, want %q", err.kind(), test.kind)
			}
			if !errors.Is(fmt.Errorf("wrapped: %w", err), test.err) {
				t.Error("the reason cannot be asked for")
			}
		})
	}
}

// However many kinds of failure a hostile curator makes up, the log is bounded.
func TestJournalIsBounded(t *testing.T) {
	t.Parallel()
	var log logbook
	var j failureLog
	for i := range 10 * maxKinds {
		j.failed(log.Logger(), &streamError{"e", fmt.Errorf("failure %d", i/2)}, false)
	}
	if lines := strings.Count(log.String(), "\n"); lines != maxKinds {
		t.Errorf("%d lines, want %d", lines, maxKinds)
	}
	j.idle(log.Logger(), StateOff, "nothing")
	j.idle(log.Logger(), StateOff, "nothing")
	if lines := strings.Count(log.String(), "\n"); lines != maxKinds+1 {
		t.Errorf("%d lines, want one more for a state that lasts", lines-maxKinds)
	}
	j.connected(log.Logger(), "e", nil)
	before := strings.Count(log.String(), "\n")
	j.failed(log.Logger(), &streamError{"e", errors.New("failure 0")}, false)
	if lines := strings.Count(log.String(), "\n"); lines != before+1 {
		t.Error("after a connection the same failure is not logged again")
	}
	j.renewed()
	j.failed(log.Logger(), &streamError{"e", errors.New("failure 0")}, false)
	if lines := strings.Count(log.String(), "\n"); lines != before+2 {
		t.Error("after a change the same failure is not logged again")
	}
}
