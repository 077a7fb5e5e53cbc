"""The lab: a population of small models trained here."""
