"""Users' own sinks in processes of their own: what they do to theirs, they do to no other."""
