package control

import (
	"errors"
	"net/url"
	"strconv"
	"time"

	"github.com/nodedns/nodedns/resolver"
	"github.com/nodedns/nodedns/resolver/inspect"
	"github.com/nodedns/nodedns/zone"
	"github.com/nodedns/nodedns/zone/changelog"
)

// Event is one line of what is watched. One of its fields is set besides the
// time.
type Event struct {
	Time time.Time `json:"time"`
	// Query is one that was answered.
	Query *inspect.QueryEntryText `json:"query,omitempty"`
	// Zone is what changed in the zone.
	Zone *changelog.Change `json:"zone,omitempty"`
	// Dropped is how many queries that were answered here are missing, since
	// they came faster than they could be sent. The filter did not see them.
	Dropped uint64 `json:"dropped,omitempty"`
}

// Watch selects what is to be sent. With neither Queries nor Zone set both are.
type Watch struct {
	Queries, Zone bool
	// Filter is of queries. Its name is also that of a node that has to be
	// among those that changed.
	Filter inspect.QueryFilter
}

func (w Watch) values() url.Values {
	values := url.Values{}
	for name, on := range map[string]bool{"queries": w.Queries, "zone": w.Zone} {
		if on {
			values.Set(name, strconv.FormatBool(on))
		}
	}
	if w.Filter.Name != "" {
		values.Set(nameParameter, w.Filter.Name)
	}
	for name, list := range map[string][]string{
		"type": w.Filter.Types, "rcode": w.Filter.Rcodes, "source": w.Filter.Sources, "client": w.Filter.Clients,
	} {
		if len(list) > 0 {
			values[name] = list
		}
	}
	return values
}

// watched is a parsed Watch.
type watched struct {
	queries, zone bool
	chosen        func(*resolver.QueryEntry) bool
	about         func(zone.Node) bool // nil: all
}

func parseWatch(values url.Values) (w watched, err error) {
	for name, on := range map[string]*bool{"queries": &w.queries, "zone": &w.zone} {
		if text := values.Get(name); text != "" {
			if *on, err = strconv.ParseBool(text); err != nil {
				return w, errors.New(name + " is " + strconv.Quote(text) + ": want true or false")
			}
		}
	}
	if !w.queries && !w.zone {
		w.queries, w.zone = true, true
	}
	choice := inspect.QueryFilter{
		Name:  values.Get(nameParameter),
		Types: values["type"], Rcodes: values["rcode"], Sources: values["source"], Clients: values["client"],
	}
	if w.chosen, err = choice.Filter(); err != nil || choice.Name == "" {
		return w, err
	}
	name, err := inspect.NameFilter(choice.Name)
	w.about = func(n zone.Node) bool {
		if name(string(n.ID())) {
			return true
		}
		for claimed := range n.Names() {
			if name(claimed.Text) {
				return true
			}
		}
		return false
	}
	return w, err
}

// changes are what is to be sent of the zone.
func (w *watched) changes(was, is *zone.Snapshot) (events []Event) {
	at := time.Now()
	for _, change := range changelog.Between(was, is, w.about) {
		events = append(events, Event{Time: at, Zone: &change})
	}
	return events
}
