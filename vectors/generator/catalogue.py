"""All cases, by file."""

from .contexts import context_cases
from .envelopes import envelope_cases
from .files import file_cases
from .keys import key_cases
from .keystores import keystore_cases
from .messages import message_cases
from .objects import object_cases


def all_cases() -> dict[str, list[dict]]:
    keystores, named = keystore_cases()
    return {
        "messages": message_cases(),
        "contexts": context_cases(),
        "keys": key_cases(),
        "keystores": keystores,
        "envelopes": envelope_cases(named),
        "objects": object_cases(named),
        "files": file_cases(named),
    }
