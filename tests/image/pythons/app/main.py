"""An application that nothing has to be installed for."""

import json

from shop import price

app = json.dumps({"price": price(3)})
