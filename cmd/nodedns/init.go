package main

import (
	"errors"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/nodedns/nodedns/zone"
)

// made is what init has made, or found half made.
type made struct {
	NodeID     zone.ID `json:"node_id"`
	PrivateKey string  `json:"private_key"`
	PublicKey  string  `json:"public_key"`
}

func newInit() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Make this node's key, from which its name follows",
		Long: `Init makes an ed25519 key for this node and prints the node ID that follows from
it. The public key is written where identity.public_key says, and the private
key, which nodedns itself does not need, to node.key beside it. A cluster's
certificate for this node is to be made for this key.

Keys that are there are never overwritten, unless --force is given: a node with
another key has another name. A node that got its key in another way needs no
init.

With --json: node_id, and the paths private_key and public_key.`,
		Example: `  nodedns init
  nodedns init --identity.public_key /etc/nodedns/node.pub`,
		Args: cobra.NoArgs,
	}
	settings, asJSON := addSettings(cmd), addJSON(cmd)
	force := cmd.Flags().Bool("force", false, "replace a key that is there, and with it this node's name")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := settings.load()
		if err != nil {
			return err
		}
		public := cfg.KeyFile
		if public == "" {
			return &usageError{errors.New("identity.public_key is empty: name the file for the public key there")}
		}
		keys := keyFiles{private: filepath.Join(filepath.Dir(public), privateKeyName), public: public}
		if keys.private == keys.public {
			return &usageError{errors.New("identity.public_key is " + public + ", where the private key goes: name another file for the public one")}
		}
		pub, err := keys.create(*force)
		if err != nil {
			return err
		}
		m := made{cfg.Prefix.FromPublicKey(pub), keys.private, keys.public}
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), m)
		}
		t := table{out: cmd.OutOrStdout()}
		t.row("node ID", string(m.NodeID))
		t.row("private key", m.PrivateKey)
		t.row("public key", m.PublicKey)
		if id := cfg.NodeID; id != "" {
			t.row("remark", "identity.node_id overrides it: the configuration names this node "+string(id))
		}
		return t.flush()
	}
	return cmd
}
