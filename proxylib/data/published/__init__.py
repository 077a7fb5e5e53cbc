"""Published training runs and data sets: fetched by name, pinned by checksum, never committed."""
