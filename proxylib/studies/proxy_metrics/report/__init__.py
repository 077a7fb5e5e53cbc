"""Frames that the pages on proxies show, a module per page."""
