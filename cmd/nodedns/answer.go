package main

import (
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/nodedns/nodedns/resolver/inspect"
)

// printAnswers shows the answers to the questions on one name: all records, and
// then their sources. Of an answer that resembles the most informative one only
// what that lacks is shown.
func printAnswers(w io.Writer, colours bool, name string, answers []inspect.Answer, now time.Time) error {
	records := table{out: w, colour: colours}
	for _, a := range answers {
		for _, r := range a.Records {
			records.row(r.Name, strconv.FormatUint(uint64(r.TTL), 10), r.Type, r.Data)
		}
	}
	some := len(records.rows) > 0
	if err := records.flush(); err != nil {
		return err
	}
	if some {
		fmt.Fprintln(w)
	}
	first := mostInformative(answers)
	t := table{out: w, colour: colours}
	printFacts(&t, answers[first], similar(answers, first), now)
	for i, a := range answers {
		if i != first && !isSimilar(a, answers[first]) {
			t.row()
			printFacts(&t, a, nil, now)
		}
	}
	if !some && isSingle(name) && answers[first].Node == nil {
		t.row("hint", "the search list is not used here; see \"nodedns explain "+name+"\"")
	}
	return t.flush()
}

// similar returns the other answers that have the same source as one.
func similar(answers []inspect.Answer, of int) (others []inspect.Answer) {
	for i, a := range answers {
		if i != of && isSimilar(a, answers[of]) {
			others = append(others, a)
		}
	}
	return others
}

func isSimilar(a, b inspect.Answer) bool {
	return a.Rcode == b.Rcode && a.Source == b.Source && a.Server == b.Server && a.Protocol == b.Protocol &&
		(a.Cache == nil) == (b.Cache == nil) && reflect.DeepEqual(a.Errors, b.Errors)
}

// isSingle reports whether a name has one label and may have another one added.
func isSingle(name string) bool { return name != "" && !strings.Contains(name, ".") }

// printFacts prints what an answer is, and others that are like it.
func printFacts(t *table, a inspect.Answer, others []inspect.Answer, now time.Time) {
	types, took := a.Type, a.Duration
	for _, other := range others {
		types, took = types+", "+other.Type, max(took, other.Duration)
	}
	t.row("question", a.Name+" "+types)
	t.row("result", rcodeText(a, others))
	for _, e := range a.Errors {
		t.row("remark", remark(e))
	}
	t.row("source", orDash(a.Source)+reasonText(a.Reason))
	for _, fact := range originRows(a, now) {
		t.row(fact...)
	}
	t.row("took", took.Round(time.Microsecond).String())
}

// originRows describe what an answer was made of.
func originRows(a inspect.Answer, now time.Time) (rows [][]string) {
	if a.Node != nil {
		rows = append(rows, []string{"node", nodeText(a, now)})
	}
	if a.Refused != "" {
		rows = append(rows, []string{"refused", "the cluster's entry for this name: " + a.Refused})
	}
	for _, line := range a.Lines {
		rows = append(rows, []string{"line", fmt.Sprintf("%s:%d", line.Path, line.Line)})
	}
	if a.Route != "" {
		rows = append(rows, []string{"route", a.Route})
	}
	if a.Private {
		rows = append(rows, []string{"route", "upstreams on private addresses only"})
	}
	if a.Server != "" {
		rows = append(rows, []string{"upstream", a.Server + ", over " + a.Protocol})
	}
	if a.Cache != nil {
		rows = append(rows, []string{"cache", cacheText(*a.Cache)})
	}
	return rows
}

func nodeText(a inspect.Answer, now time.Time) string {
	n := a.Node
	text := fmt.Sprintf("from %s, state %s", n.Source, n.State)
	if first, _, _ := strings.Cut(a.Name, "."); !strings.EqualFold(first, n.ID) {
		text = n.ID + ", " + text
	}
	switch {
	case n.Since == nil:
		return text
	case n.Departed:
		return text + ", departed " + age(n.Since, now) + " ago"
	}
	return text + ", for " + age(n.Since, now)
}

func cacheText(c inspect.CacheProvenance) string {
	old, left := time.Duration(c.Age)*time.Second, time.Duration(c.Left)*time.Second
	switch {
	case c.Failure:
		return fmt.Sprintf("a failure, %v old, kept for %v more", old, left)
	case c.Stale:
		return fmt.Sprintf("stale, %v old", old)
	}
	return fmt.Sprintf("%v old, fresh for %v more", old, left)
}

// rcodeText spells the response code that an answer shares with others. NODATA
// is none, but is named.
func rcodeText(a inspect.Answer, others []inspect.Answer) string {
	text := standing(a.Rcode)
	if a.Rcode == "NOERROR" && len(a.Records) == 0 {
		types := a.Type
		for _, other := range others {
			types += " or " + other.Type
		}
		return text + ", no " + types + " record" + authorityText(a)
	}
	for _, other := range others {
		if len(a.Records) > 0 && len(other.Records) == 0 {
			text += ", no " + other.Type + " record"
		}
	}
	return text + authorityText(a)
}

func authorityText(a inspect.Answer) string {
	if a.Authoritative {
		return ", authoritative"
	}
	return ""
}

func reasonText(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reason
}

// remark spells an extended error.
func remark(e inspect.ExtendedError) string {
	text := e.Meaning
	if text == "" {
		text = fmt.Sprintf("extended error %d", e.Code)
	}
	if e.Server != "" {
		text += ", from " + e.Server
	}
	return text + reasonText(e.Text)
}

// unresolved is the error that the answers amount to if none has a record, or
// nil.
func unresolved(answers []inspect.Answer) error {
	if len(answers[mostInformative(answers)].Records) > 0 {
		return nil
	}
	name, types := strings.TrimSuffix(answers[0].Name, "."), []string{}
	for _, a := range answers {
		switch a.Rcode {
		case "NOERROR":
		case "NXDOMAIN":
			return fmt.Errorf("%s does not exist (NXDOMAIN)", name)
		default:
			return fmt.Errorf("%s cannot be resolved (%s)", name, a.Rcode)
		}
		types = append(types, a.Type)
	}
	return fmt.Errorf("%s has no %s record", name, strings.Join(types, " or "))
}
