"""All cases, by file."""

from .attributes import attribute_cases
from .bucket_keys import bucket_key_cases
from .contexts import context_cases
from .direct import direct_cases
from .envelopes import envelope_cases
from .files import file_cases
from .keys import key_cases
from .keystores import keystore_cases
from .manifests import manifest_cases
from .messages import message_cases
from .objects import object_cases
from .receipts import receipt_cases
from .segments import segment_cases
from .whole import whole_cases


def all_cases() -> dict[str, list[dict]]:
    keystores, named = keystore_cases()
    return {
        "messages": message_cases(),
        "contexts": context_cases(),
        "keys": key_cases(),
        "keystores": keystores,
        "bucket_keys": bucket_key_cases(named),
        "envelopes": envelope_cases(named),
        "objects": object_cases(named),
        "files": file_cases(named),
        "segments": segment_cases(named),
        "receipts": receipt_cases(),
        "manifests": manifest_cases(named),
        "attributes": attribute_cases(named),
        "whole": whole_cases(named),
        "direct": direct_cases(named),
    }
