"""The demo: three workers in a throwaway repository. It is a front end that runs the command line like a user."""
