"""What goes wrong at the doors."""


class HostError(Exception):
    """The function app is refused. The message says which function, why, and what cures it."""


class FunctionFailed(Exception):
    """A function raised. `stack` is its traceback as text."""

    def __init__(self, function: str, message: str, stack: str) -> None:
        super().__init__(f"{function}: {message}")
        self.function, self.message, self.stack = function, message, stack
