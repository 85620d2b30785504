"""Settings of notifications."""

from typing import Annotated, Self

from pydantic import Field, SecretStr, model_validator

from config.fields import Networks, Section, Setting
from config.vapid import parse_vapid_key

Positive = Field(gt=0)


class PushSettings(Section):
    """Notifications of messages to devices that are not connected (Web Push)."""

    vapid_private_key: Annotated[
        SecretStr, Setting("VAPID_PRIVATE_KEY", zero="made once, and kept in the database")
    ] = SecretStr("")
    """Key by which push services know this installation: of P-256, 32 bytes in base64url, or PEM. Subscriptions are bound to it: another one voids them all."""
    vapid_subject: Annotated[
        str, Field(pattern=r"^(mailto:[^@\s]+@[\w.-]+|https://[\w.-]+)$"), Setting("VAPID_SUBJECT")
    ] = "mailto:operator@localhost"
    """Address (`mailto:` or `https:`) by which a push service reaches whoever runs this. Some (Apple's) take no pushes from `localhost`."""
    networks: Annotated[Networks, Setting("PUSH_NETWORKS", zero="public addresses only")] = ()
    """Networks that are not public in which push services are nevertheless: of one's own, or for tests. There, plain `http` will do. `local` allows the loopback."""
    active_s: Annotated[
        float, Field(ge=0), Setting("PUSH_ACTIVE_S", zero="any use of the app is over at once")
    ] = 60
    """Whoever has used a connected device in so long a time is not notified; who has not seen the message by then, is."""
    max_age_s: Annotated[float, Positive, Setting("PUSH_MAX_AGE_S")] = 86_400
    """Nobody is notified of older messages. Push services keep what they can't deliver as long."""
    preview: Annotated[bool, Setting("PUSH_PREVIEW", unit="true or false", zero="only where to look")] = False
    """Whether a notification carries the sender's name and the beginning of the text, and not only where to look. It is encrypted for the device."""
    tries: Annotated[int, Positive, Setting("PUSH_TRIES", unit="tries")] = 10
    """Tries to hand over one notification, with ever longer pauses, before it becomes a dead letter."""
    timeout_s: Annotated[float, Positive, Setting("PUSH_TIMEOUT_S")] = 10
    """How long a push service may take to answer."""
    per_service: Annotated[int, Positive, Setting("PUSH_PER_SERVICE", unit="pushes")] = 32
    """Pushes that a node has under way at one push service."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.vapid_private_key.get_secret_value():
            try:
                parse_vapid_key(self.vapid_private_key.get_secret_value())
            except ValueError as error:
                raise ValueError(f"VAPID_PRIVATE_KEY {error}") from None
        return self
