"""Permitting: the steps of the way in, and of imports, that let pass only what people's decisions allow."""
