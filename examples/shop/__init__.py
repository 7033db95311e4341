"""A small shop whose log goes through mplog: a catalogue, a basket, orders that may fail."""
