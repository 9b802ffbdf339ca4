package nodedns_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/nodedns/nodedns/internal/testkit"
)

const (
	// recipeLists has what tools print, one file each, called as the recipe is.
	recipeLists = "testdata/recipes"
	// recipeNodes has the files of nodes that the recipes make of these.
	recipeNodes = recipeLists + "/nodes"
)

// recipeProgram matches a program for jq as the page writes it into a file.
var recipeProgram = regexp.MustCompile(`(?ms)^cat >/etc/nodedns/jq/([a-z]+)\.jq <<'END'\n(.*?)^END$`)

// recipes are the names of those on the page, and the directory with their
// programs.
func recipes(t *testing.T) (names []string, programs string) {
	t.Helper()
	page, err := os.ReadFile("docs/recipes.md")
	testkit.Must(t, err)
	programs = t.TempDir()
	for _, found := range recipeProgram.FindAllSubmatch(page, -1) {
		name := string(found[1])
		testkit.Must(t, os.WriteFile(filepath.Join(programs, name+".jq"), found[2], 0o600))
		if name != "nodes" { // the module that all of them include
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		t.Fatal("the page has no recipes")
	}
	return names, programs
}

// cook has a program make a file of nodes from a list, as the page does.
func cook(t *testing.T, programs, name, list string) (nodes []byte, complaint string, err error) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := testkit.Tool(t, "jq", "-n", "-L", programs, "-f", filepath.Join(programs, name+".jq"))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(list), &stdout, &stderr
	err = cmd.Run()
	return stdout.Bytes(), stderr.String(), err
}

func readRecipe(t *testing.T, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name+".json"))
	testkit.Must(t, err)
	return string(text)
}

func TestRecipes(t *testing.T) {
	t.Parallel()
	names, programs := recipes(t)
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, complaint, err := cook(t, programs, name, readRecipe(t, recipeLists, name))
			if err != nil {
				t.Fatalf("%v: %s", err, complaint)
			}
			if want := readRecipe(t, recipeNodes, name); string(got) != want {
				t.Errorf("made\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// What a tool prints that fails, or has no nodes, makes jq fail too: then the
// page's line keeps the file.
func TestRecipesRefuse(t *testing.T) {
	t.Parallel()
	names, programs := recipes(t)
	without := map[string]string{
		"kubernetes": `{"apiVersion": "v1", "items": [], "kind": "List", "metadata": {"resourceVersion": ""}}`,
		"consul":     `[]`,
		"ansible":    `{"_meta": {"hostvars": {}}, "all": {"children": ["ungrouped"]}}`,
		"tailscale":  `{"BackendState": "NeedsLogin", "Self": {"DNSName": "", "TailscaleIPs": null}, "MagicDNSSuffix": "", "Peer": null}`,
		"terraform":  `{"nodes": {"sensitive": false, "type": ["object", {}], "value": {}}}`,
	}
	for _, name := range names {
		list := readRecipe(t, recipeLists, name)
		for what, printed := range map[string]string{
			"nothing":      "",
			"a part":       list[:len(list)/2],
			"no nodes":     without[name],
			"text":         "Error: unreachable\n",
			"another list": `{"error": "unauthorized"}`,
		} {
			t.Run(name+"/"+what, func(t *testing.T) {
				t.Parallel()
				got, complaint, err := cook(t, programs, name, printed)
				if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) {
					t.Fatalf("made %q, %v", got, err)
				}
				const none = "no node has a name and an address"
				if what == "no nodes" && !strings.Contains(complaint, none) {
					t.Errorf("complains %q, want %q", complaint, none)
				}
			})
		}
	}
	t.Run("two nodes of one name", func(t *testing.T) {
		t.Parallel()
		list := `{"nodes": {"value": {"db_1": "192.0.2.1", "DB-1": "192.0.2.2"}}}`
		if got, complaint, err := cook(t, programs, "terraform", list); err == nil || !strings.Contains(complaint, "2 nodes are called db-1") {
			t.Errorf("made %q, %v: %s", got, err, complaint)
		}
	})
}
