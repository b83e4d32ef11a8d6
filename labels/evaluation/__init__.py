"""How right a detector is on photos whose content is known, and the training of the local one."""
