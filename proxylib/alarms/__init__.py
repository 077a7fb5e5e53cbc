"""Watch a run's numbers: detectors over tidy frames, each with an error rate that is said."""
