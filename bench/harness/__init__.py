"""The benchmark: `cli` says what is measured, `contestants` how each builds, `measure` how."""
