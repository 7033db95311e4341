"""The command `mplog`: main.py is the front, and each subcommand has a file of its own."""
