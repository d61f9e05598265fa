"""Processes and what they share: supervision, watchdog, signals, logs, scratch folders."""
