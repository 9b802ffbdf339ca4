package zone

// Family is one of the two families of IP addresses.
type Family uint8

// The families.
const (
	IPv4 = Family(has4)
	IPv6 = Family(has6)
)
