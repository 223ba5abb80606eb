"""Permitting: the steps of the way in, and of imports, that let pass only what its sender
may send, and what people's decisions allow."""
