"""What a service counts, where any process reads it without asking the writer."""
