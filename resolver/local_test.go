package resolver

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// The server on this machine is asked once it has answered, and probed only while
// it is wanted and has not.
func TestLocalServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLocalServer()
		answers, probes, found := false, 0, 0
		l.probe = func(context.Context) bool { probes++; return answers }
		ctx, cancel := context.WithCancel(t.Context())
		go l.run(ctx, func() { found++ })
		defer func() { cancel(); synctest.Wait() }()
		check := func(wanted, wantAsked, wantProbes bool) {
			t.Helper()
			before := probes
			l.want(wanted)
			time.Sleep(2 * maxLocalPause)
			synctest.Wait()
			if asked := l.want(wanted); asked != wantAsked || (probes > before) != wantProbes {
				t.Errorf("wanted %t: asked %t, %d probes; want %t, %t", wanted, asked, probes-before, wantAsked, wantProbes)
			}
		}
		check(false, false, false)
		check(true, false, true)
		answers = true
		check(true, true, true)
		check(true, true, false)
		check(false, false, false)
		answers = false
		check(true, false, true) // it has to answer again
		if found != 1 {
			t.Errorf("it was found %d times, want once", found)
		}
	})
}
