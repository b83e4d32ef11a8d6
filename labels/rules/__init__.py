"""What a detector answer means for a photo: the rules, how they resolve, and their versions."""
