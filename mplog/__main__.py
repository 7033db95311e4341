"""`python -m mplog` is the command `mplog`."""

import sys

from mplog.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
