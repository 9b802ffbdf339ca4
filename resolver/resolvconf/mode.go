package resolvconf

// Mode is what is done with resolv.conf.
type Mode string

// The modes of resolv.conf.
const (
	ModeOff  Mode = "off"  // it is only read
	ModeStub Mode = "stub" // it points at us while we answer
)
