"""The two sorts of cases."""


def valid(name: str, comment: str, **fields) -> dict:
    return {"name": name, "comment": comment, "valid": True, **fields}


def invalid(name: str, comment: str, error: str, **fields) -> dict:
    return {"name": name, "comment": comment, "error": error, **fields}
