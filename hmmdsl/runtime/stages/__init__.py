"""How each kind of stage is made and read again: one file each."""
