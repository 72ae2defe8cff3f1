"""The command `onemeter-server`: runs the server and makes keys."""
