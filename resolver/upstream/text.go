package upstream

import (
	"errors"
	"fmt"
)

// Auto is the zero Server. It stands for the servers that the machine itself is
// configured with, where a list of servers may have it.
var Auto Server

// autoText spells Auto.
const autoText = "auto"

// MarshalText returns what String does.
func (s Server) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what ParseServer does, or "auto". An error completes the
// sentence "got X, …".
func (s *Server) UnmarshalText(text []byte) error {
	if string(text) == autoText {
		*s = Auto
		return nil
	}
	parsed, err := ParseServer(string(text))
	if err != nil {
		return fmt.Errorf(`expected "auto" or a server, such as "192.0.2.1" or "tls://192.0.2.1#dns.example" (%w)`, errors.Unwrap(err))
	}
	*s = parsed
	return nil
}
