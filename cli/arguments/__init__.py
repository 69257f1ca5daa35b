"""What can be named on the command line, found or refused; and where a command may write."""
