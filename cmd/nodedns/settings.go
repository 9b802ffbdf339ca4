package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/config"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/control"
)

// settings are the flags by which a command finds its configuration and the
// daemon.
type settings struct {
	flags     *pflag.FlagSet
	stderr    func() io.Writer
	file      string
	socket    string
	overrides *config.Overrides
}

// addSettings gives a command --config. The flag of each key comes by addKeys.
func addSettings(cmd *cobra.Command) *settings {
	s := &settings{flags: cmd.Flags(), stderr: cmd.ErrOrStderr, file: config.DefaultPath}
	s.flags.Var((*configFile)(s), "config",
		"configuration `FILE`; each of its keys is also a flag, see \"nodedns help configuration\"")
	return s
}

// configFile is the value of --config, by which a command's settings are found.
type configFile settings

func (c *configFile) String() string     { return c.file }
func (c *configFile) Set(s string) error { c.file = s; return nil }
func (c *configFile) Type() string       { return "string" }

// addKeys gives a flag for each key to the commands below root that have settings
// and one of these names. The one that runs is named on the command line: for all
// of them together it would take a fifth of the time of a start.
func addKeys(root *cobra.Command, names []string) {
	for _, cmd := range root.Commands() {
		if f := cmd.Flags().Lookup("config"); f != nil && slices.Contains(names, cmd.Name()) {
			(*settings)(f.Value.(*configFile)).addKeys(cmd)
		}
		addKeys(cmd, names)
	}
}

// addKeys gives the command of the settings a flag for each key.
func (s *settings) addKeys(cmd *cobra.Command) {
	s.overrides = config.RegisterFlags(s.flags)
	completeKeys(cmd)
	completePaths(cmd)
}

// addControl gives a command --control as well.
func (s *settings) addControl() *settings {
	s.flags.StringVar(&s.socket, "control", "", "`SOCKET` of the daemon, instead of the configured one")
	return s
}

// load reads the configuration. It may be called again, to reload it.
func (s *settings) load() (config.Config, error) {
	cfg, err := config.Load(s.named(), s.overrides)
	if err != nil {
		return config.Config{}, &usageError{err}
	}
	return s.withControlSocket(cfg), nil
}

// origins returns where the values of the configuration come from.
func (s *settings) origins() ([]origin, error) {
	found, err := config.Origins(s.named(), s.overrides)
	if err != nil {
		return nil, &usageError{err}
	}
	list := make([]origin, len(found))
	for i, o := range found {
		list[i] = origin(o)
	}
	return list, nil
}

// loadPartial is the valid part of a configuration that cannot be loaded.
func (s *settings) loadPartial() config.Config {
	return s.withControlSocket(config.Understood(s.named(), s.overrides))
}

// flagsOnly is the configuration of the flags alone, with the defaults for the
// rest.
func (s *settings) flagsOnly() (config.Config, error) {
	cfg, err := config.Parse("", nil, s.overrides)
	if err != nil {
		return config.Config{}, &usageError{err}
	}
	return cfg, nil
}

// named is the file that is named, or "".
func (s *settings) named() string {
	if s.flags.Changed("config") {
		return s.file
	}
	return ""
}

// withControlSocket has the daemon queried at the named socket.
func (s *settings) withControlSocket(cfg config.Config) config.Config {
	if s.socket != "" {
		cfg.Control.Socket = s.socket
	}
	return cfg
}

// client returns a client of the daemon. A configuration with mistakes does not
// hide the daemon, which may run since before they were made: there is a
// warning then, and an error for a mistake in the flags only.
func (s *settings) client() (*control.Client, error) {
	found, err := s.locate()
	if err != nil {
		return nil, err
	}
	if found.problem != nil {
		fmt.Fprintf(s.stderr(), "nodedns: warning: the configuration cannot be used, asking the daemon on %s: %s\n",
			found.socket, shown(firstLine(found.problem), false))
	}
	return control.NewClient(found.socket), nil
}

// locate finds the daemon's socket. With --control the configuration is not read.
func (s *settings) locate() (located, error) {
	if s.socket != "" {
		return located{socket: s.socket}, nil
	}
	return locate(s.load, s.loadPartial, s.flagsOnly)
}

// isKey reports whether a flag is a key of the configuration: no other has a
// dot.
func isKey(f *pflag.Flag) bool { return strings.Contains(f.Name, ".") }

// showKeysApart leaves the keys out of the commands' help, where forty of them
// would bury the few flags that matter. Completion still offers them.
func showKeysApart(root *cobra.Command) {
	help := root.HelpFunc()
	root.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		cmd.Flags().VisitAll(func(f *pflag.Flag) { f.Hidden = f.Hidden || isKey(f) })
		help(cmd, args)
	})
}

// newConfigurationTopic makes the help on the keys, which is no command.
func newConfigurationTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "configuration",
		Short: "The keys of the configuration, as flags",
		Long: fmt.Sprintf(`The configuration is a TOML file, %s unless --config
names another. The files *.toml in a directory beside it, named alike but with .d
in place of .toml, are read after it in the order of their names. Every key is
optional. What a later file says replaces what an earlier one did, key by key,
lists and all [[upstream.route]] together included. A flag --section.key
overrides the key of that name in the section; a list is given separated by
commas, or by repeating the flag. "nodedns check" reports what is wrong with one.
%s`, config.DefaultPath, describeKeys()),
	}
}

// describeKeys lists the keys, section by section.
func describeKeys() string {
	keys := pflag.NewFlagSet("configuration", pflag.ContinueOnError)
	keys.SortFlags = false
	config.RegisterFlags(keys)
	var text strings.Builder
	last := ""
	keys.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		section, _, _ := strings.Cut(f.Name, ".")
		if section != last {
			fmt.Fprintf(&text, "\n[%s]\n", section)
		}
		last = section
		value, usage := pflag.UnquoteUsage(f)
		fmt.Fprintf(&text, "  --%s\n      %s\n", strings.TrimSpace(f.Name+" "+value), usage)
		if f.DefValue != "" && f.DefValue != "false" {
			fmt.Fprintf(&text, "      Default: %s\n", f.DefValue)
		}
	})
	return strings.TrimSuffix(text.String(), "\n")
}
