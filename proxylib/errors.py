"""The one kind of error that a person can mend."""

from proxylib.text import line, without_keys


class UserError(Exception):
    """Bad input. The message is one line: what is wrong, where (file, line or parameter), and the mend.

    The command line prints it and exits with 2; nothing has been written when it is raised. What the message quotes is
    made visible, and keys in it are left out.
    """

    def __init__(self, message: str):
        super().__init__(line(without_keys(str(message))))
