// Package metrics serves the metrics of the daemon: those of its service, by
// the public package of that name, and those of its process. [Handler] serves a
// registry of its own, not the global one.
package metrics
