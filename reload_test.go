package nodedns

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestReportReload(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := prepare(t)
		text := func() string {
			t.Helper()
			data, err := json.Marshal(f.Status())
			if err != nil {
				t.Fatal(err)
			}
			return string(data)
		}
		if got := text(); strings.Contains(got, "last_reload") {
			t.Errorf("before the first reload the status is %s", got)
		}
		f.ReportReload(errors.New("n.toml:3: zone.ttl: wrong"))
		first := time.Now().UTC()
		want := `"last_reload":{"at":"` + first.Format(time.RFC3339Nano) + `","error":"n.toml:3: zone.ttl: wrong"}`
		if got := text(); !strings.Contains(got, want) {
			t.Errorf("after a refusal the status is %s, want %s", got, want)
		}
		time.Sleep(time.Minute)
		f.ReportReload(nil)
		if r := f.Status().LastReload; r == nil || r.Error != "" || r.At.Sub(first) != time.Minute {
			t.Errorf("after a good one it is %+v", r)
		}
	})
}
