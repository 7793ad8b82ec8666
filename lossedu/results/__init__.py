"""Recorded runs, written by code only: see `lossedu.records`."""
