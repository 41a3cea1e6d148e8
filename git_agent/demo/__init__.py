"""The demo: three workers in a throwaway repository. A front end: it drives the command line like a user."""
