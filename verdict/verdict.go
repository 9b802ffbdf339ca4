// Package verdict has the one assessment of a service's health, from [Facts] that
// its parts report, and the table of reasons that it may have. It starts no
// goroutine and keeps no state.
package verdict

import (
	"slices"
	"strings"
)

// Verdict is the one assessment of a service's health. Whatever reports that
// health reads it and derives none of its own.
type Verdict struct {
	// Healthy is whether there are no reasons, which is when the state is
	// ready.
	Healthy bool `json:"healthy"`
	// Reasons are ordered as in the table of [Reasons]: a cause comes before
	// what follows from it.
	Reasons []Reason `json:"reasons"`
}

// Reason is one thing that keeps a service from being healthy.
type Reason struct {
	// Code is one of those of [Reasons].
	Code string `json:"code"`
	// Text is one line that states what is wrong, and with what.
	Text string `json:"text"`
	// Fix is what to do.
	Fix string `json:"fix"`
}

// Has reports whether a code is among the reasons.
func (v Verdict) Has(code string) bool {
	return slices.ContainsFunc(v.Reasons, func(r Reason) bool { return r.Code == code })
}

// Codes are those of the reasons, in their order.
func (v Verdict) Codes() []string {
	codes := make([]string, 0, len(v.Reasons))
	for _, r := range v.Reasons {
		codes = append(codes, r.Code)
	}
	return codes
}

// Texts are those of the reasons, without repetitions.
func (v Verdict) Texts() []string {
	texts := make([]string, 0, len(v.Reasons))
	for _, r := range v.Reasons {
		if !slices.Contains(texts, r.Text) {
			texts = append(texts, r.Text)
		}
	}
	return texts
}

// Add appends a reason, which is none without a text.
func (v *Verdict) Add(code, text string) {
	if text == "" {
		return
	}
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
	v.Reasons = append(v.Reasons, Reason{code, text, fixes[code]})
}
