"""Bounds and defaults that more than one module of the settings needs."""

from __future__ import annotations

DEFAULT_OVERFLOW_BYTES = 256 << 20
DEFAULT_SPOOL_BYTES = 64 << 20
MIN_MEMORY_BYTES, MAX_MEMORY_BYTES = 1 << 20, 1 << 50
MAX_OVERFLOW_BYTES = 4 << 30  # the core has the same bound
MIN_EVENT_BYTES, MAX_EVENT_BYTES = 1024, 256 * 1024
MAX_S = 366 * 86_400.0
# In each of their cases they fit into the table in native/core/codec/redact.h.
MAX_SECRETS, MAX_SECRET_BYTES = 64, 48
MAX_ENRICHERS, MAX_ENRICHER_CHARS = 32, 300
REDACTED = (
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "jwt",
    "authorization",
    "cookie",
    "credentials",
    "api_key",
    "apikey",
    "access_key",
    "private_key",
)
