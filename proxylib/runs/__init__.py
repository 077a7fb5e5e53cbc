"""Work that is done once: settings of a profile, runs on disk, the walk through the grid."""
