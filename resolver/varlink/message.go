package varlink

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"unicode/utf8"
)

// maxMessage bounds a call, in octets. The longest name takes a few hundred.
const maxMessage = 16 << 10

// request is a call as it is sent.
type request struct {
	Method     string          `json:"method"`
	Parameters json.RawMessage `json:"parameters"`
	Oneway     bool            `json:"oneway"`
	More       bool            `json:"more"`
	Upgrade    bool            `json:"upgrade"`
}

// response is the reply to a call. Parameters are always present: clients
// differ in whether they may be missing.
type response struct {
	Parameters any    `json:"parameters"`
	Continues  bool   `json:"continues,omitempty"`
	Error      string `json:"error,omitempty"`
}

var (
	errTooLong   = errors.New("a message is longer than what calls and their replies need")
	errMalformed = errors.New("not a well-formed call")
)

// readMessage returns the next message of up to so many octets, without its NUL.
// It is valid until the next one is read.
func readMessage(r *bufio.Reader, buffer []byte, limit int) ([]byte, error) {
	buffer = buffer[:0]
	for {
		part, err := r.ReadSlice(0)
		if len(buffer)+len(part) > limit {
			return nil, errTooLong
		}
		buffer = append(buffer, part...)
		switch {
		case err == nil:
			return buffer[:len(buffer)-1], nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}

// parseRequest reads a call. A client that sends anything else speaks another protocol,
// and gets no reply.
func parseRequest(message []byte) (*request, error) {
	// The decoder would replace invalid UTF-8.
	if !utf8.Valid(message) {
		return nil, errMalformed
	}
	r := new(request)
	if err := json.Unmarshal(message, r); err != nil || r.Method == "" {
		return nil, errMalformed
	}
	if bytes.Equal(r.Parameters, []byte("null")) {
		r.Parameters = nil
	}
	return r, nil
}

// respond makes a response from what a method returned. An error that is not
// for the client is returned.
func respond(parameters any, err error) (*response, error) {
	if err == nil {
		return &response{Parameters: parameters}, nil
	}
	if failed := (*Error)(nil); errors.As(err, &failed) {
		return &response{Parameters: failed.Parameters, Error: failed.ID}, nil
	}
	return nil, err
}

// encode returns a message to the client.
func (r *response) encode() ([]byte, error) {
	if r.Parameters == nil {
		r.Parameters = struct{}{}
	}
	text, err := json.Marshal(r)
	return append(text, 0), err
}
