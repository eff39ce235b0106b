"""The benchmark's parts: `cli` (what is measured), `contestants` (how each builds), `measure` (how)."""
