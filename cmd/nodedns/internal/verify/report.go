package verify

import "fmt"

// Result of one check.
type Result string

// The results.
const (
	Equal   Result = "equal"
	Differs Result = "differs"
	Failed  Result = "failed" // it could not be compared
	Off     Result = "off"    // turned off by the configuration
)

// maxShown is how many differences of one check are reported.
const maxShown = 20

// Difference is a name for which one check found something other than expected.
// Nothing at all is "".
type Difference struct {
	Name string `json:"name"`
	Want string `json:"want"`
	Got  string `json:"got"`
}

// Check is one way to find what is in the zone.
type Check struct {
	Name   string `json:"check"`
	Result Result `json:"result"`
	Detail string `json:"detail"`
	// Differences are the first twenty, and Count is the number of all.
	Differences []Difference `json:"differences"`
	Count       int          `json:"count"`
}

// Report is the result of all checks.
type Report struct {
	NodeID string `json:"node_id"`
	Serial uint64 `json:"serial"` // of the zone at the start
	Nodes  int    `json:"nodes"`  // in the zone, the departed too
	Asked  int    `json:"asked"`  // that were queried over DNS
	// Equal is whether nothing differs, and nothing failed.
	Equal  bool    `json:"equal"`
	Checks []Check `json:"checks"`
}

// Unequal is the number of checks that failed, or found differences.
func (r *Report) Unequal() int {
	n := 0
	for _, c := range r.Checks {
		if c.Result == Differs || c.Result == Failed {
			n++
		}
	}
	return n
}

// newCheck is a check that has found these differences.
func newCheck(name, detail string, differences []Difference) Check {
	c := Check{Name: name, Result: Equal, Detail: detail, Count: len(differences)}
	c.Differences = append([]Difference{}, differences[:min(len(differences), maxShown)]...)
	if c.Count > 0 {
		c.Result = Differs
	}
	return c
}

func off(name, detail string) Check {
	return Check{Name: name, Result: Off, Detail: detail, Differences: []Difference{}}
}

func failed(name string, err error) Check {
	return Check{Name: name, Result: Failed, Detail: err.Error(), Differences: []Difference{}}
}

// number formats a count of things.
func number(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
