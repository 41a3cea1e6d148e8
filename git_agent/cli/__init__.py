"""The click commands: parse the arguments, act, print the result. No other package imports this one."""
