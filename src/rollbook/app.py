"""The wiring: settings -> store -> way in -> routes and tasks. Nothing else knows all of them."""
