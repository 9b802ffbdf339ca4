//go:build !man

package main

import "github.com/spf13/cobra"

// addMan adds nothing: the manual is written by a build of its own.
func addMan(*cobra.Command) {}
