package resolvconf

import "strings"

// Hostnames returns the machine's hostname, as it is at present and as it would
// be without us. A nil one knows neither.
type Hostnames func() (present, own string)

// ownDomain is the domain that the machine has without us, or "": the search
// list of a resolv.conf without any (resolv.conf(5)). It outlives that our name
// for the node, which has no domain, becomes the hostname.
func (h Hostnames) ownDomain() string {
	if h == nil {
		return ""
	}
	_, own := h()
	return domainOf(own)
}

// presentDomain is the one that programs derive now.
func (h Hostnames) presentDomain() string {
	if h == nil {
		return ""
	}
	present, _ := h()
	return domainOf(present)
}

func domainOf(hostname string) string {
	_, domain, _ := strings.Cut(hostname, ".")
	if found := domains([]string{domain}); len(found) > 0 {
		return found[0]
	}
	return ""
}
