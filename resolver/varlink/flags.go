package varlink

// Flags are the bits of io.systemd.Resolve for how to look something up, and in
// a reply where it was found.
type Flags uint64

// The protocols. None of them stands for all.
const (
	ProtocolDNS Flags = 1 << iota
	protocolLLMNRv4
	protocolLLMNRv6
	protocolMDNSv4
	protocolMDNSv6

	protocols = ProtocolDNS | protocolLLMNRv4 | protocolLLMNRv6 | protocolMDNSv4 | protocolMDNSv6
)

// What a client may request. The other known ones turn off what we do not have:
// validation of ours, local records of LLMNR, a trust anchor.
const (
	NoCNAME          Flags = 1 << 5  // aliases are an error
	NoSearch         Flags = 1 << 8  // the name is complete
	NoValidate       Flags = 1 << 10 // upstreams need not validate
	noSynthesize     Flags = 1 << 11
	NoCache          Flags = 1 << 12 // upstreams are queried again
	noZone           Flags = 1 << 13
	noTrustAnchor    Flags = 1 << 14
	NoNetwork        Flags = 1 << 15 // upstreams are not queried
	NoStale          Flags = 1 << 24 // nothing that has expired
	relaxSingleLabel Flags = 1 << 25

	restrictions = NoCNAME | NoSearch | NoValidate | noSynthesize | NoCache | noZone | noTrustAnchor | NoNetwork |
		NoStale | relaxSingleLabel
)

// What a reply states about itself.
const (
	Authenticated Flags = 1 << 9  // it was validated, or is our own
	Confidential  Flags = 1 << 18 // it was encrypted on the way
	Synthetic     Flags = 1 << 19 // from the hosts file or a name's meaning
	FromCache     Flags = 1 << 20 // from what upstreams answered before
	FromZone      Flags = 1 << 21 // from the nodes
	FromNetwork   Flags = 1 << 23 // from upstreams, now
)

// check rejects unknown flags, and those that exclude all our protocols.
func (f Flags) check() error {
	switch {
	case f&^(protocols|restrictions) != 0:
		return ErrInvalidParameter("flags")
	case f&protocols != 0 && f&ProtocolDNS == 0:
		return ErrNoNameServers
	}
	return nil
}
