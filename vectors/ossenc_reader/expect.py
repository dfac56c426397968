"""What valid cases are compared with."""


def expect(condition: bool, what: str) -> None:
    """No assert, which `python -O` would drop."""
    if not condition:
        raise ValueError(what)


def plain(length: int, start: int = 0) -> bytes:
    """The plaintext rule: byte i = i mod 251. What begins at `start` goes on with it."""
    period = bytes((start + index) % 251 for index in range(251))
    return (period * (length // 251 + 1))[:length]
