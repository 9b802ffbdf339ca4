package doctor

// Severity of a finding.
type Severity string

// The severities, from the worst on.
const (
	Problem Severity = "problem" // names are not resolved, or soon will not be
	Warning Severity = "warning" // they are, and something is in the way
	Note    Severity = "note"    // good to know when something is looked for
)

// Finding is one thing that was found.
type Finding struct {
	// Check is the ID of the check that found it.
	Check    string   `json:"check"`
	Severity Severity `json:"severity"`
	// Seen is what was seen, and on what; Why says why it matters, and Mend how
	// to mend it. Each is a sentence without its full stop.
	Seen string `json:"seen"`
	Why  string `json:"why"`
	Mend string `json:"mend"`
	// After are the checks with findings that this one may follow from. They come
	// before it.
	After []string `json:"after,omitempty"`
}

func problem(seen, why, mend string) Finding {
	return Finding{Severity: Problem, Seen: seen, Why: why, Mend: mend}
}

func warning(seen, why, mend string) Finding {
	return Finding{Severity: Warning, Seen: seen, Why: why, Mend: mend}
}

func note(seen, why, mend string) Finding {
	return Finding{Severity: Note, Seen: seen, Why: why, Mend: mend}
}
