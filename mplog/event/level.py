"""Level names and numbers: those of the standard library, and any number from 0 to 255 between
them.
"""

from __future__ import annotations

DEBUG, INFO, WARNING, ERROR, CRITICAL = 10, 20, 30, 40, 50

NAMES = {
    5: "TRACE",
    DEBUG: "DEBUG",
    INFO: "INFO",
    25: "SUCCESS",
    WARNING: "WARNING",
    ERROR: "ERROR",
    CRITICAL: "CRITICAL",
}
NUMBERS = {name: number for number, name in NAMES.items()} | {
    "WARN": WARNING,
    "FATAL": CRITICAL,
    "NOTSET": 0,
}


def name_of(level: int) -> str:
    """The name that people read for *level* (0–255)."""
    return NAMES.get(level) or f"LEVEL {level}"
