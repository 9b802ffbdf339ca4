package nsswitch

import (
	"fmt"
	"slices"
)

// The services that a machine with nodedns is about.
const (
	Resolve = "resolve" // libnss_resolve, which uses varlink
	Files   = "files"   // the hosts file
	DNS     = "dns"     // the servers of resolv.conf
)

// The statuses with which a service ends, as they are spelled here.
const (
	Success     = "success"
	NotFound    = "notfound"
	Unavailable = "unavail"
	TryAgain    = "tryagain"
)

// What a status can lead to. Merge is for groups: a search for a host that
// comes to it ends in an error.
const (
	Return   = "return"
	Continue = "continue"
	Merge    = "merge"
)

// Line is the effective hosts line of a file.
type Line struct {
	Number   int   // in the file, counted from 1; 0: there is none, and Services are glibc's default
	Ignored  []int // the numbers of the hosts lines without effect
	Services []Service
}

// Service is one of those that are queried, in this order. A name need not be
// that of a service that exists: one whose library is missing is Unavailable.
type Service struct {
	Name    string
	Actions []Action // as they are written; without any, only success ends the search
}

// Action is what happens when a service ends with a status.
type Action struct {
	Not    bool   // with every status but this one
	Status string // in lower case
	Do     string // in lower case
}

// Index returns the place of the first service of a name, or -1.
func (l Line) Index(name string) int {
	return slices.IndexFunc(l.Services, func(s Service) bool { return s.Name == name })
}

// Then returns what happens after the service has ended with a status: Return,
// Continue or Merge. Of several actions for a status the last one takes effect.
func (s Service) Then(status string) string {
	do := Continue
	if status == Success {
		do = Return
	}
	for _, a := range s.Actions {
		if a.Not != (a.Status == status) {
			do = a.Do
		}
	}
	return do
}

// String spells the action as in the file, in the usual case.
func (a Action) String() string {
	status := a.Status
	for _, s := range statuses {
		if s.canonical == status {
			status = s.usual
		}
	}
	if a.Not {
		status = "!" + status
	}
	return status + "=" + a.Do
}

// String spells the service with its actions as in the file.
func (s Service) String() string {
	if len(s.Actions) == 0 {
		return s.Name
	}
	text := ""
	for _, a := range s.Actions {
		text += " " + a.String()
	}
	return fmt.Sprintf("%s [%s]", s.Name, text[1:])
}

// String spells the services as in the file.
func (l Line) String() string {
	text := ""
	for i, s := range l.Services {
		if i > 0 {
			text += " "
		}
		text += s.String()
	}
	return text
}

// SyntaxError is a mistake for which glibc refuses the whole file, so that no
// program finds any name.
type SyntaxError struct {
	Number   int    // of the line, counted from 1
	Database string // whose line it is
	Text     string // what is wrong
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d (%s): %s; glibc refuses the whole file for it and finds nothing, so correct the line",
		e.Number, e.Database, e.Text)
}
