"""The one write path for labels and counts: detection, rules, people's decisions and replays."""
