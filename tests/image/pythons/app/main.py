"""An application that nothing has to be installed for."""

import json

from shop import price  # type: ignore[import-not-found]  # beside it in the image

app = json.dumps({"price": price(3)})
