package varlink

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
)

// FuzzCalls sends what a client may send. Whatever it is, no reply is anything
// but one JSON object, and none has an address that was not requested.
func FuzzCalls(f *testing.F) {
	for _, seed := range []string{
		fmt.Sprintf(hostnameCall, `{"name":"a","flags":0}`) + "\x00",
		fmt.Sprintf(hostnameCall, `{"name":"fe80::1%lo","family":10,"ifindex":1}`) + "\x00",
		fmt.Sprintf(addressCall, `{"family":2,"address":[192,0,2,1],"flags":0}`) + "\x00",
		`{"method":"org.varlink.service.GetInfo"}` + "\x00" + `{"method":"org.varlink.service.GetInterfaceDescription","parameters":{"interface":"io.systemd.Resolve"}}` + "\x00",
		`{"method":"a.b","method":"c.d","parameters":[[[[[1e999]]]]],"more":true,"oneway":true}` + "\x00\x00",
		"{\"method\":\"\xc3\x28\"}\x00",
	} {
		f.Add([]byte(seed))
	}
	s := New(Config{Path: "/nowhere", Interfaces: []Interface{Resolve(host())}})
	f.Fuzz(func(t *testing.T, sent []byte) {
		reader := bufio.NewReaderSize(bytes.NewReader(sent), 16)
		for {
			message, err := readMessage(reader, nil, maxMessage)
			if err != nil {
				return
			}
			r, err := parseRequest(message)
			if err != nil {
				return
			}
			parameters, err := s.call(t.Context(), r, &Call{Parameters: r.Parameters, More: r.More})
			reply, err := respond(parameters, err)
			if err != nil {
				t.Fatalf("%q is not answered: %v", message, err)
			}
			text, err := reply.encode()
			if err != nil || bytes.IndexByte(text, 0) != len(text)-1 || !json.Valid(text[:len(text)-1]) {
				t.Fatalf("%q is answered by %q, %v", message, text, err)
			}
			wantFamily(t, r, reply)
		}
	})
}

func wantFamily(t *testing.T, r *request, reply *response) {
	t.Helper()
	answered, ok := reply.Parameters.(hostnameReply)
	if !ok {
		return
	}
	var asked struct {
		Family int `json:"family"`
	}
	if err := json.Unmarshal(r.Parameters, &asked); err != nil {
		t.Fatal(err)
	}
	for _, entry := range answered.Addresses {
		if asked.Family != 0 && entry.Family != asked.Family {
			t.Errorf("%q gets family %d", r.Parameters, entry.Family)
		}
	}
	if len(answered.Addresses) == 0 {
		t.Errorf("%q gets an empty list", r.Parameters)
	}
}
