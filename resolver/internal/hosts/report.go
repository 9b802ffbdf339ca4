package hosts

import (
	"fmt"
	"strconv"
)

// maxReports is how many problems of one file are kept.
const maxReports = 100

// Report is what is wrong with the file or a line of it.
type Report struct {
	Line    int // from 1; 0: the file as a whole
	Problem string
}

// String is the report with the place that it is about.
func (r Report) String() string {
	if r.Line == 0 {
		return r.Problem
	}
	return "line " + strconv.Itoa(r.Line) + ": " + r.Problem
}

// problems are the first ones, and the number of all.
type problems struct {
	reports []Report
	count   int
}

func (p *problems) report(line int, format string, args ...any) {
	if p.count++; p.count <= maxReports {
		p.reports = append(p.reports, Report{line, fmt.Sprintf(format, args...)})
	}
}

// Summary summarizes a hosts file as it was parsed.
type Summary struct {
	Names    int      `json:"names"`    // that have an address
	Ignored  int      `json:"ignored"`  // lines and names that have no effect
	Problems []string `json:"problems"` // the first of those, ten at most
	// Unusable is why the file as it is now cannot be used, or empty. All else is
	// then from when it last could.
	Unusable string `json:"-"`
}

// first are the first reports, as many as people want to read.
func (p *problems) first() []string {
	const most = 10
	texts := []string{}
	for _, r := range p.reports[:min(most, len(p.reports))] {
		texts = append(texts, r.String())
	}
	return texts
}

// all are the reports, with the last one counting those that were not kept.
func (p *problems) all() []Report {
	if p.count <= maxReports {
		return p.reports
	}
	rest := fmt.Sprintf("%d more lines or names do not count", p.count-maxReports)
	return append(p.reports[:maxReports:maxReports], Report{Problem: rest})
}

// same reports whether two files have the same problems, even if on other
// lines.
func (p *problems) same(other *problems) bool {
	if p.count != other.count {
		return false
	}
	for i := range p.reports {
		if p.reports[i].Problem != other.reports[i].Problem {
			return false
		}
	}
	return true
}
