"""`distances`: whether beliefs that are far apart are represented far apart (Shai et al. 2024, §3.2)."""
