"""Your own models over your own traces."""
