package main

import "testing"

func costing(round int, cpu float64) sample {
	return sample{Row: "random", Peer: "x", Round: round, CPU: cpu, report: report{Answered: 1_000_000}}
}

// A ratio is of one round, whatever another did.
func TestRatioIsByRound(t *testing.T) {
	t.Parallel()
	bound := []sample{costing(0, 1), costing(1, 10), costing(2, 4)}
	mine := []sample{costing(0, 2), costing(1, 20), costing(2, 8), costing(3, 1000)}
	if got := ratio(mine, bound, (*sample).cost); got != 2 {
		t.Errorf("the ratio is %v, want 2", got)
	}
	if got := ratio(mine, nil, (*sample).cost); got != 0 {
		t.Errorf("the ratio to nothing is %v, want 0", got)
	}
	if got := median(mine, (*sample).cost); got != 14 {
		t.Errorf("the median is %v, want 14", got)
	}
}

func TestStrangeReplies(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		load workload
		got  report
		want bool
	}{
		{"addresses", randomNames(byID), report{Answered: 100, Hits: 100}, false},
		{"an error", randomNames(byID), report{Answered: 100, Hits: 90, Other: 10}, true},
		{"a mix", mixedNames(byID), report{Answered: 100, Hits: 70, NoData: 16, NXDomain: 14}, false},
		{"a mix refused", mixedNames(byID), report{Answered: 100, Hits: 70, NoData: 15, Other: 15}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := test.load.strange(&test.got); got != test.want {
				t.Errorf("strange is %v, want %v", got, test.want)
			}
		})
	}
}

func TestCount(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := count(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}
