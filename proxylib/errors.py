"""The one kind of error that a person can mend."""


class UserError(Exception):
    """Bad input. The message is one line: what is wrong, where (file, line or parameter), and the mend.

    The command line prints it and exits with 2; nothing has been written when it is raised.
    """

    def __init__(self, message: str):
        super().__init__(" ".join(str(message).split()))
