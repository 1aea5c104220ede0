"""The stand-in of rbee-keeper: the command line with which a person uses rbee."""
