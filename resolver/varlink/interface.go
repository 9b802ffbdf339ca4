package varlink

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/nodedns/nodedns/internal/unixsocket"
)

// Interface is a set of methods under one name.
type Interface struct {
	Name string
	// Description in varlink's language.
	Description string
	// Methods by their names without the interface's.
	Methods map[string]Method
}

// Method answers a call with the reply's parameters. An error that is not an
// [Error] ends the connection. It may be called concurrently, and must return
// soon when ctx ends.
type Method func(ctx context.Context, call *Call) (any, error)

// Call is a call of a method.
type Call struct {
	// Parameters is an object, or empty.
	Parameters json.RawMessage
	// More means that the client accepts more than one reply. A method that has
	// one only need not look at it.
	More bool
	Peer unixsocket.Peer

	send func(parameters any) error
}

// Send sends a reply that is not the last one. It must only be used if the
// client takes More, and its error means that the client is gone.
func (c *Call) Send(parameters any) error { return c.send(parameters) }

// Decode reads the parameters into a struct. Fields that it lacks are ignored.
func (c *Call) Decode(into any) error {
	if len(c.Parameters) == 0 {
		return nil
	}
	err := json.Unmarshal(c.Parameters, into)
	wrong := (*json.UnmarshalTypeError)(nil)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrong) && wrong.Field != "":
		name, _, _ := strings.Cut(wrong.Field, ".")
		return ErrInvalidParameter(name)
	default:
		return ErrInvalidParameter("parameters")
	}
}

// find finds a method by its full name.
func find(interfaces []Interface, full string) (Method, error) {
	dot := strings.LastIndexByte(full, '.')
	if dot < 0 {
		return nil, errMethodNotFound(full)
	}
	for _, i := range interfaces {
		if i.Name != full[:dot] {
			continue
		}
		if method, ok := i.Methods[full[dot+1:]]; ok {
			return method, nil
		}
		return nil, errMethodNotFound(full)
	}
	return nil, errInterfaceNotFound(full[:dot])
}
