"""Any, all and none of some labels: which photos, how many, how many bytes."""
