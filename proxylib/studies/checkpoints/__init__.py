"""Loss against capability, and which of the last checkpoints to take."""
