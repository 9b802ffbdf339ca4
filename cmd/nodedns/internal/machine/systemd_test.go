package machine

import "testing"

func TestParseUnit(t *testing.T) {
	t.Parallel()
	got := parseUnit("Result=exit-code\nLoadState=loaded\nActiveState=failed\nUnitFileState=disabled\n")
	if want := (Unit{true, "failed", "disabled", "exit-code"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
