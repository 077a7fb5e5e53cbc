"""Watches a run of your own: alarms over its history, the checkpoint to take, and how often such alarms are false."""
