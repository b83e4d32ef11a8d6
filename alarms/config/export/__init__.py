"""A set's alarms for other tools, from what `alarms.config.configuration.load` returns (pure)."""
