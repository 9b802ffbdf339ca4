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
	// Text is what was found, and on what; Impact why it matters, and Fix what to
	// do about it. Each is a sentence without its full stop.
	Text   string `json:"finding"`
	Impact string `json:"impact"`
	Fix    string `json:"fix"`
	// After are the checks with findings that this one may follow from. They come
	// before it.
	After []string `json:"after,omitempty"`
}

func problem(text, impact, fix string) Finding {
	return Finding{Severity: Problem, Text: text, Impact: impact, Fix: fix}
}

func warning(text, impact, fix string) Finding {
	return Finding{Severity: Warning, Text: text, Impact: impact, Fix: fix}
}

func note(text, impact, fix string) Finding {
	return Finding{Severity: Note, Text: text, Impact: impact, Fix: fix}
}
