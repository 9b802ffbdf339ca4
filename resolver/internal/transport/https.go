package transport

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"sync"
	"time"
)

const (
	mediaType      = "application/dns-message"
	maxMessage     = 65535
	maxHeaderBytes = 16 << 10
	httpIdle       = 30 * time.Second
	httpPing       = 2 * time.Second
	// httpDial and httpHandshake bound what no query bounds: a connection is made
	// for whoever comes next, even if the query that began it has given up.
	httpDial      = 3 * time.Second
	httpHandshake = 3 * time.Second
)

// HTTPS asks a server by POST requests (RFC 8484). It may be used
// concurrently.
type HTTPS struct {
	target string
	client http.Client
	wire   *http.Transport
	// connecting holds an element while a query looks for a connection, or makes
	// one. The next query then finds it, where http.Transport would make one for
	// each query that comes before the first is there.
	connecting chan struct{}
}

// NewHTTPS returns an HTTPS without connections. Dial connects to the server
// over TCP, whatever the target's host.
func NewHTTPS(target string, dial Dial, config *tls.Config) *HTTPS {
	wire := &http.Transport{
		// No proxy: the environment's may have to be resolved by name.
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			ctx, cancel := context.WithTimeout(ctx, httpDial)
			defer cancel()
			return dial(ctx)
		},
		TLSClientConfig:        config,
		TLSHandshakeTimeout:    httpHandshake,
		ForceAttemptHTTP2:      true, // not the default with a custom TLS configuration
		IdleConnTimeout:        httpIdle,
		MaxIdleConnsPerHost:    2,
		MaxResponseHeaderBytes: maxHeaderBytes,
		DisableCompression:     true,
		// A connection whose peer is gone must not take queries for minutes.
		HTTP2: &http.HTTP2Config{SendPingTimeout: httpPing, PingTimeout: httpPing},
	}
	return &HTTPS{target: target, wire: wire, connecting: make(chan struct{}, 1), client: http.Client{
		Transport: wire,
		// A redirect leads to a server that is not configured.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// RoundTrip sends a query and returns the reply. The ID is 0, as section 4.1 of the
// RFC recommends. The query's bytes are not changed.
func (h *HTTPS) RoundTrip(ctx context.Context, query []byte, accept Accept) ([]byte, error) {
	select {
	case h.connecting <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	connected := sync.OnceFunc(func() { <-h.connecting })
	defer connected() // or failed to
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected() }})

	wire := slices.Clone(query)
	setMessageID(wire, 0)
	request, err := http.NewRequestWithContext(traced, http.MethodPost, h.target, bytes.NewReader(wire))
	if err != nil {
		return nil, fmt.Errorf("make a request for %s: %w", h.target, err)
	}
	request.Header.Set("Content-Type", mediaType)
	request.Header.Set("Accept", mediaType)
	request.Header["User-Agent"] = nil
	// Without a value it is not sent, and lets the request be repeated when an
	// idle connection turns out to be closed.
	request.Header["Idempotency-Key"] = nil
	response, err := h.client.Do(request)
	if outer := (*url.Error)(nil); errors.As(err, &outer) {
		return nil, contextCause(ctx, outer.Err) // without the URL: the caller has the server
	}
	if err != nil {
		return nil, contextCause(ctx, err)
	}
	defer response.Body.Close() // the rest of it is discarded
	return read(ctx, response, accept)
}

func read(ctx context.Context, response *http.Response, accept Accept) ([]byte, error) {
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("its HTTP status is %q", response.Status)
	}
	if kind := response.Header.Get("Content-Type"); kind != mediaType {
		return nil, fmt.Errorf("its reply is %q, want %s", kind, mediaType)
	}
	message, err := io.ReadAll(io.LimitReader(response.Body, maxMessage+1))
	switch {
	case err != nil:
		return nil, contextCause(ctx, fmt.Errorf("read its reply: %w", err))
	case len(message) > maxMessage || !isReply(message, 0):
		return nil, ErrNotOurs
	}
	return message, accept(message)
}

// Close closes the connections that are idle, and the others once they are.
func (h *HTTPS) Close() { h.wire.CloseIdleConnections() }
