"""Settings of the web client."""

from typing import Annotated

from config.fields import Section, Setting


class WebSettings(Section):
    """The web client, which nodes with the role `api` serve beside the API."""

    root: Annotated[str, Setting("WEB_ROOT", zero="the API alone")] = ""
    """Folder of the built client: `web/dist` after `npm run build` in `web/`. It is read once, at the start."""
    demo: Annotated[bool, Setting("WEB_DEMO", unit="true or false", zero="none are offered")] = False
    """Whether the sign-in page offers accounts to try things with. Set by `local`, which makes them on its own database; nowhere else do they exist."""
