package config

import (
	"reflect"
	"testing"

	"github.com/nodedns/nodedns"
)

// The rows of the table that require a restart are what the service refuses to
// reload, and nothing else.
func TestRestartRequiredIsWhatReloadRefuses(t *testing.T) {
	t.Parallel()
	base := defaults(t)
	base.NodeID, base.StateDir, base.Files.Root = "self", t.TempDir(), t.TempDir()
	service, err := nodedns.New(base.Config)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range valueTests {
		k, _ := lookup(tt.key)
		for value := range tt.good {
			changed, err := Parse("c.toml", assign(tt.key, value), nil)
			if err != nil {
				t.Fatal(err)
			}
			next := base
			k.copy(&next, &changed)
			if reflect.DeepEqual(base.Config, next.Config) {
				continue // the value is the default, or the command's alone
			}
			err = service.Reload(func(c *nodedns.Config) { *c = next.Config })
			if refused := err != nil; refused != k.needsRestart {
				t.Errorf("%s = %s: restart required is %v, and Reload returns %v", tt.key, value, k.needsRestart, err)
			}
			reloadable := Reloadable(base, next)
			if err := service.Reload(func(c *nodedns.Config) { *c = reloadable.Config }); err != nil {
				t.Errorf("%s = %s: what can be reloaded of it is refused: %v", tt.key, value, err)
			}
		}
	}
}
