"""Who makes a run: configuration, plan, units of work, executors, stages, collecting."""
