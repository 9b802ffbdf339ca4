package zone

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestPaced(t *testing.T) {
	t.Parallel()
	all := make([]int, 3*batchSize)
	for i := range all {
		all[i] = i
	}
	for _, test := range []struct {
		name   string
		take   int
		pauses int
	}{
		{"few", batchSize - 1, 0},
		{"left early", batchSize, 1},
		{"all", len(all), 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				var got []int
				for i := range Paced(slices.Values(all)) {
					if got = append(got, i); len(got) == test.take {
						break
					}
				}
				if !slices.Equal(got, all[:test.take]) {
					t.Errorf("%d items came, want the first %d", len(got), test.take)
				}
				if paused := time.Since(began); paused != time.Duration(test.pauses)*yieldTime {
					t.Errorf("it paused for %v, want %d pauses of %v", paused, test.pauses, yieldTime)
				}
			})
		})
	}
}
