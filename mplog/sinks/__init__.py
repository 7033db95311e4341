"""Destinations other than files: naive, one a module; what befalls them is resilience/'s."""
