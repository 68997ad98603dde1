"""`attention`: how attention falls with the lag, against the powers of the process's eigenvalues."""
