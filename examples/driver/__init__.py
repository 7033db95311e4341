"""What `run_shop.py` is made of: customers, a server that gets hurt, and an oracle of its own."""
