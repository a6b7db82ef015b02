"""The one app that the double knows, as its maker sees it in Bling's app settings."""

from dataclasses import dataclass

from sandbox.bling.settings import Settings

# Scope ids are numbers, shown only in Bling's app settings; these are invented.
SCOPE = "98309 98310 318257565 318257570 363921589 1780930003"


@dataclass(slots=True)
class Registration:
    """What the app is registered with; every field but the client id is set by a control."""

    client_id: str
    client_secret: str
    """Basic password of the token endpoint and key of the webhooks' signatures, both at once."""
    scope: str = SCOPE
    inactive: bool = False
    """Bling has taken the app out of service: nobody can authorise it."""
    expires_in: int = 21_600
    """Seconds that an access token lives."""

    @classmethod
    def of(cls, settings: Settings) -> "Registration":
        """Register the app of the settings."""
        return cls(client_id=settings.client_id, client_secret=settings.client_secret)
