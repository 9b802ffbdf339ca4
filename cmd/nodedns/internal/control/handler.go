package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"

	"github.com/nodedns/nodedns"
	"github.com/nodedns/nodedns/resolver"
	"github.com/nodedns/nodedns/resolver/inspect"
	"github.com/nodedns/nodedns/resolver/nssresolve"
	"github.com/nodedns/nodedns/zone"
)

// Daemon is what the handler calls. The functions may be called concurrently.
type Daemon struct {
	Status   func() nodedns.Status
	Snapshot func() *zone.Snapshot
	// Query resolves a name. Its error states what is wrong with the query.
	Query func(ctx context.Context, name, typ string) (*inspect.Answer, error)
	// Explain returns how a name is resolved; with dry no upstream is queried.
	Explain func(ctx context.Context, name, typ string, dry bool) (*inspect.Explanation, error)
	// ExplainHostname does so for a name that nss-resolve looks for.
	ExplainHostname func(ctx context.Context, name string, v4, v6, dry bool) (*nssresolve.Explanation, error)
	// Flush forgets all answers of upstreams, and FlushName those to questions
	// for a name. They return how many there were; the error is for what is no
	// name.
	Flush     func() int
	FlushName func(name string) (int, error)
	// Reload loads the configuration again and takes over what it can; the
	// error states why nothing was. nil: there is none to be loaded.
	Reload func(ctx context.Context) (Reloaded, error)
	// TrustCurator allows a node to act as a curator; the error is for what is
	// no node ID. ResetCurators forgets which nodes may.
	TrustCurator  func(node string) error
	ResetCurators func()
	// Queries begins to watch what becomes of queries, and Zone yields the
	// newest snapshot at once and then each newer one.
	Queries func() (*resolver.QueryWatcher, error)
	Zone    func(ctx context.Context) iter.Seq[*zone.Snapshot]
}

// The paths of the protocol.
const (
	statusPath   = "/v1/status"
	nodesPath    = "/v1/nodes"
	findPath     = "/v1/find"
	completePath = "/v1/complete"
	queryPath    = "/v1/query"
	explainPath  = "/v1/explain"
	flushPath    = "/v1/flush"
	reloadPath   = "/v1/reload"
	monitorPath  = "/v1/monitor"
	trustPath    = "/v1/curator/trust"
	resetPath    = "/v1/curator/reset"

	explainHostnamePath = "/v1/explain/hostname"
)

// The parameters of a request: the name that it is about, a record type, and
// whether upstreams are left alone.
const (
	nameParameter = "name"
	typeParameter = "type"
	dryParameter  = "dry"
)

// Handler answers for a daemon.
func Handler(d Daemon) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+statusPath, func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, d.Status())
	})
	mux.HandleFunc("GET "+nodesPath, func(w http.ResponseWriter, r *http.Request) {
		serveNodes(w, r, d.Snapshot())
	})
	mux.HandleFunc("GET "+findPath, d.serveFind)
	mux.HandleFunc("GET "+completePath, d.serveComplete)
	mux.HandleFunc("GET "+queryPath, d.serveQuery)
	mux.HandleFunc("GET "+explainPath, d.serveExplain)
	mux.HandleFunc("GET "+explainHostnamePath, d.serveExplainHostname)
	mux.HandleFunc("POST "+flushPath, changing(d.serveFlush))
	if d.Reload != nil {
		mux.HandleFunc("POST "+reloadPath, changing(d.serveReload))
	}
	mux.HandleFunc("POST "+trustPath, changing(d.serveTrust))
	mux.HandleFunc("POST "+resetPath, changing(d.serveReset))
	places := make(chan struct{}, maxMonitors)
	mux.HandleFunc("GET "+monitorPath, func(w http.ResponseWriter, r *http.Request) {
		d.serveMonitor(w, r, places)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		reply(w, http.StatusNotFound, failure{"this daemon does not know " + r.Method + " " + r.URL.Path +
			"; it may be of another version than the command"})
	})
	return mux
}

func (d *Daemon) serveQuery(w http.ResponseWriter, r *http.Request) {
	parameters := r.URL.Query()
	name, err := parseName(parameters)
	if err != nil {
		reply(w, http.StatusBadRequest, failure{err.Error()})
		return
	}
	answer, err := d.Query(r.Context(), name, parameters.Get(typeParameter))
	if err != nil {
		reply(w, http.StatusBadRequest, failure{err.Error()})
		return
	}
	reply(w, http.StatusOK, answer)
}

func (d *Daemon) serveExplain(w http.ResponseWriter, r *http.Request) {
	parameters := r.URL.Query()
	name, err := parseName(parameters)
	if err != nil {
		reply(w, http.StatusBadRequest, failure{err.Error()})
		return
	}
	dry, err := parseDry(parameters)
	if err != nil {
		reply(w, http.StatusBadRequest, failure{err.Error()})
		return
	}
	explanation, err := d.Explain(r.Context(), name, parameters.Get(typeParameter), dry)
	if err != nil {
		reply(w, http.StatusBadRequest, failure{err.Error()})
		return
	}
	reply(w, http.StatusOK, explanation)
}

func (d *Daemon) serveExplainHostname(w http.ResponseWriter, r *http.Request) {
	parameters := r.URL.Query()
	name, err := parseName(parameters)
	if err != nil {
		reply(w, http.StatusBadRequest, failure{err.Error()})
		return
	}
	dry, err := parseDry(parameters)
	if err != nil {
		reply(w, http.StatusBadRequest, failure{err.Error()})
		return
	}
	typ := parameters.Get(typeParameter)
	if typ != "" && typ != "A" && typ != "AAAA" {
		reply(w, http.StatusBadRequest, failure{fmt.Sprintf("type is %q: want A, AAAA, or none for both", typ)})
		return
	}
	explanation, err := d.ExplainHostname(r.Context(), name, typ != "AAAA", typ != "A", dry)
	if err != nil {
		reply(w, http.StatusBadRequest, failure{err.Error()})
		return
	}
	reply(w, http.StatusOK, explanation)
}

func (d *Daemon) serveFlush(w http.ResponseWriter, r *http.Request) {
	parameters := r.URL.Query()
	if !parameters.Has(nameParameter) {
		reply(w, http.StatusOK, Flushed{d.Flush()})
		return
	}
	name, err := parseName(parameters)
	if err != nil {
		reply(w, http.StatusBadRequest, failure{err.Error()})
		return
	}
	n, err := d.FlushName(name)
	if err != nil {
		reply(w, http.StatusBadRequest, failure{err.Error()})
		return
	}
	reply(w, http.StatusOK, Flushed{n})
}

func (d *Daemon) serveReload(w http.ResponseWriter, r *http.Request) {
	reloaded, err := d.Reload(r.Context())
	if err != nil {
		// The request is valid, but not what the daemon found in its files.
		reply(w, http.StatusConflict, failure{err.Error()})
		return
	}
	reply(w, http.StatusOK, reloaded)
}

// parseName returns the name that a request is about. A missing one does not
// mean the root: it is more likely a mistake, such as an empty variable in a
// script.
func parseName(parameters url.Values) (string, error) {
	name := parameters.Get(nameParameter)
	if name == "" {
		return "", errors.New(`the name is empty; that of the root is "."`)
	}
	return name, nil
}

// parseDry reports whether upstreams are to be left alone; by default they are
// not.
func parseDry(parameters url.Values) (bool, error) {
	text := parameters.Get(dryParameter)
	if text == "" {
		return false, nil
	}
	dry, err := strconv.ParseBool(text)
	if err != nil {
		return false, fmt.Errorf("dry is %q: want true or false", text)
	}
	return dry, nil
}

// reply writes one value. The client notices by itself when that fails.
func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
