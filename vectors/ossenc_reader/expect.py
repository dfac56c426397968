"""What valid cases are compared with."""


def expect(condition: bool, what: str) -> None:
    """No assert, which `python -O` would drop."""
    if not condition:
        raise ValueError(what)


def plain(length: int) -> bytes:
    """The plaintext rule: byte i = i mod 251."""
    return (bytes(range(251)) * (length // 251 + 1))[:length]
