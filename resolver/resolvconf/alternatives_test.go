package resolvconf

import (
	"fmt"
	"testing"
)

func TestAlternatives(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		furnish func(*tree)
		writes  []string // by other programs, while we run
		want    string
	}{
		{"no other", func(r *tree) { r.write(usualPath, owners) }, nil, "[]"},
		{"NetworkManager's", func(r *tree) {
			r.write(usualPath, owners)
			r.write(networkManagerPath, "nameserver 192.0.2.1\nnameserver 192.0.2.9\nnameserver 127.0.0.53\n")
		}, nil, "[{" + networkManagerPath + " [192.0.2.9]}]"},
		{"what was there before a VPN", func(r *tree) { r.write(usualPath, owners) }, []string{vpns}, "[{/etc/resolv.conf as it was earlier [192.0.2.1]}]"},
		{
			"the newest of those first", func(r *tree) { r.write(usualPath, owners) },
			[]string{"nameserver 192.0.2.7\n", vpns},
			"[{/etc/resolv.conf as it was earlier [192.0.2.7]} {/etc/resolv.conf as it was earlier [192.0.2.1]}]",
		},
		{"the same servers", func(r *tree) { r.write(usualPath, owners) }, []string{owners + "search a.example\n"}, "[]"},
		{"a symlink of then, by what it leads to now", func(r *tree) {
			r.link(usualPath, "/run/theirs")
			r.write("/run/theirs", "nameserver 192.0.2.5\n")
		}, []string{vpns}, "[{/run/theirs [192.0.2.5]}]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *tree) {
				c.furnish(r)
				b := r.launch(ModeStub, false)
				for _, text := range c.writes {
					b.others(text)
				}
				place := r.place()
				sources := NewSources(place, nil)
				if _, err := sources.Reload(); err != nil {
					t.Error(err)
				}
				got := sources.Alternatives(sources.SystemConfig(notOwn), notOwn)
				for i := range got {
					got[i].Source = got[i].Source[len(r.root):]
				}
				if text := fmt.Sprint(got); text != c.want {
					t.Errorf("got %s, want %s", text, c.want)
				}
				b.stop()
			})
		})
	}
}
