package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/nodedns/nodedns"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/control"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/doctor"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/verify"
	"github.com/nodedns/nodedns/resolver/nssresolve"
)

// jsonOutputs are what the commands print for programs, by the name of the golden
// file, as pointers to what is empty.
func jsonOutputs() map[string]any {
	return map[string]any{
		"status":           new(nodedns.Status),
		"nodes":            new([]control.Node),
		"query":            new(combined),
		"explain":          new(explained),
		"explain_hostname": new(nssresolve.Explanation),
		"monitor":          new(control.Event),
		"doctor":           new(diagnosis),
		"doctor_list":      new([]doctor.Check),
		"verify":           new(verify.Report),
		"check":            new(plan),
		"curator":          new(control.CuratorChange),
		"flush":            new(control.Flushed),
		"reload":           new(control.Reloaded),
		"enable":           new(result),
		"version":          new(build),
		"init":             new(made),
		"restore":          new([]restored),
	}
}

// Keys, their order and the forms of values are promises. Each golden file has a
// value for every key, and is what is read and printed again: the command reads
// what the daemon prints.
func TestJSONStays(t *testing.T) {
	t.Parallel()
	for name, output := range jsonOutputs() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join("testdata", "json", name+".golden")
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(want, output); err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			if err := printJSON(&got, output); err != nil {
				t.Fatal(err)
			}
			if got.String() != string(want) {
				t.Errorf("got\n%s\nwant, as in %s,\n%s", got.String(), path, want)
			}
			wantFilled(t, reflect.ValueOf(output).Elem(), path)
		})
	}
}

// wantFilled requires a value in each field that has a key.
func wantFilled(t *testing.T, v reflect.Value, path string) {
	t.Helper()
	switch v.Kind() {
	case reflect.Pointer:
		wantFilled(t, v.Elem(), path)
	case reflect.Slice:
		for i := range v.Len() {
			wantFilled(t, v.Index(i), path)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			field := v.Type().Field(i)
			key := field.Tag.Get("json")
			switch {
			case key == "-" || !field.IsExported():
			case v.Field(i).IsZero():
				t.Errorf("%s has no value for %s of %v", path, field.Name, v.Type())
			default:
				wantFilled(t, v.Field(i), path)
			}
		}
	}
}
