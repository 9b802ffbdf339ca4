package transport

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nodedns/nodedns/resolver/internal/message"
)

const (
	mediaType      = "application/dns-message"
	maxMessage     = 65535
	maxHeaderBytes = 16 << 10
	httpIdle       = 30 * time.Second
)

// NewHTTPS returns a Kept without connections, which asks by POST requests (RFC
// 8484) over HTTP/2 or, of a server that has no better, HTTP/1.1. Dial connects
// to the server over TCP, whatever the target's host.
func NewHTTPS(scope *Scope, target string, dial Dial, config *tls.Config) *Kept {
	limits := Limits{Idle: httpIdle}.withDefaults()
	wire := &http.Transport{
		// No proxy: the environment's may have to be resolved by name.
		DialContext:            func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
		TLSClientConfig:        config,
		TLSHandshakeTimeout:    limits.Dial,
		ForceAttemptHTTP2:      true, // not the default with a custom TLS configuration
		MaxResponseHeaderBytes: maxHeaderBytes,
		DisableCompression:     true,
	}
	return &Kept{pool{scope: scope, limits: limits, dial: func(ctx context.Context) (carrier, error) {
		server, err := url.Parse(target)
		if err != nil {
			return nil, err
		}
		conn, err := wire.NewClientConn(ctx, server.Scheme, net.JoinHostPort(server.Hostname(), cmp.Or(server.Port(), "443")))
		if err != nil {
			return nil, err
		}
		h := &https{target: target, conn: conn, gone: make(chan struct{}), made: time.Now()}
		h.end = sync.OnceFunc(func() { close(h.gone) })
		conn.SetStateHook(func(conn *http.ClientConn) {
			if conn.Err() != nil {
				h.end()
			}
		})
		return h, nil
	}}}
}

// https is a carrier that is a connection of HTTP.
type https struct {
	target   string
	conn     *http.ClientConn
	gone     chan struct{}
	end      func() // closes gone
	made     time.Time
	lastRead atomic.Int64 // nanoseconds since made; 0: never
}

func (h *https) takes() bool { return h.conn.Available() > 0 }

func (h *https) close() {
	_ = h.conn.Close()
	h.end()
}

func (h *https) serve() error {
	<-h.gone
	return errClosed
}

func (h *https) heard() time.Time {
	if after := h.lastRead.Load(); after != 0 {
		return h.made.Add(time.Duration(after)) // by the clock that nothing steps
	}
	return time.Time{}
}

// hear notes that data has arrived.
func (h *https) hear() { h.lastRead.Store(int64(max(time.Since(h.made), 1))) }

// roundTrip asks with the ID 0, as section 4.1 of the RFC recommends.
func (h *https) roundTrip(ctx context.Context, query []byte, accept Accept) ([]byte, error) {
	wire := slices.Clone(query)
	setMessageID(wire, 0)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, h.target, bytes.NewReader(wire))
	if err != nil {
		return nil, fmt.Errorf("make a request for %s: %w", h.target, err)
	}
	request.Header.Set("Content-Type", mediaType)
	request.Header.Set("Accept", mediaType)
	request.Header["User-Agent"] = nil
	if h.conn.Reserve() != nil { // it is full, or its end was announced
		return nil, errUnsent
	}
	response, err := h.conn.RoundTrip(request)
	if err != nil {
		return nil, contextCause(ctx, ended(err))
	}
	defer response.Body.Close() // the rest of it is discarded
	h.hear()
	return read(ctx, response, accept)
}

func read(ctx context.Context, response *http.Response, accept Accept) ([]byte, error) {
	if response.StatusCode/100 != 2 { // RFC 8484, section 4.2.1
		return nil, fmt.Errorf("its HTTP status is %q", response.Status)
	}
	kind := response.Header.Get("Content-Type")
	if media, _, err := mime.ParseMediaType(kind); err != nil || media != mediaType {
		return nil, fmt.Errorf("its reply is %q, want %s", kind, mediaType)
	}
	reply, err := io.ReadAll(io.LimitReader(response.Body, maxMessage+1))
	switch {
	case err != nil:
		return nil, contextCause(ctx, ended(fmt.Errorf("read its reply: %w", err)))
	case len(reply) > maxMessage || !isReply(reply, 0):
		return nil, ErrNotOurs
	}
	if err := accept(reply); err != nil {
		return nil, err
	}
	age(reply, response.Header.Get("Age"))
	return reply, nil
}

// age takes from the TTLs of a reply how long it was in caches on its way (RFC
// 8484, section 5.1). What is too large to be counted is the largest number (RFC
// 9111, section 1.2.2).
func age(reply []byte, header string) {
	seconds, err := strconv.ParseUint(header, 10, 32)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return // most have none (RFC 9111, section 5.1)
	}
	for record := range message.Records(reply) {
		const opt = 41 // whose TTL is none
		if record.Type(reply) == opt {
			continue
		}
		ttl := reply[record.TTL():]
		if left := binary.BigEndian.Uint32(ttl); left < 1<<31 { // RFC 2181, section 8
			binary.BigEndian.PutUint32(ttl, left-min(left, uint32(seconds)))
		}
	}
}
