"""Questions about the data itself: how good it is, what is in it, what is wrong with it."""
