"""keystores.json."""

from .keystores_chains import NamedKeystore, chains
from .keystores_images import valid_images
from .keystores_passphrase import passphrase_cases
from .keystores_refused import invalid_images


def keystore_cases() -> tuple[list[dict], dict[str, NamedKeystore]]:
    """The cases, and the keystores that cases of other files refer to."""
    chain_cases, named_chains = chains()
    image_cases, named_images = valid_images()
    return chain_cases + image_cases + passphrase_cases() + invalid_images(), {**named_chains, **named_images}
