"""What travels: levels, the event, and its form as bytes."""
