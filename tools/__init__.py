"""What maintains the course: refresh, cut, gates, timings, rekey. Run each as ``python -m tools.NAME``."""
