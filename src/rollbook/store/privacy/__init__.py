"""What the tables hold of people, for those who decide what may be held."""
