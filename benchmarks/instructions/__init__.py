"""The guard: what a log call and an event in the writer cost in instructions, beside the base."""
