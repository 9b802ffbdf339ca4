package varlink

import (
	"context"
	_ "embed" // for the description

	"golang.org/x/sys/unix"
)

//go:embed io.systemd.Resolve.Monitor.varlink
var monitorDescription string

// QueryWatcher reports the results of queries, from its creation to its Close.
// Only one goroutine uses it.
type QueryWatcher interface {
	// Next waits until there are results, and returns all of them and how many
	// were missed after the last one. Its error means that ctx has ended.
	Next(ctx context.Context) (results []QueryResult, missed uint64, err error)
	Close()
}

// QueryResult is a query that was answered.
type QueryResult struct {
	Name  string // without a final dot
	Class uint16
	Type  uint16
	Rcode int
	// Answer are the records of the answer section.
	Answer []Record
}

// Record is a resource record.
type Record struct {
	Name  string // without a final dot
	Class uint16
	Type  uint16
	Wire  []byte // all of it, uncompressed (RFC 1035, section 3.2.1)
}

// Monitor is the interface io.systemd.Resolve.Monitor. Only root and our own
// user may call it: it shows what all users look up. The error of watch, if it
// is not an [Error], ends the connection.
func Monitor(watch func() (QueryWatcher, error)) Interface {
	return Interface{
		Name:        "io.systemd.Resolve.Monitor",
		Description: monitorDescription,
		Methods: map[string]Method{
			"SubscribeQueryResults": func(ctx context.Context, call *Call) (any, error) {
				switch {
				case !call.Peer.Trusted():
					return nil, ErrPermissionDenied
				case !call.More:
					return nil, errExpectedMore
				}
				return nil, subscribe(ctx, call, watch)
			},
		},
	}
}

// The messages have no other fields than these: resolvectl treats one with an
// unknown field as malformed.
type (
	readyMessage struct {
		Ready bool `json:"ready"`
	}
	resultMessage struct {
		State    string      `json:"state"`
		Rcode    int         `json:"rcode,omitempty"`
		Errno    unix.Errno  `json:"errno,omitempty"`
		Question []recordKey `json:"question"`
		Answer   []answer    `json:"answer,omitempty"`
	}
	recordKey struct {
		Class uint16 `json:"class"`
		Type  uint16 `json:"type"`
		Name  string `json:"name"`
	}
	answer struct {
		Record answerRecord `json:"rr"`
		Raw    []byte       `json:"raw"`
	}
	answerRecord struct {
		Key recordKey `json:"key"`
	}
)

// subscribe reports queries until the client has gone or ctx ends.
func subscribe(ctx context.Context, call *Call, watch func() (QueryWatcher, error)) error {
	watcher, err := watch()
	if err != nil {
		return err
	}
	defer watcher.Close()
	// From here on nothing is missed unnoticed.
	if err := call.Send(readyMessage{true}); err != nil {
		return err
	}
	for {
		results, missed, err := watcher.Next(ctx)
		if err != nil {
			return err
		}
		for i := range results {
			if err := call.Send(messageOf(&results[i])); err != nil {
				return err
			}
		}
		// There is no message for this. ENOBUFS is the kernel's error
		// for subscribers that miss some of its changes.
		if missed > 0 {
			lost := resultMessage{State: "errno", Errno: unix.ENOBUFS, Question: []recordKey{}}
			if err := call.Send(lost); err != nil {
				return err
			}
		}
	}
}

func messageOf(r *QueryResult) resultMessage {
	m := resultMessage{State: "success", Rcode: r.Rcode, Question: []recordKey{{r.Class, r.Type, r.Name}}}
	if r.Rcode != 0 {
		m.State = "rcode-failure"
	}
	for _, record := range r.Answer {
		m.Answer = append(m.Answer, answer{answerRecord{recordKey{record.Class, record.Type, record.Name}}, record.Wire})
	}
	return m
}
