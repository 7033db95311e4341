"""gunicorn for the shop: 4 workers, and every log line of theirs in one file.

    gunicorn -c examples/shop/gunicorn_conf.py --bind 127.0.0.1:8000

``SHOP_DIR`` (default ``logs/shop``) says where database and log lie.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import mplog

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from shop.access import AccessFields  # noqa: E402 - gunicorn runs this file by its path

# gunicorn changes its directory, so the paths are made absolute before.
DIRECTORY = Path(os.environ.get("SHOP_DIR", "logs/shop")).resolve()
os.environ["SHOP_DIR"] = str(DIRECTORY)
DIRECTORY.mkdir(parents=True, exist_ok=True)

# Called once, in the master: the workers are its children and find the service by themselves.
mplog.configure(str(DIRECTORY / "shop.jsonl"), level="INFO", rotation="4 MB", retention=200)

wsgi_app = "shop.app:create_application()"
chdir = str(HERE.parent)
workers = 4
timeout = 30
graceful_timeout = 10
control_socket_disable = True

# gunicorn lays this over its own defaults key by key and not deeper, so each key is given whole.
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"access_fields": {"()": AccessFields}},
    "formatters": {"plain": {"format": "[%(process)d] %(levelname)s %(message)s"}},
    "handlers": {
        "mplog": {"class": "mplog.Handler", "level": "INFO"},
        "terminal": {
            "class": "logging.StreamHandler",
            "level": "WARNING",
            "formatter": "plain",
            "stream": "ext://sys.stderr",
        },
    },
    "root": {"level": "INFO", "handlers": ["mplog"]},
    "loggers": {
        "gunicorn.error": {"level": "INFO", "handlers": ["mplog", "terminal"], "propagate": False},
        "gunicorn.access": {
            "level": "INFO",
            "handlers": ["mplog"],
            "filters": ["access_fields"],
            "propagate": False,
        },
    },
}
