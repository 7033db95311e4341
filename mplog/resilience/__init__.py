"""Sinks around sinks: each a pure decider with the clock passed in, and a thin wrapper."""
