// Package cookie makes and checks the server cookies of RFC 9018, by which a
// client proves that it receives what is sent to its address.
//
// The package holds a secret that is random for each process; a client whose
// cookie is of an earlier one simply gets a new one. Nothing depends on a
// cookie being valid: a stub listener's clients are on the same machine, where
// addresses are not forged, and those that a wider listener admits are listed
// in its configuration. Cookies protect the client, which can distinguish our
// replies from forged ones by its own half (RFC 7873, section 5.3).
//
// It starts no goroutine. A Jar may be used concurrently.
package cookie
