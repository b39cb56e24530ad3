"""An experiment's tables, checked; and what a run folder holds."""
