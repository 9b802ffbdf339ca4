package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns"
	"github.com/nodedns/nodedns/resolver/inspect"
	"github.com/nodedns/nodedns/resolver/nssresolve"
)

const (
	// timeout is how long the daemon may take for the beginning of a reply:
	// longer than any query takes.
	timeout = 10 * time.Second
	// maxReply bounds what is read of a reply that is one value, in bytes.
	maxReply = 16 << 20
)

// ErrNotRunning means that no daemon listens on the socket.
var ErrNotRunning = errors.New("no nodedns daemon answers")

// ErrEnded means that the daemon has stopped.
var ErrEnded = errors.New("the daemon has stopped")

// ErrUnknownRequest means that the daemon is of another version, which does not
// know the request.
var ErrUnknownRequest = errors.New("unknown request")

// RequestError is the daemon's description of what is wrong with a request. A
// retry does not help.
type RequestError struct{ text string }

func (e *RequestError) Error() string { return e.text }

// Client queries the daemon behind a socket. It may be used concurrently.
type Client struct {
	socket string
	http   http.Client
}

// NewClient returns a Client of the socket at a path. It connects at each call.
func NewClient(socket string) *Client {
	dialer := &net.Dialer{Timeout: timeout}
	return &Client{socket: socket, http: http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", socket)
		},
		DisableKeepAlives:     true,
		ResponseHeaderTimeout: timeout,
	}}}
}

// Status returns the daemon's status.
func (c *Client) Status(ctx context.Context) (nodedns.Status, error) {
	var status nodedns.Status
	return status, c.value(ctx, statusPath, nil, &status)
}

// Query returns what the daemon answers to a question.
func (c *Client) Query(ctx context.Context, name, typ string) (inspect.Answer, error) {
	var answer inspect.Answer
	return answer, c.value(ctx, queryPath, url.Values{nameParameter: {name}, typeParameter: {typ}}, &answer)
}

// Explain returns how the daemon answers a question. With dry it queries no
// upstream.
func (c *Client) Explain(ctx context.Context, name, typ string, dry bool) (inspect.Explanation, error) {
	var explanation inspect.Explanation
	return explanation, c.value(ctx, explainPath,
		url.Values{nameParameter: {name}, typeParameter: {typ}, dryParameter: {strconv.FormatBool(dry)}}, &explanation)
}

// ExplainHostname returns how the daemon answers nss-resolve for a name: for A,
// for AAAA or, without a type, for both. With dry it queries no upstream.
func (c *Client) ExplainHostname(ctx context.Context, name, typ string, dry bool) (nssresolve.Explanation, error) {
	var explanation nssresolve.Explanation
	return explanation, c.value(ctx, explainHostnamePath,
		url.Values{nameParameter: {name}, typeParameter: {typ}, dryParameter: {strconv.FormatBool(dry)}}, &explanation)
}

// Flush makes the daemon forget all answers of upstreams.
func (c *Client) Flush(ctx context.Context) (Flushed, error) {
	var flushed Flushed
	return flushed, c.change(ctx, flushPath, nil, &flushed)
}

// FlushName makes the daemon forget those to questions for a name.
func (c *Client) FlushName(ctx context.Context, name string) (Flushed, error) {
	var flushed Flushed
	return flushed, c.change(ctx, flushPath, url.Values{nameParameter: {name}}, &flushed)
}

// Reload makes the daemon load its configuration again. The error is the
// daemon's, one line for each problem, if it refuses it.
func (c *Client) Reload(ctx context.Context) (Reloaded, error) {
	var reloaded Reloaded
	return reloaded, c.change(ctx, reloadPath, nil, &reloaded)
}

// Nodes calls yield with each node that the filter chooses, sorted by ID. It
// returns the error of yield, or why not all nodes arrived.
func (c *Client) Nodes(ctx context.Context, filter Filter, yield func(Node) error) error {
	body, err := c.ask(ctx, http.MethodGet, nodesPath, filter.values())
	if err != nil {
		return err
	}
	defer body.Close()
	decoder := json.NewDecoder(body)
	if _, err := decoder.Token(); err != nil {
		return c.malformed(err)
	}
	for decoder.More() {
		var n Node
		if err := decoder.Decode(&n); err != nil {
			return c.malformed(err)
		}
		if err := yield(n); err != nil {
			return err
		}
	}
	if _, err := decoder.Token(); err != nil {
		return c.malformed(err)
	}
	return nil
}

// Monitor calls yield with what is watched, as it happens, until ctx ends or
// yield returns an error. It returns that error, or why the stream ended.
func (c *Client) Monitor(ctx context.Context, watch Watch, yield func(Event) error) error {
	body, err := c.ask(ctx, http.MethodGet, monitorPath, watch.values())
	if err != nil {
		return err
	}
	defer body.Close()
	decoder := json.NewDecoder(body)
	for {
		var e Event
		switch err := decoder.Decode(&e); {
		case errors.Is(err, io.EOF):
			return ErrEnded
		case err != nil:
			return c.malformed(err)
		}
		if err := yield(e); err != nil {
			return err
		}
	}
}

// value gets a reply that is one value.
func (c *Client) value(ctx context.Context, path string, parameters url.Values, into any) error {
	body, err := c.ask(ctx, http.MethodGet, path, parameters)
	return c.read(body, err, into)
}

// change has the daemon change something, and gets the result.
func (c *Client) change(ctx context.Context, path string, parameters url.Values, into any) error {
	body, err := c.ask(ctx, http.MethodPost, path, parameters)
	return c.read(body, err, into)
}

// read takes in a reply that is one value, unless there is an error already.
func (c *Client) read(body io.ReadCloser, err error, into any) error {
	if err != nil {
		return err
	}
	defer body.Close()
	if err := json.NewDecoder(io.LimitReader(body, maxReply)).Decode(into); err != nil {
		return c.malformed(err)
	}
	return nil
}

// ask returns the body of a successful reply, or the daemon's error.
func (c *Client) ask(ctx context.Context, method, path string, parameters url.Values) (io.ReadCloser, error) {
	// The host is not looked at: there is one at the end of the socket.
	address := url.URL{Scheme: "http", Host: "nodedns", Path: path, RawQuery: parameters.Encode()}
	request, err := http.NewRequestWithContext(ctx, method, address.String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, c.unreachable(err)
	}
	if response.StatusCode == http.StatusOK {
		return response.Body, nil
	}
	defer response.Body.Close()
	var f failure
	if err := json.NewDecoder(io.LimitReader(response.Body, maxReply)).Decode(&f); err != nil || f.Error == "" {
		f.Error = "the daemon replied " + response.Status
	}
	switch response.StatusCode {
	case http.StatusBadRequest:
		return nil, &RequestError{f.Error}
	case http.StatusNotFound:
		return nil, fmt.Errorf("%w: %s", ErrUnknownRequest, f.Error)
	}
	return nil, errors.New(f.Error)
}

// unreachable adds what can be done when there is no reply.
func (c *Client) unreachable(err error) error {
	// Of a *url.Error only the reason is of interest.
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ECONNREFUSED):
		return fmt.Errorf("%w on %s: start it with `nodedns run`, or name its socket with --control", ErrNotRunning, c.socket)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("ask the daemon on %s: %w; run this command as root", c.socket, err)
	default:
		return fmt.Errorf("ask the daemon on %s: %w", c.socket, err)
	}
}

func (c *Client) malformed(err error) error {
	return fmt.Errorf("read the daemon's reply on %s: %w", c.socket, err)
}
