"""The writer program: a supervisor that only waits, and the one consumer of all lanes."""
