"""Files and folders on the disk: written whole, read within limits. The one place where anything is written or moved."""
