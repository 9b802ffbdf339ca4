package boottime_test

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/boottime"
)

func TestNow(t *testing.T) {
	before := boottime.Now()
	var kernel unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &kernel); err != nil {
		t.Fatal(err)
	}
	if now, after := time.Duration(kernel.Nano()), boottime.Now(); now < before || now > after {
		t.Errorf("the kernel's clock is at %v, want from %v to %v", now, before, after)
	}
	if n := testing.AllocsPerRun(100, func() { boottime.Now() }); n != 0 {
		t.Errorf("%v allocations for a reading", n)
	}
}

func TestID(t *testing.T) {
	t.Parallel()
	// 128 bits in hex digits, in groups as of a UUID.
	if id := boottime.ID(); len(id) != 36 && id != "" {
		t.Errorf("boot ID %q", id)
	}
	if first, second := boottime.ID(), boottime.ID(); first != second {
		t.Errorf("boot IDs %q and %q", first, second)
	}
}
