"""Laws by which scores and losses change with compute, size, tokens or another signal, and how they are fitted."""
