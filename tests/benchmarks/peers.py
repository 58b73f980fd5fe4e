"""The load that other systems were measured by, as an external source's: each body signed as Standard Webhooks say.

python -m tests.benchmarks.peers FOLDER SECRET --url … and what else FOLDER's load.py takes
"""

import asyncio
import importlib.util
import json
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path

from service.standard_webhooks import read_secret, sign


def main() -> None:
    folder, secret = Path(sys.argv[1]), read_secret(sys.argv[2])
    described = importlib.util.spec_from_file_location("load", folder / "load.py")
    assert described is not None
    assert described.loader is not None
    load = importlib.util.module_from_spec(described)
    described.loader.exec_module(load)

    def body_and_headers(index: int, run: str) -> tuple[bytes, dict[str, str]]:
        body = json.dumps(load.payload(index, run)).encode()
        return body, {"Content-Type": "application/json", **sign(secret, str(uuid.uuid4()), datetime.now(UTC), body)}

    vars(load)["body_and_headers"] = body_and_headers
    sys.argv = ["load.py", *sys.argv[3:]]
    asyncio.run(load.main())


if __name__ == "__main__":
    main()
