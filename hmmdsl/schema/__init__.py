"""The validated objects: what a spec means. Imports neither torch nor numpy."""
