"""The one kind of error that a person can mend, and what ends a command that cannot tell."""

from proxylib.text import line, without_keys


class UserError(Exception):
    """Bad input. The message is one line: what is wrong, where (file, line or parameter), and the mend.

    The command line prints it and exits with its `code`; nothing has been written when it is raised. What the message quotes is
    made visible, and keys in it are left out.
    """

    code = 2  # of the process that ends with it

    def __init__(self, message: str):
        super().__init__(line(without_keys(str(message))))


class CannotTell(UserError):
    """Too much is missing for the answer that was asked for: nothing is wrong with any one input, but there is no number."""

    code = 4
