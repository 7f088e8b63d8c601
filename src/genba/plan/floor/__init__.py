"""What to do now: plans in force followed on the floor, jobs and vehicles, tick by tick."""
