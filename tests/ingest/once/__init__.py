"""What was committed before."""
