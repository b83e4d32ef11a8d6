"""The one write path for labels and counts: detection, people's decisions and rule runs."""
