"""Files: the active one, rotation, retention, the manifest, and what proves them complete."""
