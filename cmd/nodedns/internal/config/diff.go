package config

// Reloadable is what a daemon that was started with one configuration can take
// over of another: the keys whose change takes a restart are those of the start.
func Reloadable(started, loaded Config) Config {
	for _, k := range keys {
		if k.needsRestart {
			k.copy(&loaded, &started)
		}
	}
	return loaded
}

// Diff returns the names of the keys in which two configurations differ, in
// the order of the table of keys: those that a running daemon can take over,
// and those that it can only take over by a restart.
func Diff(before, after Config) (reloadable, restart []string) {
	for _, k := range keys {
		switch {
		case k.same(&before, &after):
		case k.needsRestart:
			restart = append(restart, k.name)
		default:
			reloadable = append(reloadable, k.name)
		}
	}
	return reloadable, restart
}
