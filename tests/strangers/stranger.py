"""A client with the `websockets` package: `stranger.py URL UID REPLIES`.

Prints what it hears. REPLIES is an object: what to send when what is heard, or `null` to close.
"""

import json
import sys

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

url, uid, replies = sys.argv[1:]
replies = json.loads(replies)

with connect(url) as socket:
    socket.send(uid)
    try:
        while True:
            heard = socket.recv()
            print(heard, flush=True)
            if heard not in replies:
                continue
            if replies[heard] is None:
                socket.close()
            else:
                socket.send(replies[heard])
    except ConnectionClosed as closed:
        print(f"closed {closed.rcvd.code} {closed.rcvd.reason}".strip())
